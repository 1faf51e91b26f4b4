//! The answer to `thread/read`, as far as it is about one turn.

use std::time::Duration;

use codex_appserver_client as client;
use codex_appserver_methods::protocol::{ThreadReadResponse, ThreadStatus, Turn, TurnStatus};

use crate::error::{Error, Stalled};

/// How long the server may take to answer `thread/read`.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

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

    pub(crate) fn of(read: ThreadReadResponse, turn_id: &str, silent_for: Duration) -> Self {
        use TurnStatus::{Completed, Failed, Interrupted};
        let active = active_turn(&read, turn_id).map(|_| TurnStatus::InProgress);
        let thread = read.thread;
        let turn = thread.turns.into_iter().find(|turn| turn.id == turn_id);
        match turn {
            Some(turn) if [Completed, Failed, Interrupted].contains(&turn.status) => {
                Self::Over(Box::new(turn))
            }
            turn => Self::Open(Box::new(Stalled {
                thread_id: thread.id,
                turn_id: turn_id.to_owned(),
                silent_for,
                status: thread.status,
                turn_status: turn.map(|turn| turn.status).or(active),
            })),
        }
    }
}

/// The turn of the same thread that runs on behalf of this one, if there is one. A review runs as another turn, which is
/// in the records long before the review itself.
pub(crate) fn active_turn<'a>(read: &'a ThreadReadResponse, turn_id: &str) -> Option<&'a str> {
    let is_active = |turn: &&Turn| {
        turn.id != turn_id
            && turn.root_turn_id.as_deref() == Some(turn_id)
            && turn.status == TurnStatus::InProgress
    };
    read.thread.turns.iter().find(is_active).map(|turn| turn.id.as_str())
}

/// The error of a reader that got no records. It is not retryable, even if the server was overloaded: to retry the
/// whole operation would start another turn.
pub(crate) fn unread(error: client::Error) -> Error {
    match error {
        client::Error::Overloaded { method, error, .. } => client::Error::Rpc { method, error }.into(),
        error => error.into(),
    }
}

/// Whether the server refused because it has no records of the thread's turns: an ephemeral thread has no history
/// (`includeTurns`), and a new one none yet (`list_turns`). It answers if it is asked without turns.
pub(crate) fn has_no_turns(error: &client::Error) -> bool {
    error
        .rpc()
        .is_some_and(|error| ["includeTurns", "list_turns"].iter().any(|word| error.message.contains(word)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::fixtures::{self, read};

    #[test]
    fn a_turn_is_in_progress_while_somebody_is_active_turn_on_it() {
        let turn = |id: &str, status: &str| json!([fixtures::turn(id, status, "U")]);
        for (status, turns, in_progress) in [
            ("active", turn("U", "inProgress"), true),
            ("active", turn("inner", "inProgress"), true),
            ("active", turn("inner", "interrupted"), false),
            ("active", json!([]), false),
            ("idle", turn("U", "inProgress"), false),
        ] {
            let response = read(status, turns.clone());
            let record = Record::of(response, "U", Duration::ZERO);
            assert_eq!(record.is_in_progress(), in_progress, "{status} {turns}");
        }
        let active = active_turn(&read("active", turn("inner", "inProgress")), "U").map(str::to_owned);
        assert_eq!(active.as_deref(), Some("inner"));
        assert_eq!(active_turn(&read("active", turn("U", "inProgress")), "U"), None);
    }
}
