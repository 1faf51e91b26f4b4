//! What the SDK's own calls fail with.

use std::time::Duration;

use codex_appserver_client as client;
use codex_appserver_methods::protocol::{ThreadActiveFlag, ThreadStatus, TurnStatus};

use crate::turns::TurnFailed;

/// Why something did not work. Calls alone fail with [`ClientError`](crate::ClientError), which `?` turns into this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A call, or the connection, failed.
    #[error(transparent)]
    Client(#[from] client::Error),

    /// What is to be connected to is no address.
    #[error(transparent)]
    Address(#[from] client::AddressError),

    /// The server did not say who it is, so it is no codex app-server; it was closed.
    #[error(
        "failed to accept the app-server: its answer to `initialize` has no {missing} (its user agent is \
         `{user_agent}`); see that the program is `codex app-server`, version 0.99 or newer"
    )]
    Metadata {
        /// What is missing.
        missing: &'static str,
        /// What it said.
        user_agent: String,
    },

    /// The turn did not complete; see [`TurnResult::into_result`](crate::TurnResult::into_result).
    #[error(transparent)]
    Turn(#[from] TurnFailed),

    /// The connection was shut down before the turn had ended, or its stream was not read to the end.
    #[error(
        "failed to follow turn {turn_id} of thread {thread_id} to its end: the connection was shut down, or the \
         stream was not read to its end; read what came of it with `thread/read`"
    )]
    Disconnected {
        /// The thread.
        thread_id: String,
        /// The turn.
        turn_id: String,
    },

    /// Another stream of the turn is open: there is one at a time.
    #[error(
        "failed to follow turn {turn_id}: another stream of it is open; drop that first, or use `events` of the thread"
    )]
    Followed {
        /// The turn.
        turn_id: String,
    },

    /// The end of the turn was missed, and the server does not know how it ended: it has no records of ephemeral
    /// threads, or there is no such turn.
    #[error(
        "failed to find out how turn {turn_id} of thread {thread_id} ended: its end was missed, the server is not at \
         work on it and has no records of it; what it did to files is there, and the next turn can be told to look"
    )]
    Lost {
        /// The thread.
        thread_id: String,
        /// The turn.
        turn_id: String,
    },

    /// No event of the turn came for as long as the watchdog waits. The turn may still go on, and may be followed
    /// further.
    #[error(transparent)]
    Stalled(Box<Stalled>),

    /// The agent's answer is not what was asked for.
    #[cfg(feature = "structured")]
    #[error(transparent)]
    Output(#[from] crate::schema::OutputMismatch),

    /// A Rust type cannot be asked for.
    #[cfg(feature = "structured")]
    #[error(transparent)]
    Schema(#[from] crate::schema::SchemaError),

    /// Tools are not offered to the agent.
    #[cfg(all(feature = "experimental", feature = "structured"))]
    #[error(transparent)]
    Tool(#[from] crate::tools::ToolError),

    /// The connection was lost while the user logged in, and the server with it that waited for the user.
    #[error(
        "failed to log in: the connection was lost while the user was asked; read the account to see who is logged in, or \
         start the login again"
    )]
    LoginLost,

    /// The server offers another way to log in than was asked for.
    #[error(
        "failed to log in: the server answered with something else than {wanted}; it may be another version of codex \
         than these bindings know, or offer other ways to log in"
    )]
    Login {
        /// What was asked for.
        wanted: &'static str,
    },
}

/// What the server said about a turn of which nothing was heard: the watchdog asked, or the turn was in doubt.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "failed to hear of turn {turn_id} for {silent_for:?}: the server says that it is {} and the thread {}; {}",
    turn_status.as_ref().map_or("not in its records", |status| status.as_str()),
    thread_status(status),
    if *is_left || is_asking(status) {
        "resume the thread with what answers it (approvals, a front end, its tools), or leave it to other clients"
    } else {
        "wait on, or interrupt it"
    }
)]
#[non_exhaustive]
pub struct Stalled {
    /// The thread.
    pub thread_id: String,
    /// The turn.
    pub turn_id: String,
    /// How long nothing was heard of it.
    pub silent_for: Duration,
    /// What the server says of the thread: it may wait for an approval, for one.
    pub status: ThreadStatus,
    /// What the server's records say of the turn.
    pub turn_status: Option<TurnStatus>,
    /// Whether the server has asked this client something about the thread that was left to other clients and is still
    /// open: nothing here answers it. Calls of dynamic tools do not show in [`status`](Self::status).
    pub is_left: bool,
}

impl Stalled {
    /// Whether the server waits for the answer to an approval, perhaps another client's. While this client has one to
    /// answer, the watchdog does not fire.
    pub fn waits_for_approval(&self) -> bool {
        let ThreadStatus::Active(active) = &self.status else { return false };
        active.active_flags.contains(&ThreadActiveFlag::WaitingOnApproval)
    }
}

impl Error {
    /// Whether the same may well succeed a little later: an overloaded server, or a call that was not sent before the
    /// connection was lost. A turn that failed is not tried again: what it did is done.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Client(error) if error.is_retryable())
    }

    /// Whether the server may have executed the call behind this although it failed; see
    /// [`client::Error::may_have_run`].
    pub fn may_have_run(&self) -> bool {
        matches!(self, Self::Client(error) if error.may_have_run())
    }

    /// The error of the call behind this, where there is one.
    pub fn client(&self) -> Option<&client::Error> {
        match self {
            Self::Client(error) => Some(error),
            _ => None,
        }
    }

    /// The server's answer, where the call behind this was answered with an error.
    pub fn rpc(&self) -> Option<&client::RpcError> {
        self.client()?.rpc()
    }

    /// What kind of error the server answered the call behind this with, where it did.
    pub fn kind(&self) -> Option<client::RpcErrorKind> {
        self.client()?.kind()
    }
}

/// Whether the server waits for an answer of a client.
pub(crate) fn is_asking(status: &ThreadStatus) -> bool {
    use ThreadActiveFlag::{WaitingOnApproval, WaitingOnUserInput};
    let asks = |flag| [WaitingOnApproval, WaitingOnUserInput].contains(flag);
    matches!(status, ThreadStatus::Active(active) if active.active_flags.iter().any(asks))
}

fn thread_status(status: &ThreadStatus) -> String {
    match status {
        ThreadStatus::NotLoaded => "is not loaded".into(),
        ThreadStatus::Idle => "is idle".into(),
        ThreadStatus::SystemError => "has a system error".into(),
        ThreadStatus::Active(active) if active.active_flags.is_empty() => "is active".into(),
        ThreadStatus::Active(active) => {
            let flags: Vec<_> = active.active_flags.iter().map(|flag| flag.as_str()).collect();
            format!("is active ({})", flags.join(", "))
        }
        _ => "is in a state that these bindings do not know".into(),
    }
}
