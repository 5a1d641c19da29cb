//! Inputs, declared once: each field's name, type, limits and one line of doc.
//!
//! From a declaration come the parser and its messages, the `OpenAPI` document and the MCP input schemas.

use super::error::{Error, Result};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A field's raw value: of a JSON body, or the text of a path or query parameter.
#[derive(Clone, Copy)]
pub enum Raw<'a> {
    Json(&'a Value),
    Text(&'a str),
}

/// Why a raw value is no value of the field's type.
#[derive(Debug)]
pub enum FieldError {
    /// It is not even of the right kind (a number where a string belongs).
    Kind,
    /// It breaks a rule, which continues the sentence "`field` …".
    Rule(String),
    /// It is decided already: a malformed id is an unknown one.
    Refused(Error),
}

impl<'a> Raw<'a> {
    pub fn text(self) -> Result<&'a str, FieldError> {
        match self {
            Raw::Json(Value::String(text)) => Ok(text),
            Raw::Text(text) => Ok(text),
            Raw::Json(_) => Err(FieldError::Kind),
        }
    }

    /// The number's own literal.
    pub fn number(self) -> Result<Cow<'a, str>, FieldError> {
        match self {
            Raw::Json(Value::Number(number)) => Ok(number.to_string().into()),
            Raw::Text(text) => Ok(text.into()),
            Raw::Json(_) => Err(FieldError::Kind),
        }
    }
}

/// A type that a field can have: its schema and its parser.
pub trait FieldType: Sized {
    /// What it must be, with its article: `a string`.
    const KIND: &'static str;
    fn schema() -> Value;
    fn parse(raw: Raw<'_>) -> Result<Self, FieldError>;
    /// The value of an absent field, where it may be absent.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: FieldType> FieldType for Option<T> {
    const KIND: &'static str = T::KIND;
    fn schema() -> Value {
        T::schema()
    }
    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        T::parse(raw).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl FieldType for bool {
    const KIND: &'static str = "true or false";
    fn schema() -> Value {
        serde_json::json!({ "type": "boolean" })
    }
    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        match raw {
            Raw::Json(Value::Bool(value)) => Ok(*value),
            Raw::Text("true" | "1") => Ok(true),
            Raw::Text("false" | "0") => Ok(false),
            _ => Err(FieldError::Kind),
        }
    }
}

/// A whole number between `MIN` and `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: u32, const MAX: u32>(pub u32);

impl<const MIN: u32, const MAX: u32> FieldType for Whole<MIN, MAX> {
    const KIND: &'static str = "a whole number";
    fn schema() -> Value {
        serde_json::json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        let number = raw.number()?;
        let literal = match raw {
            // JSON Schema's integers: 5.0 is one.
            Raw::Json(_) => number.trim_end_matches('0').strip_suffix('.').unwrap_or(&number),
            Raw::Text(_) => &number,
        };
        let digits = !literal.is_empty() && literal.bytes().all(|b| b.is_ascii_digit());
        let value = literal.parse::<u32>().ok().filter(|value| digits && (MIN..=MAX).contains(value));
        value.map(Whole).ok_or_else(|| FieldError::Rule(format!("must be a whole number from {MIN} to {MAX}")))
    }
}

/// A list of `MIN` to `MAX` values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const MAX: usize, const MIN: usize = 0>(pub Vec<T>);

impl<T: FieldType, const MAX: usize, const MIN: usize> FieldType for List<T, MAX, MIN> {
    const KIND: &'static str = "an array";
    fn schema() -> Value {
        serde_json::json!({ "type": "array", "items": T::schema(), "minItems": MIN, "maxItems": MAX })
    }
    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        let items: Vec<Raw> = match raw {
            Raw::Json(Value::Array(items)) => items.iter().map(Raw::Json).collect(),
            // In a query they are separated by commas.
            Raw::Text("") => Vec::new(),
            Raw::Text(text) => text.split(',').map(Raw::Text).collect(),
            Raw::Json(_) => return Err(FieldError::Kind),
        };
        if items.len() < MIN {
            return Err(FieldError::Rule(format!("must have at least {MIN} {}", if MIN == 1 { "entry" } else { "entries" })));
        }
        if items.len() > MAX {
            return Err(FieldError::Rule(format!("must have at most {MAX} entries")));
        }
        let parse = |item| {
            T::parse(item).map_err(|error| match error {
                FieldError::Kind => FieldError::Rule(format!("must hold only entries that are {}", T::KIND)),
                FieldError::Rule(rule) => FieldError::Rule(format!("has an entry that {rule}")),
                refused @ FieldError::Refused(_) => refused,
            })
        };
        items.into_iter().map(parse).collect::<Result<_, _>>().map(List)
    }
}

/// One field as the documents show it.
pub struct Field {
    pub name: &'static str,
    pub doc: String,
    pub required: bool,
    pub schema: Value,
    pub default: Option<&'static str>,
}

/// The arguments of one call: path and query parameters as text, the body as JSON.
#[derive(Default)]
pub struct Arguments {
    pub texts: Vec<(String, String)>,
    pub body: Map<String, Value>,
}

impl Arguments {
    fn find(&self, name: &str) -> Result<Option<Raw<'_>>> {
        let mut texts = self.texts.iter().filter(|(key, _)| key == name);
        match (texts.next(), texts.next()) {
            (Some(_), Some(_)) => Err(Error::validation(format!("{name} must be given only once"))),
            (Some((_, text)), None) => Ok(Some(Raw::Text(text))),
            (None, _) => Ok(self.body.get(name).filter(|value| !value.is_null()).map(Raw::Json)),
        }
    }

    /// The value of the field `name`, `default` standing in for an absent one.
    pub fn take<T: FieldType>(&self, name: &str, default: Option<&str>) -> Result<T> {
        let raw = self.find(name)?.or(default.map(Raw::Text));
        let required = default.is_none() && T::absent().is_none();
        let wrong_kind = || {
            let required = if required { "is required and " } else { "" };
            Error::validation(format!("{name} {required}must be {}", T::KIND))
        };
        let Some(raw) = raw else { return T::absent().ok_or_else(wrong_kind) };
        T::parse(raw).map_err(|error| match error {
            FieldError::Kind => wrong_kind(),
            FieldError::Rule(rule) => Error::validation(format!("{name} {rule}")),
            FieldError::Refused(error) => error,
        })
    }
}

/// A struct whose fields are a request's.
pub trait Input: Sized + Send + 'static {
    fn fields() -> Vec<Field>;
    fn parse(arguments: &Arguments) -> Result<Self>;
}

/// Declares an input: `rust_name as "wireName": Type = "default",` with a doc comment for the documents.
macro_rules! input {
    ($(#[$meta:meta])* pub struct $Name:ident { $($(#[doc = $doc:literal])+ $field:ident as $wire:literal : $ty:ty $(= $default:literal)?),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $Name { $($(#[doc = $doc])+ pub $field: $ty),* }

        impl $crate::domain::field::Input for $Name {
            fn fields() -> Vec<$crate::domain::field::Field> {
                vec![$($crate::domain::field::Field {
                    name: $wire,
                    doc: [$($doc),+].concat().trim().to_owned(),
                    required: $crate::domain::field::input!(@default $($default)?).is_none()
                        && <$ty as $crate::domain::field::FieldType>::absent().is_none(),
                    schema: <$ty as $crate::domain::field::FieldType>::schema(),
                    default: $crate::domain::field::input!(@default $($default)?),
                }),*]
            }

            fn parse(arguments: &$crate::domain::field::Arguments) -> $crate::domain::Result<Self> {
                let _ = arguments;
                Ok(Self { $($field: arguments.take($wire, $crate::domain::field::input!(@default $($default)?))?),* })
            }
        }
    };
    (@default) => { None::<&'static str> };
    (@default $default:literal) => { Some($default) };
}
pub(crate) use input;
