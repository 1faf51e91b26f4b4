//! What the model says offline, and an MCP server for it.

use std::io;
use std::time::Duration;

use codex_appserver_testkit::{CodexHomeBuilder, Gate, McpServer, McpTool, MockModel, ModelRequest, Reply};
use serde_json::{Value, json};

/// The argument by which codex starts this program as an MCP server.
pub const MCP_SERVER: &str = "--mcp-server";

/// What the offline codex has beside a model.
pub fn home(home: CodexHomeBuilder) -> CodexHomeBuilder {
    let program = std::env::current_exe().unwrap_or_default();
    home.mcp_server("demo", program, [MCP_SERVER])
        .feature("default_mode_request_user_input", true)
        .feature("request_permissions_tool", true)
        .feature("multi_agent", true)
        .config("[agents]\nmax_depth = 2\n")
}

/// Tools for each thing that an MCP server may want of the user.
pub fn mcp_server() -> McpServer {
    let fields = json!({
        "name": {"type": "string", "title": "Your name", "minLength": 2},
        "age": {"type": "integer", "minimum": 0},
        "color": {"type": "string", "enum": ["red", "blue"], "default": "blue"},
    });
    let form = json!({"type": "object", "properties": fields, "required": ["name"]});
    let password =
        json!({"type": "object", "properties": {"password": {"type": "string"}}, "required": ["password"]});
    let page = json!({
        "mode": "url", "message": "Log in there.", "url": "https://example.com/login", "elicitationId": "login",
    });
    // An MCP server may word its questions as codex does.
    let made_up = json!({
        "message": "Allow the demo MCP server to run tool \"look\"?",
        "requestedSchema": {"type": "object", "properties": {}},
        "_meta": {"codex_approval_kind": "mcp_tool_call", "tool_name": "look", "persist": "session"},
    });
    let asks = |name: &str| McpTool::new(name).annotations(json!({"readOnlyHint": true}));
    McpServer::new([
        McpTool::new("erase").annotations(json!({"destructiveHint": true})).answers("erased"),
        asks("sign_up").elicits(json!({"message": "Who are you?", "requestedSchema": form})),
        asks("log_in").elicits(json!({"message": "Log in.", "requestedSchema": password})),
        asks("open_page").elicits(page),
        asks("pretend").elicits(made_up),
    ])
}

pub fn model() -> io::Result<MockModel> {
    let model = MockModel::start()?;
    model.answer_with(answer);
    Ok(model)
}

fn answer(request: &ModelRequest) -> Reply {
    if request.follows_a_tool() {
        return match spawned(request) {
            Some(agent) if request.last_user_text() != Some("dig a hole") => {
                agent_call("wait_agent", &json!({"targets": [agent], "timeout_ms": 30_000}))
            }
            _ => Reply::text(read_out(request)),
        };
    }
    match request.last_user_text().unwrap_or_default() {
        "make a file" => Reply::text("I make one.")
            .then(Reply::command_to_approve("touch made-by-codex", "to make the file you want")),
        "erase it" => Reply::mcp_tool_call("demo", "erase", r#"{"what":"it"}"#),
        "sign up" => Reply::mcp_tool_call("demo", "sign_up", "{}"),
        "log in" => Reply::mcp_tool_call("demo", "log_in", "{}"),
        "open a page" => Reply::mcp_tool_call("demo", "open_page", "{}"),
        "pretend" => Reply::mcp_tool_call("demo", "pretend", "{}"),
        "ask me" => Reply::ask_user("Tea or coffee?", ["Tea", "Coffee"]),
        "allow more" => {
            let wanted = json!({"network": {"enabled": true}, "file_system": {"write": ["/srv/www"]}});
            let arguments = json!({"reason": "to publish it", "permissions": wanted});
            Reply::function_call("request_permissions", arguments.to_string())
        }
        "write a note" => Reply::add_file("note.txt", "Remember\nthe milk."),
        "find a park" => agent_call("spawn_agent", &json!({"message": "Have a park found."})),
        // A sub-agent that starts one itself.
        "Have a park found." => agent_call("spawn_agent", &json!({"message": "Look for a park."})),
        "Look for a park." => Reply::text("There is one\nby the river."),
        "dig a hole" => agent_call("spawn_agent", &json!({"message": "Dig."})),
        // It works on after the turn that it works for.
        "Dig." => Reply::slow(Duration::from_millis(200), ["I ".to_owned(), "dig.".to_owned()])
            .then(Reply::command_to_approve("touch hole", "to dig")),
        "wait" => Reply::unfinished_text(["I think about it "]).then(Reply::hold(&Gate::new())),
        "fail" => Reply::fail(500, "no"),
        // codex puts it into the conversation that a sub-agent has ended.
        words if words.starts_with("<subagent_notification>") => Reply::text("It was found."),
        words => {
            let words = words.split_inclusive(' ').map(str::to_owned);
            Reply::slow(Duration::from_millis(20), ["You say: ".to_owned()].into_iter().chain(words))
        }
    }
}

/// What the model says after a tool call: the answers of the user, if it was about these.
fn read_out(request: &ModelRequest) -> String {
    let output = request.input().last().map(|item| item["output"].to_string()).unwrap_or_default();
    let is_answer = ["answers", "action", "permissions"].iter().any(|word| output.contains(word));
    if is_answer { format!("I read: {output}") } else { "That is all.".to_owned() }
}

fn agent_call(tool: &str, arguments: &Value) -> Reply {
    let item = json!({
        "type": "function_call", "id": format!("fc-{tool}"), "call_id": format!("call-{tool}"),
        "namespace": "multi_agent_v1", "name": tool, "arguments": arguments.to_string(),
    });
    Reply::event(json!({"type": "response.output_item.done", "item": item}))
}

/// The sub-agent that the last tool call has started, if it was one that does.
fn spawned(request: &ModelRequest) -> Option<String> {
    let output = request.input().last()?["output"].as_str()?.to_owned();
    let output: Value = serde_json::from_str(&output).ok()?;
    output["agent_id"].as_str().map(str::to_owned)
}
