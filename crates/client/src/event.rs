//! What the server tells of its own accord, decoded where it is consumed.

use std::sync::Arc;
use std::time::Duration;

use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::ServerRequest;
use codex_appserver_types::ThreadItem;
use codex_appserver_wire::{DecodeError, NotificationEnvelope, RequestEnvelope, RequestId};

use crate::core::{Item, Unreadable};

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
    /// The connection was lost, and there is another one: events are missing here. Only a client that is
    /// [supervised](crate::generic::ClientBuilder::supervised) goes on like this.
    Reconnected {
        /// How many connections there were, this one included. The first one has the number 1.
        generation: u64,
        /// What is known of what was missed.
        missed: Arc<Missed>,
    },
}

/// What is known of what was missed between two connections.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Missed {
    /// How long there was no connection.
    pub duration: Duration,
    /// Whether the server is another process than before, so that its turns were interrupted. `None` where that is not
    /// known: at a socket that is not a shared server's.
    pub restarted: Option<bool>,
    /// What the server had asked and this client had not answered when the connection was lost, about any thread. A
    /// server that was not restarted asks again, once the thread is resumed; if it was restarted, these are lost.
    pub requests: Vec<MissedRequest>,
    /// The items of the turn that were completed meanwhile, in the streams of turns of the SDK. One may come once
    /// more as an event. Empty elsewhere.
    pub items: Vec<ThreadItem>,
}

/// A request of the server that was open when the connection was lost.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MissedRequest {
    /// Its id. Another process of the server counts from 0 again.
    pub id: RequestId,
    /// Its method, by its wire name.
    pub method: String,
    /// The thread that it was about, if it was about one.
    pub thread_id: Option<String>,
}

impl MissedRequest {
    /// A request with this id and method, about a thread or none.
    pub fn new(id: impl Into<RequestId>, method: impl Into<String>, thread_id: Option<String>) -> Self {
        Self { id: id.into(), method: method.into(), thread_id }
    }
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
            Item::Notification(message) => match NotificationEnvelope::decode(&message.line) {
                Ok(envelope) => Self::Notification(envelope),
                Err(error) => unreadable(error, &message.line),
            },
            Item::Request(message) => match RequestEnvelope::decode(&message.line) {
                Ok(envelope) => Self::Request(envelope),
                Err(error) => unreadable(error, &message.line),
            },
            Item::Unreadable(unreadable) => Self::Unreadable((*unreadable).clone()),
            Item::Lagged(skipped) => Self::Lagged { skipped },
            Item::Reconnected(generation, missed) => Self::Reconnected { generation, missed },
        }
    }
}
