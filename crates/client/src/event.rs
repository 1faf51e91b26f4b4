//! What the server tells of its own accord, decoded where it is consumed.

use std::sync::Arc;

use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::ServerRequest;
use codex_appserver_wire::{DecodeError, NotificationEnvelope, RequestEnvelope};

use crate::core::{Item, Unreadable};
use crate::missed::Missed;

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
