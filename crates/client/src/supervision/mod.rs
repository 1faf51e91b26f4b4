//! What happens when the connection of a supervised client is lost: how often and when another one is made, how, and what
//! is sent over it first.

mod policy;
mod restore;

use std::sync::Arc;

pub(crate) use policy::Attempts;
pub use policy::Supervision;
pub(crate) use restore::Restoring;
pub use restore::{Restore, RestoreCall};

use crate::connect_error_kind::ConnectErrorKind;
use crate::error::Error;
use crate::introduction::Introduction;
use crate::process::Process;
use crate::settings::{Dialling, Unhandled};

/// How the server is reached.
pub(crate) enum Way {
    /// It is started, as a child process.
    Spawn(Process),
    #[cfg(feature = "ws")]
    Connect(crate::address::Address),
    /// It is looked for, and started if it is not there.
    #[cfg(all(unix, feature = "ws"))]
    Shared(crate::shared_server::Settings),
    /// By a pair of streams, which cannot be had again.
    Attached,
}

impl Way {
    /// What happens to requests that no handler answers, unless that is set.
    pub(crate) fn unhandled(&self) -> Unhandled {
        match self {
            Self::Spawn(_) | Self::Attached => Unhandled::Decline,
            #[cfg(feature = "ws")]
            Self::Connect(_) => Unhandled::LeaveToOthers,
            #[cfg(all(unix, feature = "ws"))]
            Self::Shared(_) => Unhandled::LeaveToOthers,
        }
    }
}

/// What keeps a shared server from being stopped.
#[cfg(all(unix, feature = "ws"))]
pub(crate) type Guard = Arc<std::fs::File>;

/// All that it takes to connect again.
pub(crate) struct Plan {
    pub(crate) way: Way,
    #[cfg_attr(not(feature = "ws"), expect(dead_code, reason = "nothing is dialled"))]
    pub(crate) dialling: Dialling,
    pub(crate) policy: Supervision,
    pub(crate) introduction: Introduction,
    pub(crate) restore: Option<Arc<dyn Restore>>,
}

/// The error of a client that is attached to streams and was to be supervised.
pub(crate) fn not_supervised() -> Error {
    Error::Connect {
        address: "a pair of streams".into(),
        kind: ConnectErrorKind::Invalid,
        reason: "streams cannot be opened again, so the client cannot be supervised; start the server, connect to an \
                 address, or leave `supervised` out"
            .into(),
    }
}
