//! Which message is a kill point, and what happens there.

use serde::{Deserialize, Serialize};

/// A message of a server process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Point {
    /// The message with this number; the first message of a server process is 1.
    Number(usize),
    /// The message that is the `nth` of this name in its server process, counted from 1.
    Named {
        /// The [name](super::Passed::name), as in `turn/start` or `answer to turn/start`.
        name: String,
        /// Which message of this name.
        nth: usize,
    },
}

impl From<usize> for Point {
    fn from(number: usize) -> Self {
        Self::Number(number)
    }
}

/// The first message of this name.
impl From<&str> for Point {
    fn from(name: &str) -> Self {
        Self::from((name, 1))
    }
}

impl From<(&str, usize)> for Point {
    fn from((name, nth): (&str, usize)) -> Self {
        Self::Named { name: name.to_owned(), nth }
    }
}

/// When the server is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// Before the message is delivered: it is withheld.
    Before,
    /// After the message was written to the peer. The peer may not have read it yet: the server may die before it has read
    /// a request, while a message to the client waits in the client's stream. If the peer is gone, there is no hit.
    After,
}

/// What the server is hit by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Hit {
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Stop,
}

/// A hit that was ordered; it is delivered once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    /// Which order it is, from 1.
    pub(super) number: usize,
    pub(super) point: Point,
    pub(super) moment: Moment,
    pub(super) hit: Hit,
}
