//! What the model says offline, and an MCP server for it.

use std::io;

use codex_appserver_testkit::{CodexHomeBuilder, McpServer, McpTool, MockModel, ModelRequest, Reply, Usage};
use serde_json::{Value, json};

/// The argument by which codex starts this program as an MCP server.
pub const MCP_SERVER: &str = "--mcp-server";

/// What the offline codex has beside a model.
pub fn home(home: CodexHomeBuilder) -> CodexHomeBuilder {
    let program = std::env::current_exe().unwrap_or_default();
    home.mcp_server("calendar", program, [MCP_SERVER]).feature("multi_agent", true)
}

/// A tool that needs leave.
pub fn mcp_server() -> McpServer {
    McpServer::new([McpTool::new("add_event").answers("The picnic is on Sunday.")])
}

pub fn model() -> io::Result<MockModel> {
    let model = MockModel::start()?;
    let mut step = 0;
    model.answer_with(move |request| {
        if request.user_texts().contains(&"Find a park.") {
            return costing(300, Reply::text("The one by the river."));
        }
        step += 1;
        match step {
            1 => costing(100, call("weather", None, &json!({"city": "Oslo"}))),
            2 => {
                costing(200, call("spawn_agent", Some("multi_agent_v1"), &json!({"message": "Find a park."})))
            }
            3 => {
                let wait = json!({"targets": [known_agent(request)], "timeout_ms": 30_000});
                costing(250, call("wait_agent", Some("multi_agent_v1"), &wait))
            }
            4 => costing(300, Reply::mcp_tool_call("calendar", "add_event", r#"{"day":"Sunday"}"#)),
            _ => costing(350, Reply::text("A picnic by the river, on Sunday.")),
        }
    });
    Ok(model)
}

/// A reply that takes so many tokens, 10 of them written.
fn costing(total: u64, reply: Reply) -> Reply {
    reply.usage(Usage { input: total - 10, output: 10, ..Usage::default() })
}

fn call(tool: &str, namespace: Option<&str>, arguments: &Value) -> Reply {
    let item = json!({
        "type": "function_call", "id": format!("fc-{tool}"), "call_id": format!("call-{tool}"),
        "namespace": namespace, "name": tool, "arguments": arguments.to_string(),
    });
    Reply::event(json!({"type": "response.output_item.done", "item": item}))
}

/// The sub-agent that the model was told of last.
fn known_agent(request: &ModelRequest) -> String {
    let input = request.body["input"].to_string();
    let id = input.rsplit_once(r#"{\"agent_id\":\""#).and_then(|(_, rest)| rest.split('\\').next());
    id.unwrap_or_default().to_owned()
}
