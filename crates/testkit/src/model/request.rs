//! What codex sent to the model.

use serde_json::Value;

/// One HTTP request that codex sent to the mock.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ModelRequest {
    /// Which request to this mock it was; the first is 1.
    pub number: usize,
    /// The path, as in `/v1/responses`.
    pub path: String,
    /// The headers in order; names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The JSON body; a string if the body is no JSON.
    pub body: Value,
}

impl ModelRequest {
    /// The first header of that name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The input items: the conversation so far, as codex tells it to the model.
    pub fn input(&self) -> &[Value] {
        self.body["input"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The texts that the user, or codex in their name, has said so far, oldest first.
    ///
    /// The first one or two are codex's own: the environment and the instructions of the project.
    pub fn user_texts(&self) -> Vec<&str> {
        let said_by_user = |item: &&Value| item["type"] == "message" && item["role"] == "user";
        let parts = self.input().iter().filter(said_by_user).filter_map(|item| item["content"].as_array());
        parts.flatten().filter_map(|part| part["text"].as_str()).collect()
    }

    /// The last thing the user said.
    pub fn last_user_text(&self) -> Option<&str> {
        self.user_texts().pop()
    }

    /// What the tool call of that id gave, as the model gets to read it.
    pub fn tool_output(&self, call_id: &str) -> Option<String> {
        let outputs = ["function_call_output", "custom_tool_call_output"];
        let item = self.input().iter().find(|item| {
            item["call_id"] == call_id && outputs.iter().any(|output| item["type"] == *output)
        })?;
        match &item["output"] {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// Whether the last input item is the output of a tool: the model is asked to go on.
    pub fn follows_a_tool(&self) -> bool {
        let last = self.input().last().and_then(|item| item["type"].as_str());
        last.is_some_and(|kind| kind.ends_with("_output"))
    }

    /// The names of the tools that the model may call.
    pub fn tools(&self) -> Vec<&str> {
        let tools = self.body["tools"].as_array().map_or(&[][..], Vec::as_slice);
        tools.iter().filter_map(|tool| tool["name"].as_str()).collect()
    }

    /// The thread on whose behalf codex asks.
    pub fn thread_id(&self) -> Option<&str> {
        self.body["client_metadata"]["thread_id"].as_str()
    }

    /// The turn that it belongs to.
    pub fn turn_id(&self) -> Option<&str> {
        self.body["client_metadata"]["turn_id"].as_str()
    }

    /// Whether it is about this message of the user: the text is the last thing that the user said. Earlier messages are
    /// history, and so is one of a turn that was cut off, once the user has said something else.
    ///
    /// The first request about a message does not [follow a tool](Self::follows_a_tool); those after it do.
    pub fn is_about(&self, text: &str) -> bool {
        self.last_user_text() == Some(text)
    }

    /// The ids of the user's messages with this text, as codex has given them. A message keeps its id in the history of
    /// later turns, and when its thread is resumed; a message that was sent twice has two.
    pub(super) fn ids_of(&self, text: &str) -> Vec<Option<&str>> {
        let has_text = |item: &&Value| {
            item["role"] == "user"
                && item["content"]
                    .as_array()
                    .is_some_and(|parts| parts.iter().any(|part| part["text"] == text))
        };
        self.input().iter().filter(has_text).map(|item| item["id"].as_str()).collect()
    }

    /// What codex wants an answer for: `turn`, or `compaction` where it has a summary written. Other kinds
    /// may exist.
    ///
    /// It stands in a JSON text inside the body, `client_metadata.x-codex-turn-metadata`.
    pub fn kind(&self) -> Option<String> {
        let metadata = self.body["client_metadata"]["x-codex-turn-metadata"].as_str()?;
        let metadata: Value = serde_json::from_str(metadata).ok()?;
        metadata["request_kind"].as_str().map(str::to_owned)
    }

    /// Whether codex asks for a summary that shall stand for the conversation so far.
    ///
    /// codex has no route of its own for this: it is a request to `/v1/responses` like any other, with
    /// the whole conversation and, as the last user message, the order to write the summary. Answer it with
    /// a text.
    pub fn is_compaction(&self) -> bool {
        self.kind().as_deref() == Some("compaction")
    }
}
