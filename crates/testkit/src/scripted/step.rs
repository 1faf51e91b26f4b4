//! What the server does beside answering: one step after the other.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A step of a list: what follows an answer, a notification or the start.
///
/// The steps of a list come one after the other; several lists under way take turns. In JSON a step is an
/// object with one member, as in `{"pause_ms": 20}`, or just its name where it has no value, as in `"abort"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Step {
    /// A notification; its params may have [variables](super#variables).
    Notify(Notify),
    /// A request to the client.
    Request(Ask),
    /// A line of JSON as it is, without the members that a notification gets; may have variables.
    Json(Value),
    /// A line of text as it is.
    Line(String),
    /// Text without a line break: a part of a line.
    Text(String),
    /// Bytes as they are, without a line break; in JSON an array of numbers.
    Bytes(Vec<u8>),
    /// One notification `test/longLine` of about this many bytes.
    LongLine(u64),
    /// The same notification many times.
    Flood(Flood),
    /// Text on standard error.
    Stderr(String),
    /// Lines on standard error, this many bytes in all.
    StderrFlood(u64),
    /// Waits, with this list only.
    PauseMs(u64),
    /// Waits until the client has sent this method as often as the method that this list belongs to.
    Until(String),
    /// Closes standard output; what the client sends is read on.
    CloseStdout,
    /// Reads nothing any more.
    StopReading,
    /// Writes nothing any more, and keeps standard output open.
    StopWriting,
    /// Ends with this code.
    Exit(i32),
    /// Ends by a signal, as a crash would.
    Abort,
}

/// A notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// The method.
    pub method: String,
    /// The params.
    #[serde(default = "no_params")]
    pub params: Value,
}

/// A request of the server to the client. Its id is an integer, counted from 0 through the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The method.
    pub method: String,
    /// The params; they may have [variables](super#variables).
    #[serde(default = "no_params")]
    pub params: Value,
    /// Whether the list waits for the client's answer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub wait: bool,
    /// Whether `serverRequest/resolved` follows the answer; the list waits for it then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub resolved: bool,
}

/// One notification, many times over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flood {
    /// How often.
    pub repeat: u64,
    /// The notification, where `$i` counts from 0.
    pub notify: Notify,
    /// The time between two of them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub every_ms: u64,
}

fn no_params() -> Value {
    Value::Object(serde_json::Map::new())
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Notify {
    /// A notification with this method and these params.
    pub fn new(method: impl Into<String>, params: Value) -> Self {
        Self { method: method.into(), params }
    }
}

impl Ask {
    /// A request that nobody waits for.
    pub fn new(method: impl Into<String>, params: Value) -> Self {
        Self { method: method.into(), params, wait: false, resolved: false }
    }

    /// The list waits for the answer.
    pub fn wait(mut self) -> Self {
        self.wait = true;
        self
    }

    /// `serverRequest/resolved` follows the answer, as with the real server.
    pub fn resolved(mut self) -> Self {
        self.resolved = true;
        self
    }
}

impl Step {
    /// A notification.
    pub fn notify(method: impl Into<String>, params: Value) -> Self {
        Self::Notify(Notify::new(method, params))
    }

    /// A request to the client, whose answer this list waits for.
    pub fn ask(method: impl Into<String>, params: Value) -> Self {
        Self::Request(Ask::new(method, params).wait())
    }

    /// A notification many times; `$i` in its params counts from 0.
    pub fn flood(repeat: u64, method: impl Into<String>, params: Value) -> Self {
        Self::Flood(Flood { repeat, notify: Notify::new(method, params), every_ms: 0 })
    }

    /// A line of text as it is.
    pub fn line(text: impl Into<String>) -> Self {
        Self::Line(text.into())
    }
}
