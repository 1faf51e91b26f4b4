//! Reads a trace as what a replay needs: sessions, each a list of messages with what belongs to what.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::message::{Message, id_text};
use crate::trace::{Content, Direction, Entry, Header, ReadError, Reader, Row, Writer};

/// Why a trace cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The file does not open.
    #[error("failed to read the trace {path}: {error}; name a file that the recorder wrote")]
    Open {
        /// The trace.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A line is no line of a trace.
    #[error("{path}:{line}: failed to {error}")]
    Line {
        /// The trace.
        path: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong with the line.
        error: ReadError,
    },
    /// A line is a message without a direction.
    #[error(
        "{path}:{line}: the message has no direction; replay needs rows with `dir`, as the recorder writes them"
    )]
    Bare {
        /// The trace.
        path: String,
        /// The line, from 1.
        line: u64,
    },
    /// The trace has another version.
    #[error("{path}:{line}: the trace has version {version} and not {}; record it again", Header::VERSION)]
    Version {
        /// The trace.
        path: String,
        /// The line, from 1.
        line: u64,
        /// The version.
        version: u32,
    },
    /// The trace holds no message.
    #[error("failed to replay {path}: it holds no message; record a session first")]
    Empty {
        /// The trace.
        path: String,
    },
    /// The trace holds several sessions, and none was chosen.
    #[error("failed to replay {path}: it holds {} sessions ({}); choose one by its number", sessions.len(), sessions.join(", "))]
    Several {
        /// The trace.
        path: String,
        /// A description of each session.
        sessions: Vec<String>,
    },
    /// The trace does not hold the session that was chosen.
    #[error(
        "failed to replay session {number} of {path}: it holds {count}; choose a number from 1 to {count}"
    )]
    NoSuchSession {
        /// The trace.
        path: String,
        /// The number that was chosen.
        number: usize,
        /// How many sessions there are.
        count: usize,
    },
}

/// A trace that was read: the sessions in it, in the order of their first messages.
///
/// Each connection is a session, and so is each part of a file that begins with a header of its own.
#[derive(Clone, Debug)]
pub struct Trace {
    name: String,
    sessions: Vec<Session>,
}

impl Trace {
    /// Reads a trace from a file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        let name = path.as_ref().display().to_string();
        let file =
            File::open(path.as_ref()).map_err(|error| TraceError::Open { path: name.clone(), error })?;
        Self::read(name, BufReader::new(file))
    }

    /// Reads a trace. `name` stands for it in errors and reports.
    pub fn read(name: impl Into<String>, input: impl BufRead) -> Result<Self, TraceError> {
        let name = name.into();
        let path = || name.clone();
        let (mut part, mut known) = (0, HashMap::new());
        let mut sessions: Vec<Session> = Vec::new();
        for (line, entry) in Reader::new(input) {
            let row = match entry.map_err(|error| TraceError::Line { path: path(), line, error })? {
                Entry::Row(row) => row,
                Entry::Header(Header { v, .. }) if v != Header::VERSION => {
                    return Err(TraceError::Version { path: path(), line, version: v });
                }
                Entry::Header(_) => {
                    part += 1;
                    continue;
                }
                Entry::Bare(_) => return Err(TraceError::Bare { path: path(), line }),
            };
            let number = *known.entry((part, row.conn.clone())).or_insert_with(|| {
                sessions.push(Session::new(name.clone(), row.conn.clone()));
                sessions.len() - 1
            });
            sessions[number].push(line, row.t, row.dir, row.content);
        }
        match sessions.is_empty() {
            true => Err(TraceError::Empty { path: name }),
            false => Ok(Self { name, sessions }),
        }
    }

    /// All sessions.
    pub fn into_sessions(self) -> Vec<Session> {
        self.sessions
    }

    /// The only session; an error that lists them where there are several.
    pub fn into_session(mut self) -> Result<Session, TraceError> {
        match self.sessions.pop() {
            Some(session) if self.sessions.is_empty() => Ok(session),
            last => {
                self.sessions.extend(last);
                let numbered = self.sessions.iter().enumerate();
                let sessions = numbered.map(|(index, session)| session.describe(index + 1)).collect();
                Err(TraceError::Several { path: self.name, sessions })
            }
        }
    }

    /// One of the sessions, by its number from 1.
    pub fn into_numbered(mut self, number: usize) -> Result<Session, TraceError> {
        let count = self.sessions.len();
        match number.checked_sub(1).filter(|index| *index < count) {
            Some(index) => Ok(self.sessions.swap_remove(index)),
            None => Err(TraceError::NoSuchSession { path: self.name, number, count }),
        }
    }
}

/// The messages of one connection.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) trace: String,
    connection: Option<String>,
    pub(super) events: Vec<Event>,
    /// The last request of each side with an id, while the trace is read.
    requests: HashMap<(Direction, String), usize>,
}

/// A line of the traffic, and what it is in the session.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The line of the trace.
    pub(super) line: u64,
    /// Seconds since the start of the recording.
    pub(super) t: Option<f64>,
    pub(super) content: Content,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Client(Client),
    Server(Server),
}

/// What the client is expected to send.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Client {
    Request {
        method: String,
        params: Value,
    },
    Notification {
        method: String,
        params: Value,
    },
    /// The answer to a request of the server, by the number of its event: its `result` or its `error`.
    Answer {
        request: usize,
        answer: Value,
    },
    /// A line that is no message, or an answer to a request that the trace does not hold.
    Other,
}

/// What the server sends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Server {
    /// The answer to the request with this number; none where the trace does not hold the request.
    Answer {
        request: Option<usize>,
    },
    Request {
        method: String,
        id: String,
    },
    /// A notification, or a line that is no message.
    Other,
}

impl Session {
    fn new(trace: String, connection: Option<String>) -> Self {
        Self { trace, connection, events: Vec::new(), requests: HashMap::new() }
    }

    /// The name of the trace that the session is from.
    pub fn trace_name(&self) -> &str {
        &self.trace
    }

    /// How many messages the session has.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// The session as a trace. Where the trace it was read from has other lines, this one has blank ones, so that
    /// the numbers of its lines are the same.
    pub fn to_trace(&self) -> String {
        let (mut bytes, mut number) = (Vec::new(), 1);
        for event in &self.events {
            bytes.extend((number..event.line).map(|_| b'\n'));
            number = event.line + 1;
            let dir = match event.kind {
                Kind::Client(_) => Direction::ClientToServer,
                Kind::Server(_) => Direction::ServerToClient,
            };
            let row = Row { t: event.t, conn: None, dir, content: event.content.clone() };
            // Writing to memory does not fail.
            let _ = Writer::new(&mut bytes).row(&row);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether the session has no message. A session that was read has one.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn describe(&self, number: usize) -> String {
        let line = self.events.first().map_or(0, |event| event.line);
        let connection = self.connection.as_ref().map(|name| format!(", connection `{name}`"));
        format!("{number}: from line {line}{}", connection.unwrap_or_default())
    }

    fn push(&mut self, line: u64, t: Option<f64>, direction: Direction, content: Content) {
        let message = match &content {
            Content::Line(text) => Message::read(text),
            Content::Bytes(_) => Message::Other,
        };
        let number = self.events.len();
        let kind = match direction {
            Direction::ClientToServer => Kind::Client(self.client(number, message)),
            Direction::ServerToClient => Kind::Server(self.server(number, message)),
        };
        self.events.push(Event { line, t, content, kind });
    }

    fn client(&mut self, number: usize, message: Message<'_>) -> Client {
        match message {
            Message::Request { id, method, params } => {
                self.requests.insert((Direction::ClientToServer, id_text(id)), number);
                Client::Request { method: method.into_owned(), params: params_value(params) }
            }
            Message::Notification { method, params } => {
                Client::Notification { method: method.into_owned(), params: params_value(params) }
            }
            Message::Answer { id, result, error } => {
                match self.requests.remove(&(Direction::ServerToClient, id_text(id))) {
                    Some(request) => Client::Answer { request, answer: answer_value(result, error) },
                    None => Client::Other,
                }
            }
            Message::Other => Client::Other,
        }
    }

    fn server(&mut self, number: usize, message: Message<'_>) -> Server {
        match message {
            Message::Request { id, method, .. } => {
                let id = id_text(id);
                self.requests.insert((Direction::ServerToClient, id.clone()), number);
                Server::Request { method: method.into_owned(), id }
            }
            Message::Answer { id, .. } => {
                // Kept: a server may answer twice.
                let request = self.requests.get(&(Direction::ClientToServer, id_text(id))).copied();
                Server::Answer { request }
            }
            Message::Notification { .. } | Message::Other => Server::Other,
        }
    }
}

/// Params as they are compared: absent and `null` are the same as none.
pub(super) fn params_value(params: Option<&RawValue>) -> Value {
    match params.map(value) {
        None | Some(Value::Null) => json!({}),
        Some(params) => params,
    }
}

/// An answer as it is compared.
pub(super) fn answer_value(result: Option<&RawValue>, error: Option<&RawValue>) -> Value {
    match error {
        Some(error) => json!({ "error": value(error) }),
        None => json!({ "result": result.map(value) }),
    }
}

/// What is nested too deep to build is compared as text.
fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| Value::from(raw.get()))
}
