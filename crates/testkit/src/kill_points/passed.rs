//! A message that has passed.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    pub(super) fn reverse(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A request, by a client or by the server.
    Request,
    /// The result of a request, or its error.
    Answer,
    /// A notification.
    Notification,
    /// Anything else, such as a line that is not JSON.
    Other,
}

/// A message that passed between a client and a server, or was withheld by a hit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Passed {
    /// Which server process it was, in the order of their starts, from 1.
    pub run: usize,
    /// Which message of the server process it was, from 1.
    pub number: usize,
    /// Which connection to the server process it belongs to, from 1. Standard input and output are one connection.
    pub connection: usize,
    /// Where it went.
    pub direction: Direction,
    /// What it is.
    pub kind: Kind,
    /// The method of a request or a notification; that of the request which an answer belongs to.
    pub method: Option<String>,
    /// The id of a request or an answer.
    pub id: Option<Value>,
    /// Whether it was written to the peer as a whole. It is not if it was withheld, if its peer was gone, or if the
    /// stand-in was killed from outside at that moment. The peer may have read it a moment before this is noted.
    #[serde(skip)]
    pub delivered: bool,
}

impl Passed {
    /// The name that [`Point::Named`](super::Point::Named) takes: the method, `answer to METHOD`, or `other`.
    pub fn name(&self) -> String {
        name(self.kind, self.method.as_deref())
    }
}

pub(super) fn name(kind: Kind, method: Option<&str>) -> String {
    match (kind, method) {
        (Kind::Answer, Some(method)) => format!("answer to {method}"),
        (Kind::Answer, None) => "answer".to_owned(),
        (_, Some(method)) => method.to_owned(),
        (_, None) => "other".to_owned(),
    }
}

/// As in `#7 to the server: turn/start`.
impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = match self.direction {
            Direction::ToServer => "server",
            Direction::ToClient => "client",
        };
        write!(f, "#{} to the {to}: {}", self.number, self.name())?;
        if self.delivered { Ok(()) } else { f.write_str(" (not delivered)") }
    }
}
