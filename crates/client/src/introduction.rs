//! The introduction of the client: what is said first, and what is expected of the answer.

use std::sync::Arc;
use std::time::Duration;

use codex_appserver_requests::InitializeParams;
use codex_appserver_wire::encode_params;

use crate::conn::Link;
use crate::error::{CloseReason, Closed, Error};
use crate::server::ServerInfo;
use crate::settings::VersionCheck;

/// What is said first, and what is expected of the answer.
#[derive(Clone)]
pub(crate) struct Introduction {
    pub(crate) params: InitializeParams,
    pub(crate) check: VersionCheck,
}

impl Introduction {
    pub(crate) fn params(&self) -> Result<Option<String>, Error> {
        Ok(encode_params(&self.params)?)
    }

    /// Takes note of who the server is, unless the settings refuse it.
    pub(crate) fn accept(&self, link: &Link, result: String) -> Result<(), Error> {
        link.set_server(ServerInfo::read(result, &self.params.client_info.name, self.check)?);
        Ok(())
    }
}

/// Why another connection was not introduced: in words about the connection and not about the call.
pub(crate) fn not_introduced(error: Error) -> Error {
    match error {
        Error::TimedOut { after, .. } => Error::Closed(Arc::new(Closed::new(CloseReason::Unanswered(after)))),
        Error::ConnectionLost { closed, .. } => Error::Closed(closed),
        error => error,
    }
}

/// What a connection ended with that was given up since `initialize` was not answered in time.
pub(crate) fn unanswered(after: Duration, closed: &Closed) -> Error {
    // If there was a process, it was killed: how it ended says nothing.
    let closed = Closed { reason: CloseReason::Unanswered(after), status: None, ..closed.clone() };
    Error::Closed(Arc::new(closed))
}
