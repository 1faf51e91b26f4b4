//! The ids of tasks, requests, deliveries, workers and events.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// A text that is no id of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read the id `{text}`: not {expected}")]
pub struct InvalidId {
    text: String,
    expected: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $new:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            pub(crate) fn new() -> Self {
                Self(Uuid::$new())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = |_| InvalidId { text: crate::text::clip(text, 60), expected: "a UUID" };
                Uuid::try_parse(text).map(Self).map_err(invalid)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

ids! {
    /// The id of a task; ids of later tasks are greater.
    TaskId = now_v7;
    /// The id of a pending request: the store's own, not the one that the server counts.
    PendingId = now_v7;
    /// The id of a delivery. It stays the same however often the delivery is tried, so that a receiver can tell repeats.
    DeliveryId = now_v7;
    /// The id of a worker: random, never a host name or a process id, so that no later worker is taken for an earlier one.
    WorkerId = new_v4;
    /// The id that goes out as `clientUserMessageId` of a turn, and finds the turn again after a crash.
    ClientMessageId = new_v4;
}

/// The id of an event in the log of a task, written as `epoch-seq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The fencing number under which the event was written.
    pub epoch: i64,
    /// Its number in the log of the task; it only grows and never starts again.
    pub seq: i64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl FromStr for EventId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let number = |text: &str| {
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_plain)
        };
        let parts = text
            .split_once('-')
            .and_then(|(epoch, seq)| Some(Self { epoch: number(epoch)?, seq: number(seq)? }));
        parts.ok_or_else(|| InvalidId {
            text: crate::text::clip(text, 60),
            expected: "of the form `epoch-seq`",
        })
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One run of an app-server: its request ids mean something only together with this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ServerInstance(String);

impl ServerInstance {
    /// Names a run of an app-server. The name has to be new for each process, such as a random id that its starter chose.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_are_read_as_they_are_written() {
        let id = EventId { epoch: 3, seq: 41 };
        assert_eq!(id.to_string(), "3-41");
        assert_eq!("3-41".parse(), Ok(id));
        for text in ["", "3", "3-", "-41", "3-41-5", "3--41", "+3-41", "3-99999999999999999999"] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_id_is_quoted() {
        let error = "nine".parse::<TaskId>().unwrap_err();
        assert_eq!(error.to_string(), "read the id `nine`: not a UUID");
    }
}
