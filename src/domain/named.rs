//! Enums whose variants are words: in the database, in JSON, in a query and in messages, always the same word.

/// An enum with one word per variant.
pub trait Named: Sized + Copy + 'static {
    const ALL: &'static [Self];
    fn as_str(self) -> &'static str;

    /// The variant of this word; letter case is ignored.
    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|variant| variant.as_str().eq_ignore_ascii_case(word))
    }

    /// `"low, medium or high"`, for messages.
    fn choices() -> String {
        let words: Vec<_> = Self::ALL.iter().map(|variant| variant.as_str()).collect();
        match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => words.concat(),
        }
    }
}

/// Declares an enum and its words: [`Named`], `Display`, `Serialize`, `JsonSchema` and
/// [`FieldType`](crate::domain::field::FieldType) from one list.
macro_rules! named {
    ($(#[$meta:meta])* $vis:vis enum $Name:ident { $($(#[$variant_meta:meta])* $Variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $Name { $($(#[$variant_meta])* $Variant),+ }

        impl $crate::domain::named::Named for $Name {
            const ALL: &'static [Self] = &[$(Self::$Variant),+];
            fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $word),+ }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::domain::named::Named::as_str(*self))
            }
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::domain::named::Named::as_str(*self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $Name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use $crate::domain::named::Named;
                let word = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&word).ok_or_else(|| serde::de::Error::custom(format!("must be {}", Self::choices())))
            }
        }

        impl schemars::JsonSchema for $Name {
            fn inline_schema() -> bool { true }
            fn schema_name() -> std::borrow::Cow<'static, str> { stringify!($Name).into() }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }

        impl $crate::domain::field::FieldType for $Name {
            const KIND: &'static str = "a string";
            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string", "enum": [$($word),+] })
            }
            fn parse(raw: $crate::domain::field::Raw<'_>) -> Result<Self, $crate::domain::field::FieldError> {
                let word = raw.text()?;
                <Self as $crate::domain::named::Named>::parse(word.trim()).ok_or_else(|| {
                    $crate::domain::field::FieldError::Rule(format!(
                        "must be {}", <Self as $crate::domain::named::Named>::choices()))
                })
            }
        }
    };
}
pub(crate) use named;
