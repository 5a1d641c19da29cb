//! Fields as JSON Schema, for the documents and the tools.

use crate::domain::field::Field;
use serde_json::{Map, Value, json};

/// A field's schema with its default in the schema's own type.
pub fn field(field: &Field) -> Value {
    let mut schema = field.schema.clone();
    if let Some(default) = field.default {
        schema["default"] = serde_json::from_str(default).unwrap_or_else(|_| json!(default));
    }
    schema
}

/// An object that has these fields.
pub fn object<'f>(fields: impl Iterator<Item = &'f Field> + Clone) -> Value {
    let property = |each: &Field| {
        let mut schema = field(each);
        schema["description"] = match schema["description"].as_str() {
            Some(of_type) => json!(format!("{} ({of_type})", each.doc.trim_end_matches('.'))),
            None => json!(each.doc),
        };
        (each.name.to_owned(), schema)
    };
    let properties: Map<String, Value> = fields.clone().map(property).collect();
    let required: Vec<_> = fields.filter(|field| field.required).map(|field| field.name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}
