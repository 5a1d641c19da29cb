//! Public ids: a prefix that names the resource and a `UUIDv7` without dashes (contract §1).

use super::error::{Error, Resource};
use super::field::{FieldError, FieldType, Raw};

/// A typed id. Only [`Id::parse`] and [`Id::new`] make one.
pub trait Id: Sized {
    const PREFIX: &'static str;
    fn from_valid(text: String) -> Self;
    fn as_str(&self) -> &str;

    /// A new id: time-ordered, unique, monotonic within this process.
    fn new() -> Self {
        Self::from_valid(format!("{}{}", Self::PREFIX, uuid::Uuid::now_v7().simple()))
    }

    /// The id that is nobody's.
    fn nil() -> Self {
        Self::from_valid(format!("{}{}", Self::PREFIX, uuid::Uuid::nil().simple()))
    }

    /// The id in `text`, if it has this type's prefix and 32 lower-case hex digits.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(Self::PREFIX)?;
        let valid = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        valid.then(|| Self::from_valid(text.to_owned()))
    }
}

macro_rules! id {
    ($($(#[$meta:meta])* $Name:ident = $prefix:literal, $resource:expr;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
        #[schemars(inline)]
        pub struct $Name(String);

        impl Id for $Name {
            const PREFIX: &'static str = $prefix;
            fn from_valid(text: String) -> Self { Self(text) }
            fn as_str(&self) -> &str { &self.0 }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }

        impl FieldType for $Name {
            const KIND: &'static str = "a string";
            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string", "pattern": concat!("^", $prefix, "[0-9a-f]{32}$") })
            }
            /// A malformed id is answered like an unknown one.
            fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
                <Self as Id>::parse(raw.text()?).ok_or(FieldError::Refused(Error::NotFound($resource)))
            }
        }
    )+};
}

id! {
    TaskId = "task_", Resource::Task;
    EscrowId = "esc_", Resource::Task;
    UserId = "user_", Resource::User;
    ApplicationId = "app_", Resource::Application;
    SubmissionId = "sub_", Resource::Task;
    MessageId = "msg_", Resource::Task;
    TransferId = "txn_", Resource::Task;
    NotificationId = "ntf_", Resource::Notification;
    ApiKeyId = "key_", Resource::ApiKey;
    WebhookId = "wh_", Resource::Webhook;
    EventId = "evt_", Resource::Task;
    DeliveryId = "dlv_", Resource::Delivery;
    DisputeId = "dsp_", Resource::Dispute;
    ReferralId = "ref_", Resource::User;
    SnapshotId = "snap_", Resource::Snapshot;
    RequestId = "req_", Resource::Path;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_parses_and_sorts_after_the_one_before() {
        let (first, second) = (TaskId::new(), TaskId::new());
        assert!(first < second);
        assert_eq!(<TaskId as Id>::parse(first.as_str()), Some(first));
    }

    #[test]
    fn another_prefix_length_or_digit_is_no_id() {
        for text in ["", "task_", "task_a1b2c3d4", "user_0190a5c0b5f07d1e9b5f0190a5c0b5f0", "task_0190A5C0B5F07D1E9B5F0190A5C0B5F0"] {
            assert_eq!(<TaskId as Id>::parse(text), None, "{text}");
        }
    }
}
