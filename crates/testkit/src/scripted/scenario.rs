//! What the scripted server does: built in Rust or read from a JSON file.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use codex_appserver_record::replay::{Session, Trace, TraceError};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer::Answer;
use super::faults::Faults;
use super::recorded::Recorded;
use super::step::Step;
use super::turn::Turn;

/// A scenario for a scripted server. One that says nothing answers every request with `{}`, and `initialize`
/// as codex does.
///
/// ```
/// use codex_appserver_testkit::scripted::{Answer, Scenario};
/// use serde_json::json;
///
/// let scenario = Scenario::new()
///     .answer("thread/read", Answer::error(-32600, "thread not found: x"))
///     .answer("thread/read", Answer::result(json!({"thread": "$params.threadId"})));
/// let read = Scenario::from_json(
///     r#"{"answers": {"thread/read": [
///         {"error": {"code": -32600, "message": "thread not found: x"}},
///         {"result": {"thread": "$params.threadId"}}
///     ]}}"#,
/// )?;
/// assert_eq!(scenario, read);
/// # Ok::<(), codex_appserver_testkit::scripted::ScenarioError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    pub(super) answers: BTreeMap<String, Answers>,
    pub(super) default: Answer,
    pub(super) on_start: Vec<Step>,
    pub(super) on_notification: BTreeMap<String, Vec<Step>>,
    pub(super) faults: Faults,
    pub(super) on_eof: OnEnd,
    pub(super) on_sigterm: OnEnd,
    pub(super) keep: usize,
    pub(super) line_limit: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trace: Option<Recorded>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) exact: bool,
}

/// The answers of one method, in order; the last one stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Answers(pub(super) Vec<Answer>);

/// What the server does when its standard input ends, or when it is told to terminate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnEnd {
    /// Writes the answers it has and ends, in the middle of a turn if need be.
    #[default]
    Exit,
    /// Goes on.
    Ignore,
    /// Goes on for so many milliseconds.
    ExitAfterMs(u64),
    /// Ends when nothing is left to do: no list of steps under way, and no answer held back.
    Drain,
}

/// A scenario that cannot be read or written; completes "failed to …".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("read the scenario {}: {error}; name a file that is there", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The text is no scenario.
    #[error("read the scenario{}: {at}: {reason}", of(path.as_deref()))]
    Malformed {
        /// The file, where it came from one.
        path: Option<PathBuf>,
        /// The JSON path of what is wrong; `.` is the whole.
        at: String,
        /// What is wrong, and where in the text.
        reason: String,
    },
    /// The trace cannot be replayed. The text is a whole sentence.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The file cannot be written.
    #[error("write the scenario {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

fn of(path: Option<&Path>) -> String {
    path.map(|path| format!(" {}", path.display())).unwrap_or_default()
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            answers: BTreeMap::new(),
            default: Answer::result(json!({})),
            on_start: Vec::new(),
            on_notification: BTreeMap::new(),
            faults: Faults::default(),
            on_eof: OnEnd::Exit,
            on_sigterm: OnEnd::Exit,
            keep: 10_000,
            line_limit: 64 << 20,
            trace: None,
            exact: false,
        }
    }
}

impl Scenario {
    /// Every request is answered with `{}`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Threads and turns work: each turn is a message in these deltas.
    pub fn chat<S: Into<String>>(deltas: impl IntoIterator<Item = S>) -> Self {
        Self::new()
            .answer("thread/start", Answer::thread())
            .answer("turn/start", Answer::turn(Turn::new(deltas)))
    }

    /// Replays a trace that the recorder wrote: what the real server sent to the recorded client is sent to yours,
    /// each message as soon as your client has sent what stands before it in the trace.
    ///
    /// How messages are matched is told in [`codex_appserver_record::replay`]. What the trace does not hold gets
    /// an error, unless the scenario has an [`answer`](Self::answer) for the method;
    /// [`ScriptedServer::replay_report`](super::ScriptedServer::replay_report) says how your client did. Of the
    /// [`faults`](Self::faults) those apply that tear writes.
    ///
    /// ```
    /// use std::io::{BufRead, BufReader, Write};
    ///
    /// use codex_appserver_testkit::scripted::{Scenario, ScriptedServer};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("bug.jsonl");
    /// # std::fs::write(&path, r#"{"dir":"c2s","line":"{\"id\":1,\"method\":\"model/list\"}"}
    /// # {"dir":"s2c","line":"{\"id\":1,\"result\":{\"data\":[]}}"}"#)?;
    /// let (server, stdout, mut stdin) = ScriptedServer::start(Scenario::from_trace(&path)?)?;
    /// stdin.write_all(b"{\"id\":\"a\",\"method\":\"model/list\"}\n")?;
    /// let mut line = String::new();
    /// BufReader::new(stdout).read_line(&mut line)?;
    /// assert_eq!(line, "{\"id\":\"a\",\"result\":{\"data\":[]}}\n");
    /// let report = server.replay_report().ok_or("no trace")?;
    /// assert!(report.is_clean(), "{report}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A trace with several sessions is an error that lists them; see
    /// [`from_trace_session`](Self::from_trace_session).
    pub fn from_trace(path: impl AsRef<Path>) -> Result<Self, ScenarioError> {
        Ok(Self::replaying(Trace::open(path)?.into_session()?))
    }

    /// Replays one of the sessions of a trace, by its number from 1.
    pub fn from_trace_session(path: impl AsRef<Path>, number: usize) -> Result<Self, ScenarioError> {
        Ok(Self::replaying(Trace::open(path)?.into_numbered(number)?))
    }

    fn replaying(session: Session) -> Self {
        Self { trace: Some(Recorded(session)), ..Self::new() }
    }

    /// In a replay, refuses requests whose params differ from those of the trace. By default the report notes
    /// them.
    pub fn exact(mut self) -> Self {
        self.exact = true;
        self
    }

    /// Answers a method. Where a method is given several answers, each request takes the next one, and the
    /// last one stays.
    pub fn answer(mut self, method: impl Into<String>, answer: Answer) -> Self {
        self.answers.entry(method.into()).or_default().0.push(answer);
        self
    }

    /// Answers all methods that have no answer of their own; `initialize` has one.
    pub fn default_answer(mut self, answer: Answer) -> Self {
        self.default = answer;
        self
    }

    /// Plays these steps before anything else.
    pub fn on_start(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.on_start.extend(steps);
        self
    }

    /// Plays these steps for each notification of this method that the client sends.
    pub fn on_notification(
        mut self,
        method: impl Into<String>,
        steps: impl IntoIterator<Item = Step>,
    ) -> Self {
        self.on_notification.entry(method.into()).or_default().extend(steps);
        self
    }

    /// Faults for all traffic.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// What the end of the input does.
    pub fn on_eof(mut self, what: OnEnd) -> Self {
        self.on_eof = what;
        self
    }

    /// What SIGTERM does; for the program only.
    pub fn on_sigterm(mut self, what: OnEnd) -> Self {
        self.on_sigterm = what;
        self
    }

    /// Keeps this many of the last lines received (10 000 where nothing is said, and 64 MiB at most).
    pub fn keep(mut self, lines: usize) -> Self {
        self.keep = lines;
        self
    }

    /// Passes over lines of more bytes than this (64 MiB where nothing is said).
    pub fn line_limit(mut self, bytes: usize) -> Self {
        self.line_limit = bytes;
        self
    }

    /// Reads a scenario.
    pub fn from_json(text: &str) -> Result<Self, ScenarioError> {
        Self::parse(text, None)
    }

    /// Reads a scenario from a file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ScenarioError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ScenarioError::Read { path: path.to_owned(), error })?;
        Self::parse(&text, Some(path))
    }

    /// The scenario as JSON, for a file.
    pub fn to_json(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        format!("{value:#}\n")
    }

    /// Writes the scenario to a file, for the program.
    pub fn write_to(&self, path: impl AsRef<Path>) -> Result<(), ScenarioError> {
        let path = path.as_ref();
        std::fs::write(path, self.to_json())
            .map_err(|error| ScenarioError::Write { path: path.to_owned(), error })
    }

    fn parse(text: &str, path: Option<&Path>) -> Result<Self, ScenarioError> {
        let malformed = |at: String, reason: String| ScenarioError::Malformed {
            path: path.map(Path::to_owned),
            at,
            reason,
        };
        let mut json = serde_json::Deserializer::from_str(text);
        let scenario = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| malformed(error.path().to_string(), error.inner().to_string()))?;
        json.end().map_err(|error| malformed(".".to_owned(), error.to_string()))?;
        Ok(scenario)
    }
}

/// One answer, or a list of them. Not an untagged enum: that would lose where an error is.
impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Answers;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an answer or a list of answers")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Answers, A::Error> {
                Answer::deserialize(MapAccessDeserializer::new(map)).map(|answer| Answers(vec![answer]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Answers, A::Error> {
                let answers = Vec::deserialize(SeqAccessDeserializer::new(list))?;
                if answers.is_empty() {
                    return Err(serde::de::Error::custom("a list of answers has at least one"));
                }
                Ok(Answers(answers))
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}
