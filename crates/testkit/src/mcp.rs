//! A small MCP server over standard input and output, for codex to start.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use serde_json::{Value, json};

/// An MCP server with tools that are written down, for [`CodexHomeBuilder::mcp_server`](crate::CodexHomeBuilder::mcp_server).
///
/// A program of yours serves it, such as the example or the test that starts codex, by an argument of its own:
///
/// ```no_run
/// use codex_appserver_testkit::{McpServer, McpTool};
///
/// # fn main() -> std::io::Result<()> {
/// if std::env::args().any(|argument| argument == "--mcp-server") {
///     let erase = McpTool::new("erase").annotations(serde_json::json!({"destructiveHint": true}));
///     return McpServer::new([erase.answers("It is gone.")]).serve(std::io::stdin().lock(), std::io::stdout());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct McpServer {
    tools: Vec<McpTool>,
}

/// A tool of an [`McpServer`].
#[derive(Clone, Debug)]
pub struct McpTool {
    name: String,
    annotations: Value,
    does: Does,
}

#[derive(Clone, Debug)]
enum Does {
    Answer(String),
    Elicit(Value),
}

impl McpTool {
    /// A tool that answers a call with its arguments as JSON. Unless its [`annotations`](Self::annotations) say that it
    /// only reads, codex asks for approval before it is called.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), annotations: json!({}), does: Does::Answer(String::new()) }
    }

    /// What it says about itself: `readOnlyHint`, `destructiveHint` and so on.
    pub fn annotations(mut self, annotations: Value) -> Self {
        self.annotations = annotations;
        self
    }

    /// Answers with this text, and the arguments of the call as JSON.
    pub fn answers(mut self, text: impl Into<String>) -> Self {
        self.does = Does::Answer(text.into());
        self
    }

    /// Asks the user with these params of `elicitation/create`, and answers with what the user did, as JSON.
    pub fn elicits(mut self, params: Value) -> Self {
        self.does = Does::Elicit(params);
        self
    }

    fn described(&self) -> Value {
        json!({
            "name": self.name, "description": "A tool of a test.", "inputSchema": {"type": "object"},
            "annotations": self.annotations,
        })
    }
}

impl McpServer {
    /// A server with these tools.
    pub fn new(tools: impl IntoIterator<Item = McpTool>) -> Self {
        Self { tools: tools.into_iter().collect() }
    }

    /// Serves until the end of the input. Lines that are no JSON are passed over.
    ///
    /// # Errors
    ///
    /// The input cannot be read, or the output cannot be written.
    pub fn serve(&self, input: impl BufRead, mut output: impl Write) -> io::Result<()> {
        // Which call waits for the answer to which question.
        let mut asked: HashMap<u64, Value> = HashMap::new();
        let mut questions = 0_u64;
        for line in input.lines() {
            let Ok(message) = serde_json::from_str::<Value>(&line?) else { continue };
            let id = &message["id"];
            let Some(method) = message["method"].as_str() else {
                if let Some(call) = id.as_u64().and_then(|id| asked.remove(&id)) {
                    let answer = message.get("result").unwrap_or(&message["error"]);
                    write(&mut output, &result(&call, &said(answer.to_string())))?;
                }
                continue;
            };
            if id.is_null() {
                continue;
            }
            let params = &message["params"];
            let tool = self.tools.iter().find(|tool| params["name"] == *tool.name);
            let answer = match (method, tool.map(|tool| &tool.does)) {
                ("initialize", _) => result(
                    id,
                    &json!({
                        "protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                        "serverInfo": {"name": "codex-appserver-testkit", "version": env!("CARGO_PKG_VERSION")},
                    }),
                ),
                ("tools/list", _) => {
                    let tools: Vec<_> = self.tools.iter().map(McpTool::described).collect();
                    result(id, &json!({"tools": tools}))
                }
                ("tools/call", Some(Does::Answer(text))) => {
                    result(id, &said(format!("{text} {}", params["arguments"]).trim_start().to_owned()))
                }
                ("tools/call", Some(Does::Elicit(question))) => {
                    questions += 1;
                    asked.insert(questions, id.clone());
                    json!({"jsonrpc": "2.0", "id": questions, "method": "elicitation/create", "params": question})
                }
                _ => {
                    let error = json!({"code": -32601, "message": format!("there is no {method} here")});
                    json!({"jsonrpc": "2.0", "id": id, "error": error})
                }
            };
            write(&mut output, &answer)?;
        }
        Ok(())
    }
}

fn result(id: &Value, result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

fn said(text: String) -> Value {
    json!({"content": [{"type": "text", "text": text}], "isError": false})
}

fn write(output: &mut impl Write, message: &Value) -> io::Result<()> {
    writeln!(output, "{message}")?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_answered_and_questions_asked() {
        let server = McpServer::new([
            McpTool::new("erase").answers("Gone:"),
            McpTool::new("ask").elicits(json!({"message": "Who?"})),
        ]);
        let input = concat!(
            "{\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"1\"}}\n",
            "{\"method\":\"notifications/initialized\"}\n",
            "no JSON\n",
            "{\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"ask\",\"arguments\":{}}}\n",
            "{\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"erase\",\"arguments\":{\"what\":1}}}\n",
            "{\"id\":1,\"result\":{\"action\":\"decline\"}}\n",
            "{\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"nothing\"}}\n",
        );
        let mut output = Vec::new();
        server.serve(input.as_bytes(), &mut output).expect("it serves");
        let output = String::from_utf8(output).expect("text");
        let messages: Vec<Value> =
            output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(messages[0]["result"]["protocolVersion"], "1");
        assert_eq!(
            (&messages[1]["method"], &messages[1]["params"]["message"]),
            (&json!("elicitation/create"), &json!("Who?"))
        );
        let text = |at: usize| messages[at]["result"]["content"][0]["text"].clone();
        assert_eq!((&messages[2]["id"], text(2)), (&json!(2), json!("Gone: {\"what\":1}")));
        assert_eq!((&messages[3]["id"], text(3)), (&json!(1), json!("{\"action\":\"decline\"}")));
        assert_eq!(messages[4]["error"]["code"], -32601);
    }
}
