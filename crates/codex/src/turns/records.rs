//! What the server keeps of a turn, for those who missed its events or heard nothing for long.

use std::time::Duration;

use codex_appserver_client as client;
use codex_appserver_methods::protocol::{ThreadReadResponse, ThreadStatus, Turn, TurnStatus};

use crate::error::{Error, Stalled};

/// How long the server may take to say how a thread is doing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the records say of a turn.
pub(crate) enum Record {
    /// It has ended; this is what came of it.
    Over(Box<Turn>),
    /// It goes on, or is not known. Statuses that these bindings do not know are no end.
    Open(Box<Stalled>),
}

impl Record {
    /// Whether the turn has begun and not ended. A thread that does nothing was left by whoever was at work on it.
    pub(crate) fn is_in_progress(&self) -> bool {
        matches!(self, Self::Open(stalled) if stalled.turn_status == Some(TurnStatus::InProgress)
            && matches!(stalled.status, ThreadStatus::Active(_)))
    }

    pub(crate) fn of(read: ThreadReadResponse, turn_id: &str, silent_for: Duration) -> Self {
        use TurnStatus::{Completed, Failed, Interrupted};
        let at_work = at_work(&read, turn_id).map(|_| TurnStatus::InProgress);
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
                turn_status: turn.map(|turn| turn.status).or(at_work),
            })),
        }
    }
}

/// The turn of the same thread that does the work of this one, if one does: a review's is listed long before its own.
pub(crate) fn at_work<'a>(read: &'a ThreadReadResponse, turn_id: &str) -> Option<&'a str> {
    let works = |turn: &&Turn| {
        turn.id != turn_id
            && turn.root_turn_id.as_deref() == Some(turn_id)
            && turn.status == TurnStatus::InProgress
    };
    read.thread.turns.iter().find(works).map(|turn| turn.id.as_str())
}

/// What a turn cannot be followed for when the server does not say how it is doing. That it was too busy to is no
/// reason to do the whole again, which would start another turn.
pub(crate) fn unread(error: client::Error) -> Error {
    match error {
        client::Error::Overloaded { method, error, .. } => client::Error::Rpc { method, error }.into(),
        error => error.into(),
    }
}

/// Whether the server keeps no turns of the thread, so that it has to be asked without them: an ephemeral thread has
/// no history (`includeTurns`), and a new one none yet (`list_turns`).
pub(crate) fn has_no_turns(error: &client::Error) -> bool {
    error
        .rpc()
        .is_some_and(|error| ["includeTurns", "list_turns"].iter().any(|word| error.message.contains(word)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(status: &str, turns: serde_json::Value) -> ThreadReadResponse {
        let status = json!({"type": status, "activeFlags": []});
        let thread = json!({"id": "T", "sessionId": "T", "preview": "", "ephemeral": false, "modelProvider": "",
            "createdAt": 1, "updatedAt": 1, "status": status, "cwd": "/", "cliVersion": "0", "source": "vscode",
            "turns": turns, "projectId": null});
        serde_json::from_value(json!({"thread": thread})).expect("a response")
    }

    #[test]
    fn a_turn_is_in_progress_while_somebody_is_at_work_on_it() {
        let turn =
            |id: &str, status: &str| json!([{"id": id, "items": [], "status": status, "rootTurnId": "U"}]);
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
        let works = at_work(&read("active", turn("inner", "inProgress")), "U").map(str::to_owned);
        assert_eq!(works.as_deref(), Some("inner"));
        assert_eq!(at_work(&read("active", turn("U", "inProgress")), "U"), None);
    }
}
