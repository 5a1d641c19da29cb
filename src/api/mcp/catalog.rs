//! The tools this server has, and how they are listed: schemas made from the operations' own declarations.

use super::tool::Tool;
use super::tools::{ALIASES, EXTENDED, TOOLS};
use crate::api::{openapi, schema};
use crate::operation::{Effect, Pagination};
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

/// The argument that makes a call exactly once, for clients that cannot send a header with each.
pub const IDEMPOTENCY_KEY: &str = "idempotency_key";

pub struct Catalog {
    tools: Vec<&'static Tool>,
    /// The members of the result of `tools/list`: a JSON object's text.
    pub listing: String,
}

impl Catalog {
    pub fn new(extended: bool) -> Self {
        let tools: Vec<_> = TOOLS.iter().chain(EXTENDED.iter().filter(|_| extended)).collect();
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        });
        let mut generator = settings.into_generator();
        let listed: Vec<_> = tools.iter().map(|tool| listed(tool, &mut generator)).collect();
        Catalog { tools, listing: json!({ "tools": listed }).to_string() }
    }

    pub fn find(&self, name: &str) -> Option<&'static Tool> {
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
        self.tools.iter().copied().find(|tool| tool.spec.name == name)
    }

    /// The tools' names, for messages.
    pub fn names(&self) -> String {
        self.tools.iter().map(|tool| tool.spec.name).collect::<Vec<_>>().join(", ")
    }
}

fn listed(tool: &Tool, generator: &mut SchemaGenerator) -> Value {
    json!({
        "name": tool.spec.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": input_schema(tool),
        "outputSchema": output_schema(tool, generator),
        "annotations": tool.hints,
        "_meta": { "humans2ai/access": openapi::access(tool.spec.access) },
    })
}

fn input_schema(tool: &Tool) -> Value {
    let fields = (tool.spec.fields)();
    let mut schema = schema::object(fields.iter());
    for property in schema["properties"].as_object_mut().into_iter().flat_map(|properties| properties.values_mut()) {
        // A word that not every model's provider knows; some drop the tool for it.
        property.as_object_mut().map(|property| property.remove("propertyNames"));
    }
    if tool.spec.effect == Effect::Write {
        schema["properties"][IDEMPOTENCY_KEY] = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$",
            "description": "A key of your own for this one call: the same key again within 24 h does nothing more and answers the same." });
    }
    schema
}

/// What a call answers with: a success's members, or an error's.
fn output_schema(tool: &Tool, generator: &mut SchemaGenerator) -> Value {
    let data = plain((tool.spec.output)(generator));
    let is_list = data["type"] == "array";
    let mut schema = if is_list { json!({ "properties": { "data": data }, "required": ["data"] }) } else { data };
    let mut required: Vec<Value> = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = &mut schema["properties"];
    if tool.spec.paged {
        properties["pagination"] = plain(generator.subschema_for::<Pagination>());
        required.push(json!("pagination"));
    }
    properties["nextAction"] = json!({ "type": "string", "description": "What to do next" });
    required.push(json!("nextAction"));
    let error = openapi::error_schema();
    for name in ["success", "error"] {
        properties[name] = error["properties"][name].clone();
    }
    json!({ "type": "object", "properties": properties, "anyOf": [{ "required": required }, { "required": error["required"] }] })
}

/// The schema in what every client understands. An answer leaves an absent member out, so nothing is ever null; and no
/// validator knows `uint32` and the like.
fn plain(mut schema: Schema) -> Value {
    let mut simplify = RecursiveTransform(|schema: &mut Schema| {
        for name in ["type", "enum"] {
            if let Some(Value::Array(choices)) = schema.get_mut(name) {
                choices.retain(|choice| !choice.is_null() && choice != "null");
            }
        }
        if let Some(Value::Array(kinds)) = schema.get("type")
            && let [kind] = kinds.as_slice()
        {
            schema.insert("type".into(), kind.clone());
        }
        if schema.get("type").is_some_and(|kind| kind != "string") {
            schema.remove("format");
        }
    });
    simplify.transform(&mut schema);
    schema.to_value()
}
