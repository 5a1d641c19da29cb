//! The documented dialect: `{"tool": …, "input": {…}}`, answered as REST answers.

use super::call::KeyRule;
use super::talk::Talk;
use super::{Mcp, Step};
use crate::domain::{Error, Result};
use crate::http::exchange::refusal;
use crate::http::executor::Call;
use crate::http::response::Wire;
use serde_json::{Map, Value};

impl Mcp {
    pub(super) fn documented(&self, talk: &mut Talk, object: Map<String, Value>) -> Step {
        match self.documented_call(talk, object) {
            Ok(call) => Step::Run(Box::new(call), Box::new(wire)),
            Err(error) => Step::Answer(Some(wire(talk, Err(error)))),
        }
    }

    fn documented_call(&self, talk: &mut Talk, mut object: Map<String, Value>) -> Result<Call> {
        self.count(talk)?;
        let tool = object.get("tool").and_then(Value::as_str).and_then(|name| self.catalog.find(name));
        let tool = tool.ok_or_else(|| Error::validation(format!("tool must be one of {}", self.catalog.names())))?;
        let input = match object.remove("input") {
            None => Map::new(),
            Some(Value::Object(input)) => input,
            Some(_) => return Err(Error::validation("input must be an object")),
        };
        self.prepare(talk, tool, input, KeyRule::Required)
    }
}

fn wire(talk: &Talk, result: Result<Wire>) -> Wire {
    result.unwrap_or_else(|error| refusal(talk.exchange.id(), &error))
}
