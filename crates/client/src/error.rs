//! What calls and connections fail with.

mod closed;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use codex_appserver_wire::{DecodeError, EncodeError, Release, RpcError, RpcErrorKind};

#[cfg(feature = "ws")]
pub(crate) use closed::write_end;
pub use closed::{CloseReason, Closed};

use crate::connect_error_kind::ConnectErrorKind;

/// Why something did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection is closed.
    #[error("failed to reach the app-server: {0}")]
    Closed(Arc<Closed>),

    /// The server did not answer before the call's deadline. It may still do what was asked.
    #[error(
        "failed to call `{method}`: no answer within {after:?}; if it was sent, the server may still be at it. \
         Give the call more time with `with_timeout` of the client, or with `default_timeout` of the builder"
    )]
    TimedOut {
        /// The method.
        method: String,
        /// How long the call was allowed to take.
        after: Duration,
    },

    /// The connection was lost while the call waited, and another one is to follow: the client is
    /// [supervised](crate::generic::ClientBuilder::supervised). The call is not sent again.
    #[error(
        "failed to call `{method}`: the connection was lost {}: {closed}",
        if *may_have_run {
            "before the answer came; the server may have done what was asked, so look before you call again"
        } else {
            "before the call was sent; call again"
        }
    )]
    ConnectionLost {
        /// The method.
        method: String,
        /// Whether the server may have got the call. If not, it is safe to call again.
        may_have_run: bool,
        /// How the connection ended.
        closed: Arc<Closed>,
    },

    /// This client was shut down, or dropped, while the call waited.
    #[error("failed to call `{method}`: this client was shut down")]
    Cancelled {
        /// The method.
        method: String,
    },

    /// The server is too busy (code -32001), after all attempts that were asked for.
    #[error(
        "failed to call `{method}`: {error}, after {attempts} attempt(s); try again later, or set `default_retry` or \
         `with_retry`"
    )]
    Overloaded {
        /// The method.
        method: String,
        /// How often the call was made.
        attempts: u32,
        /// The answer.
        error: RpcError,
    },

    /// The server answered with an error.
    #[error("failed to call `{method}`: {}{}", Answered(error), hint(error))]
    Rpc {
        /// The method.
        method: String,
        /// The answer.
        error: RpcError,
    },

    /// The server is too old for the method.
    #[error(
        "failed to call `{method}`, which needs codex {since} or later; {}",
        server.map_or_else(
            || format!("the server does not say its version, and answers: {}", Answered(error)),
            |server| format!("the server is {server}"),
        )
    )]
    TooOld {
        /// The method.
        method: String,
        /// The first release of codex that has it.
        since: Release,
        /// The server's release, where it says that.
        server: Option<Release>,
        /// The answer.
        error: RpcError,
    },

    /// An answer does not have the shape that the bindings know. Its text is in
    /// [`DecodeError::raw`].
    #[error("failed to decode an answer: {0}")]
    Decode(#[from] DecodeError),

    /// Params or an answer have no JSON form.
    #[error(transparent)]
    Encode(#[from] EncodeError),

    /// More waits to be sent than the settings allow.
    #[error(
        "failed to send `{method}`: too much waits to be sent already; wait for answers, raise `queue_limit`, or \
         see why the server does not read"
    )]
    QueueFull {
        /// The method.
        method: String,
    },

    /// A subscription ended because events came faster than they were read.
    #[error(
        "failed to keep up with the events: more than {byte_cap} bytes were waiting, and the subscription has \
         ended. Subscribe anew and read what was missed with `thread/items/list`, or let more wait: `byte_cap` of \
         `EventSettings`, `event_capacity` of the SDK's builder"
    )]
    Overrun {
        /// How much may wait, in bytes.
        byte_cap: usize,
    },

    /// A request of the server was answered by another client, or withdrawn.
    #[error("failed to answer `{method}`: the request is resolved already")]
    Resolved {
        /// The method.
        method: String,
    },

    /// The codex binary cannot be found.
    #[error(transparent)]
    Find(#[from] codex_appserver_runtime::Error),

    /// The app-server process does not start.
    #[error("failed to start `{}`: {reason}", program.display())]
    Start {
        /// What was to be run.
        program: PathBuf,
        /// What the operating system says.
        reason: std::io::Error,
    },

    /// The operating system gives no more threads.
    #[error("failed to start the threads of a connection: {0}")]
    Threads(std::io::Error),

    /// There is no way to the server, or it refuses, or it did not answer within `connect_timeout` of the builder.
    #[error("failed to connect to {address}: {reason}")]
    Connect {
        /// Where to.
        address: String,
        /// What kind of reason there is, for programs.
        kind: ConnectErrorKind,
        /// Why not, for people, and what to do about it.
        reason: String,
    },

    /// A shared server was neither found nor started.
    #[cfg(all(unix, feature = "ws"))]
    #[error(transparent)]
    SharedServer(#[from] crate::SharedServerError),

    /// The server's version is not the one of the bindings, and the settings refuse that.
    #[error(
        "failed to accept the app-server: it is {} and these bindings are made for {bindings}; install that \
         codex, or set the version check to warn", server.as_deref().unwrap_or("of no known version")
    )]
    Version {
        /// What the server says it is.
        server: Option<String>,
        /// What the bindings were generated from.
        bindings: &'static str,
    },
}

impl Error {
    /// Whether the same call may well succeed a little later, and was surely not executed.
    ///
    /// True for an overloaded server, and for a call that was not sent when the connection was lost. After a timeout, or if
    /// the connection was lost after the call was sent, the server may have executed it: see
    /// [`may_have_run`](Self::may_have_run).
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Overloaded { .. } | Self::ConnectionLost { may_have_run: false, .. })
    }

    /// Whether the server may have executed the call although it failed: no answer came, or none that can be read.
    ///
    /// For a call that failed with [`Closed`](Self::Closed) or [`Cancelled`](Self::Cancelled) it is not known whether it
    /// was sent, so this is true.
    pub fn may_have_run(&self) -> bool {
        match self {
            Self::ConnectionLost { may_have_run, .. } => *may_have_run,
            Self::TimedOut { .. } | Self::Closed(_) | Self::Cancelled { .. } | Self::Decode(_) => true,
            _ => false,
        }
    }

    /// The server's answer, where it answered with an error.
    pub fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Rpc { error, .. } | Self::Overloaded { error, .. } | Self::TooOld { error, .. } => {
                Some(error)
            }
            _ => None,
        }
    }

    /// What kind of error the server answered with, where it did.
    pub fn kind(&self) -> Option<RpcErrorKind> {
        self.rpc().map(RpcError::kind)
    }

    /// The answer of the server to a call.
    pub(crate) fn answered(method: &str, error: RpcError, attempts: u32, server: Option<Release>) -> Self {
        let needs = codex_appserver_methods::since(method).filter(|since| match server {
            Some(server) => server < *since,
            None => *since > Release::OLDEST,
        });
        let method = method.to_owned();
        match (error.kind(), needs) {
            (RpcErrorKind::Overloaded, _) => Self::Overloaded { method, attempts, error },
            (RpcErrorKind::MethodNotFound, Some(since)) => Self::TooOld { method, since, server, error },
            _ => Self::Rpc { method, error },
        }
    }
}

/// An answer of the server, without the list of all methods that it adds where it does not know one.
struct Answered<'a>(&'a RpcError);

impl fmt::Display for Answered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        match error.message.split_once(", expected one of `initialize`, ") {
            Some((said, _)) => write!(f, "{said} (code {})", error.code),
            None => error.fmt(f),
        }
    }
}

/// What to do about an error that is known.
fn hint(error: &RpcError) -> &'static str {
    match error.kind() {
        RpcErrorKind::NeedsExperimentalApi => "; connect with `experimental_api(true)`",
        RpcErrorKind::MethodNotFound => {
            "; this server has no such method: see which version of codex it is, and which one has it"
        }
        RpcErrorKind::ThreadNotFound => {
            "; load the thread with `thread/resume` first; if it had no turn, or is ephemeral, it is gone with its server"
        }
        RpcErrorKind::NotRecorded => {
            "; a thread is recorded from its first turn on, and never if it is ephemeral; or there is none with this id \
             in this `CODEX_HOME`"
        }
        RpcErrorKind::ActiveWriter => "; another codex process has it open: connect to that one, or end it",
        RpcErrorKind::BrokenConfig => "; mend that file, or use another folder",
        RpcErrorKind::NoActiveTurn => "; the turn has ended, or has not begun yet",
        RpcErrorKind::OtherTurn => "; name that one: `active_turn_id` of the error has its id",
        _ => "",
    }
}
