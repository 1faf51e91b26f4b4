//! What the server tells of its own accord, decoded where it is consumed.

use std::fmt;

use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::ServerRequest;
use codex_appserver_wire::{DecodeError, NotificationEnvelope, RequestEnvelope};

use crate::core::Item;

/// Something the server said, or what is to be known about the subscription.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A notification.
    Notification(NotificationEnvelope<ServerNotification>),
    /// A request of the server, to look at; it is answered by the handlers of the client.
    Request(RequestEnvelope<ServerRequest>),
    /// A message that cannot be decoded. The connection goes on.
    Unreadable(Unreadable),
    /// The subscriber did not keep up: so many best-effort events are missing here.
    Lagged {
        /// How many.
        skipped: u64,
    },
}

/// A message that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// Its method, where that much can be told.
    pub method: Option<String>,
    /// The JSON path of what is wrong; empty for the message as a whole.
    pub path: String,
    /// What is wrong there.
    pub message: String,
    /// The text; of a line that is no message at all, its beginning.
    pub raw: String,
}

impl Event {
    /// The notification, where the event is one.
    pub fn notification(&self) -> Option<&ServerNotification> {
        match self {
            Self::Notification(envelope) => Some(&envelope.notification),
            _ => None,
        }
    }

    /// The notification, where the event is one.
    pub fn into_notification(self) -> Option<ServerNotification> {
        match self {
            Self::Notification(envelope) => Some(envelope.notification),
            _ => None,
        }
    }

    /// Decodes what waited in a subscription.
    pub(crate) fn of(item: Item) -> Self {
        let unreadable = |error: DecodeError, line: &str| {
            Self::Unreadable(Unreadable {
                method: error.method().map(str::to_owned),
                path: error.path().to_owned(),
                message: error.message().to_owned(),
                raw: line.to_owned(),
            })
        };
        match item {
            Item::Notification(line) => match NotificationEnvelope::decode(&line) {
                Ok(envelope) => Self::Notification(envelope),
                Err(error) => unreadable(error, &line),
            },
            Item::Request(line) => match RequestEnvelope::decode(&line) {
                Ok(envelope) => Self::Request(envelope),
                Err(error) => unreadable(error, &line),
            },
            Item::Unreadable(unreadable) => Self::Unreadable((*unreadable).clone()),
            Item::Lagged(skipped) => Self::Lagged { skipped },
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = &self.method {
            write!(f, "{method}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// What a subscription is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Everything, also what belongs to no thread and lines that cannot be read.
    All,
    /// One thread: what names its id. A sub-agent has a thread of its own.
    Thread(String),
    /// One turn: what names its id, before and after `turn/completed`, and the `turn/started` of a review, or of a
    /// sub-agent on a thread of its own, that names it as its root. What names only the thread, such as its
    /// status, is not of the turn.
    Turn(String),
}

impl Filter {
    /// One thread.
    pub fn thread(id: impl Into<String>) -> Self {
        Self::Thread(id.into())
    }

    /// One turn.
    pub fn turn(id: impl Into<String>) -> Self {
        Self::Turn(id.into())
    }
}
