//! What the model answers, as a test writes it down.

use std::time::Duration;

use serde_json::Value;

use super::gate::Gate;

/// One answer of the model: output items in order, a bill, and how the stream ends.
///
/// The constructors make a reply of one part; [`then`](Self::then) strings them together:
///
/// ```
/// use codex_appserver_testkit::{Gate, Reply};
///
/// let gate = Gate::new();
/// let reply = Reply::reasoning("Which tool?")
///     .then(Reply::text_chunks(["I look ", "around."]))
///     .then(Reply::hold(&gate))
///     .then(Reply::function_call("exec_command", r#"{"cmd":"ls"}"#));
/// ```
///
/// The ids of what it puts out carry the number of the request and of the part, both from 1: `msg_2_1` is a
/// message that is the first part of the reply to the second request, `call_2_3` a tool call that is its
/// third. [`labelled`](Self::labelled) puts a word of yours in place of the number of the request, for when
/// requests race.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub(super) parts: Vec<Part>,
    pub(super) end: End,
    pub(super) usage: Usage,
    pub(super) label: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    Text { chunks: Vec<String>, finished: bool, pause: Duration },
    Reasoning { summary: String, text: Option<String> },
    FunctionCall { namespace: Option<String>, name: String, arguments: String },
    CustomToolCall { name: String, input: String },
    Event(Value),
    Hold(Gate),
    Pause(Duration),
}

#[derive(Clone, Debug, Default)]
pub(super) enum End {
    #[default]
    Completed,
    Failed {
        code: String,
        message: String,
    },
    CutOff,
    Http {
        status: u16,
        body: String,
    },
}

/// The tokens that a reply claims to have cost. 10 in and 5 out where a test does not say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read, those from the cache included.
    pub input: u64,
    /// Tokens read from the cache.
    pub cached_input: u64,
    /// Tokens written, those of the reasoning included.
    pub output: u64,
    /// Tokens of the reasoning.
    pub reasoning_output: u64,
}

impl Default for Usage {
    fn default() -> Self {
        Self { input: 10, cached_input: 0, output: 5, reasoning_output: 0 }
    }
}

impl Reply {
    /// A message in one delta.
    pub fn text(text: impl Into<String>) -> Self {
        Self::text_chunks([text.into()])
    }

    /// A message in these deltas.
    pub fn text_chunks<S: Into<String>>(chunks: impl IntoIterator<Item = S>) -> Self {
        let chunks = chunks.into_iter().map(Into::into).collect();
        Self::part(Part::Text { chunks, finished: true, pause: Duration::ZERO })
    }

    /// A message that never ends: it is begun and these deltas come, but no item that closes it.
    /// For replies that are held or cut off within a message.
    pub fn unfinished_text<S: Into<String>>(chunks: impl IntoIterator<Item = S>) -> Self {
        let chunks = chunks.into_iter().map(Into::into).collect();
        Self::part(Part::Text { chunks, finished: false, pause: Duration::ZERO })
    }

    /// A reasoning item with this summary.
    pub fn reasoning(summary: impl Into<String>) -> Self {
        Self::part(Part::Reasoning { summary: summary.into(), text: None })
    }

    /// A reasoning item with a summary and the reasoning itself, which codex passes on to the client.
    pub fn raw_reasoning(summary: impl Into<String>, text: impl Into<String>) -> Self {
        Self::part(Part::Reasoning { summary: summary.into(), text: Some(text.into()) })
    }

    /// A call of a function tool, such as `exec_command`; `arguments` is JSON text, taken as it is so that
    /// it can be broken.
    pub fn function_call(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        let (name, arguments) = (name.into(), arguments.into());
        Self::part(Part::FunctionCall { namespace: None, name, arguments })
    }

    /// A call of a tool of an MCP server, by the server's name in codex's configuration; `arguments` is JSON text, taken
    /// as it is.
    pub fn mcp_tool_call(server: &str, tool: impl Into<String>, arguments: impl Into<String>) -> Self {
        let namespace = Some(format!("mcp__{server}"));
        Self::part(Part::FunctionCall { namespace, name: tool.into(), arguments: arguments.into() })
    }

    /// A call of a tool that takes plain text, such as `apply_patch`.
    pub fn custom_tool_call(name: impl Into<String>, input: impl Into<String>) -> Self {
        Self::part(Part::CustomToolCall { name: name.into(), input: input.into() })
    }

    /// An event as it is, with its `type`; for what has no constructor here.
    pub fn event(event: Value) -> Self {
        Self::part(Part::Event(event))
    }

    /// Nothing, until the gate is open.
    pub fn hold(gate: &Gate) -> Self {
        Self::part(Part::Hold(gate.clone()))
    }

    /// An HTTP error in place of a stream.
    pub fn fail(status: u16, body: impl Into<String>) -> Self {
        Self { end: End::Http { status, body: body.into() }, ..Self::default() }
    }

    /// The event `response.failed`: the stream is fine, the model is not.
    pub fn stream_error(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { end: End::Failed { code: code.into(), message: message.into() }, ..Self::default() }
    }

    /// The connection breaks: no `response.completed`, and no proper end of the HTTP body.
    pub fn cut_off() -> Self {
        Self { end: End::CutOff, ..Self::default() }
    }

    /// This reply and then the other one, whose end, bill and label count.
    ///
    /// An HTTP error ([`fail`](Self::fail)) has no parts: what it follows or precedes is not sent.
    pub fn then(mut self, next: Self) -> Self {
        self.parts.extend(next.parts);
        self.end = next.end;
        self.usage = next.usage;
        self.label = next.label.or(self.label);
        self
    }

    /// Claims these costs.
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// Puts this word into the ids in place of the number of the request.
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Whether codex asks the model again because of it.
    pub(super) fn calls_a_tool(&self) -> bool {
        let is_call = |part: &Part| matches!(part, Part::FunctionCall { .. } | Part::CustomToolCall { .. });
        self.parts.iter().any(is_call)
    }

    pub(super) fn part(part: Part) -> Self {
        Self { parts: vec![part], ..Self::default() }
    }
}
