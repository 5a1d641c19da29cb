//! What a receiver gets: the documented envelope, its signatures, and samples to test an endpoint with (contract §7).

use super::event::EventType;
use super::id::{ApplicationId, DeliveryId, DisputeId, EventId, Id, MessageId, SubmissionId, TaskId, UserId};
use super::money::Money;
use super::named::named;
use super::secret::Secret;
use super::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::Sha256;

named! {
    /// Where an event is on its way to an endpoint.
    pub enum DeliveryState {
        Pending = "pending",
        Delivered = "delivered",
        Failed = "failed",
    }
}

named! {
    /// Why the server switched an endpoint off.
    pub enum DisabledReason {
        /// It answered 410.
        Gone = "gone",
        /// Nothing reached it for days.
        Failing = "failing",
    }
}

named! {
    /// How a sandbox has a delivery arrive, on demand.
    pub enum Misdelivery {
        /// As if its first acknowledgement had been lost.
        Twice = "twice",
        /// As if its first attempt had failed: it is overtaken by the endpoint's next.
        Late = "late",
    }
}

/// What signs an endpoint's deliveries: its secret, and for a while after a rotation the one before.
#[derive(Debug, Clone)]
pub struct SigningSecrets {
    pub current: Secret,
    pub previous: Option<Secret>,
}

/// An event on its way to one endpoint.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub delivery_id: DeliveryId,
    pub event_id: EventId,
    pub event: EventType,
    /// `None` for the test of an endpoint.
    pub task_id: Option<TaskId>,
    /// The envelope's `data`.
    pub data: Box<RawValue>,
    pub secrets: SigningSecrets,
}

/// One attempt, ready to be sent.
#[derive(Debug)]
pub struct SignedRequest {
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    event: EventType,
    timestamp: Timestamp,
    task_id: &'a str,
    data: &'a RawValue,
}

impl Outgoing {
    /// The request of an attempt made at `now`: a receiver that refuses what is older than 5 minutes accepts a late retry.
    pub fn sign(&self, now: Timestamp) -> Result<SignedRequest, serde_json::Error> {
        let no_task = TaskId::nil();
        let task_id = self.task_id.as_ref().unwrap_or(&no_task).as_str();
        let body = serde_json::to_string(&Envelope { event: self.event, timestamp: now, task_id, data: &self.data })?;
        let (current, previous) = (&self.secrets.current, self.secrets.previous.as_ref());
        let signed = format!("{}.{}.{body}", self.event_id, now.seconds());
        let standard: Vec<_> = std::iter::once(current).chain(previous).map(|secret| standard_signature(secret, &signed)).collect();
        let mut headers = vec![
            ("Content-Type", "application/json".to_owned()),
            ("X-Humans2AI-Event", self.event.to_string()),
            ("X-Humans2AI-Delivery", self.delivery_id.to_string()),
            ("X-Humans2AI-Signature", page_signature(current, &body)),
            ("webhook-id", self.event_id.to_string()),
            ("webhook-timestamp", now.seconds().to_string()),
            ("webhook-signature", standard.join(" ")),
        ];
        headers.extend(previous.map(|secret| ("X-Humans2AI-Signature-Previous", page_signature(secret, &body))));
        Ok(SignedRequest { headers, body })
    }
}

/// As the published page has it: keyed with the secret's own text.
fn page_signature(secret: &Secret, body: &str) -> String {
    hmac(secret.expose().as_bytes(), body).iter().fold("v1=".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// As the Standard Webhooks specification has it: keyed with the bytes behind `whsec_`.
fn standard_signature(secret: &Secret, signed: &str) -> String {
    let key = secret.expose().trim_start_matches(SECRET_PREFIX);
    let key = STANDARD.decode(key).unwrap_or_default();
    format!("v1,{}", STANDARD.encode(hmac(&key, signed)))
}

const SECRET_PREFIX: &str = "whsec_";

/// An endpoint's secret, made of 32 random bytes.
pub fn secret(bytes: [u8; 32]) -> Secret {
    Secret::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)))
}

fn hmac(key: &[u8], text: &str) -> [u8; 32] {
    // HMAC takes a key of any length, so the error is none.
    Hmac::<Sha256>::new_from_slice(key).map(|mac| mac.chain_update(text).finalize().into_bytes().into()).unwrap_or_default()
}

/// `data` like that of a real event of this kind, about nobody and nothing.
pub fn sample(kind: EventType, now: Timestamp) -> Value {
    let own = match kind {
        EventType::HumanAccepted => json!({ "applicationId": ApplicationId::nil(), "acceptedAt": now }),
        EventType::Submitted => json!({ "submissionId": SubmissionId::nil(), "submittedAt": now }),
        EventType::Completed => {
            json!({ "completedAt": now, "payout": Money::from_micros(149_985_000), "platformFee": Money::from_micros(15_000) })
        }
        EventType::Expired => json!({ "expiredAt": now, "refunded": 150 }),
        EventType::Disputed => json!({ "disputeId": DisputeId::nil(), "reason": "A test of your endpoint", "disputedAt": now }),
        EventType::MessageReceived => {
            json!({ "messageId": MessageId::nil(), "senderId": UserId::nil(), "content": "A test of your endpoint", "sentAt": now })
        }
        EventType::Created => json!({ "budget": 150, "createdAt": now }),
        EventType::ApplicationReceived => json!({ "applicationId": ApplicationId::nil(), "applicantId": UserId::nil(), "appliedAt": now }),
        EventType::Rejected => json!({ "reason": "A test of your endpoint", "rejectedAt": now, "disputeUntil": now }),
        EventType::Cancelled => json!({ "cancelledAt": now, "refunded": 150 }),
        EventType::Refunded => json!({ "refundedAt": now, "refunded": 150 }),
    };
    let mut data = json!({ "taskTitle": "A test of your endpoint", "humanDisplayId": UserId::nil() });
    if let (Value::Object(data), Value::Object(own)) = (&mut data, own) {
        data.extend(own);
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret, id, time and signature of the Standard Webhooks specification's own example.
    #[test]
    fn the_standard_signature_is_that_of_the_specification() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let signed = r#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        assert_eq!(standard_signature(&secret, signed), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_envelope_has_the_documented_fields_in_their_order() {
        let outgoing = Outgoing {
            delivery_id: DeliveryId::new(),
            event_id: EventId::new(),
            event: EventType::Completed,
            task_id: Some(TaskId::nil()),
            data: RawValue::from_string(r#"{"payout":149.985}"#.into()).unwrap(),
            secrets: SigningSecrets { current: secret([1; 32]), previous: Some(secret([2; 32])) },
        };
        let signed = outgoing.sign(Timestamp::from_millis(1_772_640_000_999)).unwrap();
        let id = TaskId::nil();
        let expected =
            format!(r#"{{"event":"task.completed","timestamp":"2026-03-04T16:00:00Z","taskId":"{id}","data":{{"payout":149.985}}}}"#);
        assert_eq!(signed.body, expected);
        let header = |name: &str| signed.headers.iter().find(|(key, _)| *key == name).unwrap().1.clone();
        assert_eq!(header("X-Humans2AI-Signature").matches("v1=").count(), 1);
        assert_ne!(header("X-Humans2AI-Signature"), header("X-Humans2AI-Signature-Previous"));
        assert_eq!(header("webhook-signature").split(' ').count(), 2);
        assert_eq!(header("webhook-timestamp"), "1772640000");
    }
}
