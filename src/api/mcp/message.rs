//! A body taken apart: the documented form, or JSON-RPC 2.0 messages.

use super::era;
use super::failure::Failure;
use crate::http::request;
use serde_json::{Map, Value};

/// Messages in one batch.
pub const MAX_BATCH: usize = 20;

pub enum Body {
    /// `{"tool": …, "input": …}`.
    Documented(Map<String, Value>),
    One(Value),
    Batch(Vec<Value>),
}

/// The body of `request`, as far as it is a body at all.
pub fn read(bytes: &[u8], request: &rouille::Request) -> Result<Body, Failure> {
    let value = request::parse(bytes).map_err(|error| Failure::Parse(error.to_string()))?;
    match value {
        Value::Object(object) if object.contains_key("tool") && !object.contains_key("jsonrpc") => Ok(Body::Documented(object)),
        Value::Array(messages) => batch(messages, request).map(Body::Batch),
        value => Ok(Body::One(value)),
    }
}

fn batch(messages: Vec<Value>, request: &rouille::Request) -> Result<Vec<Value>, Failure> {
    let refused = |why: String| Err(Failure::InvalidRequest(why));
    if !era::allows_batches(request) {
        return refused("This protocol version has no batches; send one message".into());
    }
    if !(1..=MAX_BATCH).contains(&messages.len()) {
        return refused(format!("A batch must have 1 to {MAX_BATCH} messages"));
    }
    if request.header("Idempotency-Key").is_some() {
        return refused("A batch cannot share an Idempotency-Key; give each call its own idempotency_key argument".into());
    }
    Ok(messages)
}

/// A request's id, in its own JSON: a string or a whole number.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageId(Value);

impl MessageId {
    pub const NULL: MessageId = MessageId(Value::Null);

    fn parse(value: &Value) -> Option<Self> {
        let valid = match value {
            Value::String(_) => true,
            Value::Number(number) => number.to_string().trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()),
            _ => false,
        };
        valid.then(|| MessageId(value.clone()))
    }
}

impl std::fmt::Display for MessageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

pub enum Message {
    Request(Request),
    Notification(Params),
    /// To a request that this server never sends.
    Response,
}

pub struct Request {
    pub id: MessageId,
    pub method: String,
    pub params: Params,
}

/// A method's parameters; absent ones are none.
pub type Params = Map<String, Value>;

/// The id of a message that is a request: of what wants an answer.
pub fn request_id(value: Value) -> Option<MessageId> {
    match parse(value) {
        Ok(Message::Request(request)) => Some(request.id),
        _ => None,
    }
}

/// The message in `value`, or whom to tell what is wrong with it.
pub fn parse(value: Value) -> Result<Message, (MessageId, Failure)> {
    let Value::Object(mut object) = value else {
        return Err((MessageId::NULL, Failure::InvalidRequest("A message must be a JSON object".into())));
    };
    let id = object.get("id").map(MessageId::parse);
    let refuse = |why: &str| Err((id.clone().flatten().unwrap_or(MessageId::NULL), Failure::InvalidRequest(why.into())));
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return refuse("A message must have \"jsonrpc\": \"2.0\"; or send {\"tool\": …, \"input\": {…}}");
    }
    if !object.contains_key("method") && (object.contains_key("result") || object.contains_key("error")) {
        return Ok(Message::Response);
    }
    let Some(Value::String(method)) = object.remove("method") else {
        return refuse("method is required and must be a string");
    };
    let params = match object.remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return refuse("params must be an object"),
    };
    match id {
        None => Ok(Message::Notification(params)),
        Some(Some(id)) => Ok(Message::Request(Request { id, method, params })),
        Some(None) => refuse("id must be a string or a whole number"),
    }
}
