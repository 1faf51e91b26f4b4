//! How a request is answered.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::step::Step;
use super::thread;
use super::turn::Turn;

/// The answer to one request, when it comes, and what follows it.
///
/// ```
/// use codex_appserver_testkit::scripted::{Answer, Step};
/// use serde_json::json;
///
/// let answer = Answer::result(json!({"thread": {"id": "thread-$count"}}))
///     .delay_ms(20)
///     .then([Step::notify("thread/archived", json!({"threadId": "thread-$count"}))]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Answer {
    pub(super) body: Body,
    pub(super) delay_ms: u64,
    pub(super) times: u64,
    pub(super) id: Option<Value>,
    pub(super) until: Option<String>,
    pub(super) then: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Result(Value),
    Error(Failure),
    Echo,
    Never,
    Thread,
    Turn(Turn),
}

/// The error of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failure {
    pub(super) code: i64,
    pub(super) message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Value>,
}

impl Answer {
    /// This result; it may have [variables](super#variables).
    pub fn result(result: Value) -> Self {
        Self::new(Body::Result(result))
    }

    /// An error.
    pub fn error(code: i64, message: impl Into<String>) -> Self {
        Self::new(Body::Error(Failure { code, message: message.into(), data: None }))
    }

    /// An error with `data`.
    pub fn error_with(code: i64, message: impl Into<String>, data: Value) -> Self {
        Self::new(Body::Error(Failure { code, message: message.into(), data: Some(data) }))
    }

    /// The error that the real server gives when it has too much to do.
    pub fn overloaded() -> Self {
        Self::error(-32001, "Server overloaded; retry later.")
    }

    /// The params of the request, as its result.
    pub fn echo() -> Self {
        Self::new(Body::Echo)
    }

    /// No answer at all; what [follows](Self::then) comes all the same.
    pub fn never() -> Self {
        Self::new(Body::Never)
    }

    /// For `thread/start`: a complete thread with the id `thread-$count`, and `thread/started` after it.
    pub fn thread() -> Self {
        Self::new(Body::Thread)
    }

    /// For `turn/start`: a whole turn.
    pub fn turn(turn: Turn) -> Self {
        Self::new(Body::Turn(turn))
    }

    /// The answer comes this much later; other requests do not wait.
    pub fn delay_ms(mut self, delay: u64) -> Self {
        self.delay_ms = delay;
        self
    }

    /// The answer comes this many times.
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// The answer has another id than the request; it may be a variable. The request stays unanswered.
    pub fn under_id(mut self, id: Value) -> Self {
        self.id = Some(id);
        self
    }

    /// The answer to the Nth request of its method waits for the Nth time that the client sends this method.
    pub fn until(mut self, method: impl Into<String>) -> Self {
        self.until = Some(method.into());
        self
    }

    /// What follows the answer.
    pub fn then(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.then.extend(steps);
        self
    }

    fn new(body: Body) -> Self {
        Self { body, delay_ms: 0, times: 1, id: None, until: None, then: Vec::new() }
    }

    /// The same answer without the conveniences: a thread and a turn are a result and steps.
    pub(super) fn spelled_out(&self) -> Self {
        let (result, mut steps) = match &self.body {
            Body::Thread => thread::start(),
            Body::Turn(turn) => turn.spelled_out(),
            _ => return self.clone(),
        };
        steps.extend(self.then.iter().cloned());
        Self { body: Body::Result(result), then: steps, ..self.clone() }
    }
}

/// An answer as it stands in a file.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Written {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "even_null")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    echo: Option<Empty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    never: Option<Empty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<Empty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<Turn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    then: Vec<Step>,
}

/// `{}`: room for members to come.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Empty {}

/// `"result": null` is a result.
fn even_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Some)
}

impl TryFrom<Written> for Answer {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let bodies = [
            written.result.map(Body::Result),
            written.error.map(Body::Error),
            written.echo.map(|_| Body::Echo),
            written.never.map(|_| Body::Never),
            written.thread.map(|_| Body::Thread),
            written.turn.map(Body::Turn),
        ];
        let mut bodies = bodies.into_iter().flatten();
        let (Some(body), None) = (bodies.next(), bodies.next()) else {
            return Err(
                "an answer has one of `result`, `error`, `echo`, `never`, `thread`, `turn`".to_owned()
            );
        };
        Ok(Self {
            body,
            delay_ms: written.delay_ms.unwrap_or(0),
            times: written.times.unwrap_or(1),
            id: written.id,
            until: written.until,
            then: written.then,
        })
    }
}

impl From<Answer> for Written {
    fn from(answer: Answer) -> Self {
        let mut written = Self {
            delay_ms: Some(answer.delay_ms).filter(|delay| *delay > 0),
            times: Some(answer.times).filter(|times| *times != 1),
            id: answer.id,
            until: answer.until,
            then: answer.then,
            ..Self::default()
        };
        match answer.body {
            Body::Result(result) => written.result = Some(result),
            Body::Error(error) => written.error = Some(error),
            Body::Echo => written.echo = Some(Empty {}),
            Body::Never => written.never = Some(Empty {}),
            Body::Thread => written.thread = Some(Empty {}),
            Body::Turn(turn) => written.turn = Some(turn),
        }
        written
    }
}

impl Failure {
    pub(super) fn to_value(&self) -> Value {
        let mut members = Map::new();
        members.insert("code".to_owned(), json!(self.code));
        members.insert("message".to_owned(), json!(self.message));
        members.extend(self.data.clone().map(|data| ("data".to_owned(), data)));
        Value::Object(members)
    }
}
