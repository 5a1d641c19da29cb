//! One MCP caller, in whatever dialect.

use crate::harness::{Answer, Client};
use serde_json::{Value, json};

pub const MODERN: &str = "2026-07-28";

impl Client {
    /// POST to the endpoint, the body as it is.
    pub fn mcp(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send("POST", "/mcp", headers, body)
    }

    /// A request of the legacy era, alone in its body.
    pub fn rpc(&self, method: &str, params: &Value) -> Answer {
        self.mcp(&[], &request(method, params).to_string())
    }

    pub fn tool(&self, name: &str, arguments: &Value) -> Answer {
        self.rpc("tools/call", &json!({ "name": name, "arguments": arguments }))
    }

    pub fn documented(&self, tool: &str, input: &Value) -> Answer {
        self.mcp(&[], &json!({ "tool": tool, "input": input }).to_string())
    }

    /// A request of the modern era with all that it needs, and these headers in place of those of the same name.
    pub fn modern_with(&self, method: &str, params: &Value, changes: &[(&str, Option<&str>)]) -> Answer {
        let mut params = params.clone();
        params["_meta"] = meta(MODERN);
        let name = params["name"].as_str().map(str::to_owned);
        let usual = [("MCP-Protocol-Version", Some(MODERN)), ("Mcp-Method", Some(method)), ("Mcp-Name", name.as_deref())];
        let kept = usual.into_iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let headers: Vec<_> = kept.chain(changes.iter().copied()).filter_map(|(name, value)| Some((name, value?))).collect();
        self.mcp(&headers, &request(method, &params).to_string())
    }

    pub fn modern(&self, method: &str, params: &Value) -> Answer {
        self.modern_with(method, params, &[])
    }
}

pub fn meta(version: &str) -> Value {
    json!({ "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {} })
}

pub fn request(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
}

impl Answer {
    /// The result of a JSON-RPC request.
    #[track_caller]
    pub fn result(&self) -> Value {
        let body = self.json();
        assert_eq!((self.status, &body["id"]), (200, &json!(7)), "{}", self.text);
        assert!(body["error"].is_null(), "{}", self.text);
        body["result"].clone()
    }

    /// The structured content of a tool's success; its text says the same.
    #[track_caller]
    pub fn content(&self) -> Value {
        let result = self.result();
        assert_eq!(result["isError"], false, "{}", self.text);
        assert_eq!(text_of(&result), result["structuredContent"]);
        assert!(result["structuredContent"]["nextAction"].is_string());
        result["structuredContent"].clone()
    }

    /// The message of a tool's error with this code.
    #[track_caller]
    pub fn tool_error(&self, code: &str) -> String {
        let result = self.result();
        let error = &result["structuredContent"]["error"];
        assert_eq!((&result["isError"], &error["code"]), (&json!(true), &json!(code)), "{}", self.text);
        error["message"].as_str().unwrap().to_owned()
    }

    /// The message of a JSON-RPC error with this status and code, for the request with this id.
    #[track_caller]
    pub fn failure(&self, status: u16, code: i64, id: &Value) -> String {
        let body = self.json();
        assert_eq!((self.status, &body["error"]["code"], &body["id"]), (status, &json!(code), id), "{}", self.text);
        assert_eq!(body["jsonrpc"], "2.0");
        body["error"]["message"].as_str().unwrap().to_owned()
    }
}

fn text_of(result: &Value) -> Value {
    assert_eq!(result["content"][0]["type"], "text");
    serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap()
}
