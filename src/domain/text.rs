//! Text a client may send: trimmed, bounded in Unicode scalar values, free of control characters (contract §1).

use super::field::{FieldError, FieldType, Raw};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Any character of a text, one that is to be seen, and one that is not: as a pattern.
const ANY: &str = r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]";
const INK: &str = r"[^\s\x00-\x1f\x7f-\x9f]";
const BLANK: &str = r"[^\S\x0b-\x1f\x85]";

/// Trimmed text of `MIN` to `MAX` characters, without control characters other than newline and tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> FieldType for Text<MIN, MAX> {
    const KIND: &'static str = "a string";

    fn schema() -> serde_json::Value {
        // Blanks at the ends do not count.
        let pattern = match MIN {
            0 => format!("^{ANY}*$"),
            1 => format!("^{ANY}*{INK}{ANY}*$"),
            _ => format!("^{BLANK}*{INK}{ANY}{{{},}}{INK}{BLANK}*$", MIN - 2),
        };
        serde_json::json!({ "type": "string", "minLength": MIN, "maxLength": MAX, "pattern": pattern })
    }

    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        let text = raw.text()?.trim();
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(FieldError::Rule("must not contain control characters other than newline and tab".into()));
        }
        match text.chars().count() {
            0 if MIN > 0 => Err(FieldError::Rule("must not be empty".into())),
            length if length < MIN => Err(FieldError::Rule(format!("must have at least {MIN} characters"))),
            length if length > MAX => Err(FieldError::Rule(format!("must have at most {MAX} characters"))),
            _ => Ok(Text(text.to_owned())),
        }
    }
}

/// What every validator reads alike of an email address; the parser takes letters of other scripts, too.
const EMAIL_PATTERN: &str =
    r"^[^@\s\x00-\x1f\x7f-\x9f]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$";

/// The same of a URL: a name, an IPv4 address or an IPv6 one; a port; what follows.
const URL_PATTERN: &str = concat!(
    r"^[Hh][Tt][Tt][Pp][Ss]?://(",
    r"([A-Za-z0-9]+([.-][A-Za-z0-9]+)*[.-])?[A-Za-z][A-Za-z0-9]*",
    r"|((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])",
    r"|\[([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4}){7}|([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4}){0,2})?::([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4}){0,3})?)\]",
    r")(:[0-9]{1,4})?([/?#][!-~]*)?$"
);

/// Declares a type of text with a form of its own, on top of [`Text`].
macro_rules! formed_text {
    ($($(#[$meta:meta])* $Name:ident: Text<$min:literal, $max:literal>, $pattern:expr, $rule:literal, $form:expr;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $Name(String);

        impl $Name {
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl FieldType for $Name {
            const KIND: &'static str = "a string";
            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string", "minLength": $min, "maxLength": $max, "pattern": $pattern })
            }
            fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
                let text = Text::<$min, $max>::parse(raw)?;
                let form: fn(&str) -> Option<String> = $form;
                form(text.as_str()).map($Name).ok_or_else(|| FieldError::Rule($rule.into()))
            }
        }
    )+};
}

formed_text! {
    /// A category: lower-case words joined by `-` or `_`.
    Slug: Text<1, 50>, "^[A-Za-z0-9]+([_-][A-Za-z0-9]+)*$",
        "must be a slug: letters and digits, with single - or _ between them", slug;
    /// An email address, lower-cased: emails compare case-insensitively.
    Email: Text<3, 254>, EMAIL_PATTERN,
        "must be an email address", email;
    /// An http or https address.
    HttpUrl: Text<8, 2048>, URL_PATTERN, "must be an http or https URL", http_url;
}

fn slug(text: &str) -> Option<String> {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric());
    text.split(['-', '_']).all(word).then(|| text.to_ascii_lowercase())
}

fn email(text: &str) -> Option<String> {
    let (local, host) = text.split_once('@')?;
    let label = |label: &str| {
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let plain = !local.is_empty() && local.len() <= 64 && !text.chars().any(char::is_whitespace);
    let valid = plain && host.contains('.') && host.split('.').all(label);
    valid.then(|| text.to_lowercase())
}

fn http_url(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    let known = matches!(url.scheme(), "http" | "https") && text.contains("://") && url.has_host();
    let plain = known && !text.contains(":///") && !text.chars().any(char::is_whitespace);
    plain.then(|| text.to_owned())
}

impl HttpUrl {
    pub fn is_https(&self) -> bool {
        url::Url::parse(&self.0).is_ok_and(|url| url.scheme() == "https")
    }

    /// The address of a host that is one, in whatever form it was written.
    pub fn ip_address(&self) -> Option<IpAddr> {
        match url::Url::parse(&self.0).ok()?.host()? {
            url::Host::Ipv4(address) => Some(address.into()),
            url::Host::Ipv6(address) => Some(address.into()),
            url::Host::Domain(_) => None,
        }
    }

    /// Whether it carries a user name or password.
    pub fn has_user_info(&self) -> bool {
        url::Url::parse(&self.0).is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
    }
}

/// Up to 20 pairs of strings, for the client's own use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata(pub BTreeMap<String, String>);

impl Metadata {
    const MAX_PAIRS: usize = 20;
}

impl FieldType for Metadata {
    const KIND: &'static str = "an object of strings";

    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "object", "maxProperties": Self::MAX_PAIRS,
            "propertyNames": Text::<1, 50>::schema(), "additionalProperties": Text::<0, 500>::schema() })
    }

    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        let Raw::Json(serde_json::Value::Object(pairs)) = raw else { return Err(FieldError::Kind) };
        let rule = || FieldError::Rule("must hold at most 20 pairs: names of 1 to 50 and strings of at most 500 characters".into());
        if pairs.len() > Self::MAX_PAIRS {
            return Err(rule());
        }
        let pair = |(name, value): (&String, &serde_json::Value)| {
            let name = Text::<1, 50>::parse(Raw::Text(name)).map_err(|_| rule())?;
            let value = Text::<0, 500>::parse(Raw::Json(value)).map_err(|_| rule())?;
            Ok((name.0, value.0))
        };
        let named: BTreeMap<_, _> = pairs.iter().map(pair).collect::<Result<_, _>>()?;
        // Names that differ in blanks at their ends only are the same one.
        if named.len() < pairs.len() {
            return Err(FieldError::Rule("must have each name only once".into()));
        }
        Ok(Metadata(named))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_counted_in_characters_and_free_of_control() {
        let parse = |text| Text::<1, 3>::parse(Raw::Text(text)).map(|text| text.0).ok();
        assert_eq!(parse("  äöü \n"), Some("äöü".into()));
        assert_eq!(parse("a\tb"), Some("a\tb".into()));
        for text in ["", "   ", "abcd", "a\u{0}b", "a\u{7f}"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn forms_are_checked() {
        assert!(slug("photo-graphy_2").is_some() && slug("a--b").is_none() && slug("ä").is_none());
        assert_eq!(email("Bo@Example.COM"), Some("bo@example.com".into()));
        for text in ["a@b", "@b.c", "a@b..c", "a b@c.de", "a@-b.de", "a@b@c.de"] {
            assert_eq!(email(text), None, "{text}");
        }
        assert!(http_url("HTTPS://example.com/x?y").is_some());
        for text in [
            "ftp://example.com",
            "http://",
            "http:///x",
            "https://:80",
            "example.com",
            "http://x:99999/",
            "http://[::1/",
            "https:example.com",
        ] {
            assert_eq!(http_url(text), None, "{text}");
        }
    }
}
