//! What the server keeps of a thread, as far as it is about one turn.

use std::time::Duration;

use codex_appserver_client as client;
use codex_appserver_methods::protocol::{ThreadItem, ThreadReadResponse, ThreadStatus, Turn, TurnStatus};

use crate::error::{Error, Stalled};

/// How long the server may take to answer a question about its records.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The records of a thread, with those of its turns that matter.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) thread_id: String,
    /// How the thread stands; not loaded where that was not asked for, because the turn is over.
    pub(crate) status: ThreadStatus,
    pub(crate) turns: Vec<Turn>,
}

impl Records {
    /// The records of a thread of which nothing is known.
    pub(crate) fn of(thread_id: &str) -> Self {
        Self { thread_id: thread_id.to_owned(), status: ThreadStatus::NotLoaded, turns: Vec::new() }
    }
}

impl From<ThreadReadResponse> for Records {
    fn from(read: ThreadReadResponse) -> Self {
        let thread = read.thread;
        Self { thread_id: thread.id, status: thread.status, turns: thread.turns }
    }
}

/// What the records say of a turn.
pub(crate) enum Record {
    /// It has ended, like this.
    Over(Box<Turn>),
    /// It goes on, or is not in the records. A status that these bindings do not know is no end.
    Open(Box<Stalled>),
}

impl Record {
    /// Whether the turn has begun and not ended. If its thread does nothing, the turn was abandoned.
    pub(crate) fn is_in_progress(&self) -> bool {
        matches!(self, Self::Open(stalled) if stalled.turn_status == Some(TurnStatus::InProgress)
            && matches!(stalled.status, ThreadStatus::Active(_)))
    }

    pub(crate) fn of(records: Records, turn_id: &str, silent_for: Duration) -> Self {
        let active = active_turn(&records, turn_id).map(|_| TurnStatus::InProgress);
        let turn = records.turns.into_iter().find(|turn| turn.id == turn_id);
        match turn {
            Some(turn) if is_over(&turn) => Self::Over(Box::new(turn)),
            turn => Self::Open(Box::new(Stalled {
                thread_id: records.thread_id,
                turn_id: turn_id.to_owned(),
                silent_for,
                status: records.status,
                turn_status: turn.map(|turn| turn.status).or(active),
                is_left: false,
            })),
        }
    }
}

/// Whether a turn has ended. A status that these bindings do not know is no end.
pub(crate) fn is_over(turn: &Turn) -> bool {
    use TurnStatus::{Completed, Failed, Interrupted};
    [Completed, Failed, Interrupted].contains(&turn.status)
}

/// Whether a turn runs on behalf of another one. A review runs as another turn, which is in the records long before the
/// review itself.
pub(crate) fn runs_for(turn: &Turn, turn_id: &str) -> bool {
    turn.id != turn_id
        && turn.root_turn_id.as_deref() == Some(turn_id)
        && turn.status == TurnStatus::InProgress
}

/// The turn of the same thread that runs on behalf of this one, if there is one.
pub(crate) fn active_turn<'a>(records: &'a Records, turn_id: &str) -> Option<&'a str> {
    records.turns.iter().find(|turn| runs_for(turn, turn_id)).map(|turn| turn.id.as_str())
}

/// The error of a reader that got no records. It is not retryable, even if the server was overloaded: to retry the
/// whole operation would start another turn.
pub(crate) fn unread(error: client::Error) -> Error {
    match error {
        client::Error::Overloaded { method, error, .. } => client::Error::Rpc { method, error }.into(),
        error => error.into(),
    }
}

/// Whether the server refused because it has no records of the thread's turns: an ephemeral thread has no history, and
/// a new one none yet. Or because the thread has them in pages alone. It answers if it is asked without turns.
pub(crate) fn has_no_turns(error: &client::Error) -> bool {
    use client::RpcErrorKind::{NotRecorded, PaginatedThread};
    matches!(error.kind(), Some(NotRecorded | PaginatedThread))
}

/// Whether the input of a turn has this id of its client.
pub(crate) fn has_message(turn: &Turn, client_id: &str) -> bool {
    let is_it = |item: &ThreadItem| matches!(item, ThreadItem::UserMessage(message) if message.client_id.as_deref() == Some(client_id));
    turn.items.iter().any(is_it)
}

/// Whether the server has no record of the thread.
pub(crate) fn is_unrecorded(error: &client::Error) -> bool {
    use client::RpcErrorKind::{NotRecorded, ThreadNotFound};
    matches!(error.kind(), Some(NotRecorded | ThreadNotFound))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::fixtures::{self, read};

    #[test]
    fn a_turn_is_in_progress_while_it_runs_or_another_turn_runs_for_it() {
        let turn = |id: &str, status: &str| json!([fixtures::turn(id, status, "U")]);
        for (status, turns, in_progress) in [
            ("active", turn("U", "inProgress"), true),
            ("active", turn("inner", "inProgress"), true),
            ("active", turn("inner", "interrupted"), false),
            ("active", json!([]), false),
            ("idle", turn("U", "inProgress"), false),
        ] {
            let response = read(status, turns.clone()).into();
            let record = Record::of(response, "U", Duration::ZERO);
            assert_eq!(record.is_in_progress(), in_progress, "{status} {turns}");
        }
        let active = active_turn(&read("active", turn("inner", "inProgress")).into(), "U").map(str::to_owned);
        assert_eq!(active.as_deref(), Some("inner"));
        assert_eq!(active_turn(&read("active", turn("U", "inProgress")).into(), "U"), None);
    }
}
