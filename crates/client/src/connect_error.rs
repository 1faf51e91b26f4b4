//! The texts of [`Error::Connect`]: why there is no connection, and what to do about it.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use crate::address::Address;
use crate::connect_error_kind::ConnectErrorKind;
use crate::error::{Error, write_end};

/// The server did not answer in time; what it has sent so far is no answer.
pub(crate) fn late(address: &Address, patience: Duration, sent: &[u8]) -> Error {
    let hint = match address {
        Address::Command(_) => {
            "; see that the command ends in `codex app-server proxy`, or give it more time with `connect_timeout`"
        }
        _ => "; give it more time with `connect_timeout`",
    };
    let kind = ConnectErrorKind::TimedOut(patience);
    failed(address, kind, format!("no answer within {patience:?}{hint}{}", Sent(sent)))
}

/// What a server has sent that is no answer.
pub(crate) struct Sent<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Sent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            sent => write!(f, "; what it sent begins with `{}`", crate::excerpt::escaped(sent)),
        }
    }
}

/// Why there is no connection.
pub(crate) fn failed(address: &Address, kind: ConnectErrorKind, reason: impl ToString) -> Error {
    Error::Connect { address: address.to_string(), kind, reason: reason.to_string() }
}

/// The server closed the connection, or the command ended.
pub(crate) fn hung_up(address: &Address, sent: &[u8]) -> Error {
    failed(address, ConnectErrorKind::HungUp, format!("it hung up during the handshake{}", Sent(sent)))
}

/// The connection failed before the server had answered.
pub(crate) fn broken(address: &Address, error: io::Error) -> Error {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset => hung_up(address, &[]),
        kind => failed(address, ConnectErrorKind::Io(kind), error),
    }
}

/// Why there is no socket.
pub(crate) fn not_opened(address: &Address, error: io::Error) -> Error {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    let kind = match (address, error.kind()) {
        (Address::Unix(_), NotFound) | (_, ConnectionRefused) => ConnectErrorKind::NotListening,
        (_, kind) => ConnectErrorKind::Io(kind),
    };
    let hint = match (address, kind) {
        (Address::Unix(_), ConnectErrorKind::NotListening) => {
            "; no app-server listens there, `codex app-server --listen unix://PATH` starts one (without a path at the \
             default socket)"
        }
        _ => "",
    };
    failed(address, kind, format!("{error}{hint}"))
}

/// Adds what the server has sent that is no answer.
pub(crate) fn with_sent(error: Error, sent: &[u8]) -> Error {
    match error {
        Error::Connect { address, kind, reason } => {
            Error::Connect { address, kind, reason: format!("{reason}{}", Sent(sent)) }
        }
        other => other,
    }
}

/// Adds how a program has ended that was to lead to the server.
pub(crate) fn with_end(error: Error, status: Option<ExitStatus>, stderr: &[String]) -> Error {
    struct End<'a>(Option<ExitStatus>, &'a [String]);
    impl fmt::Display for End<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_end(f, self.0, self.1)
        }
    }
    match error {
        Error::Connect { address, kind, reason } => {
            Error::Connect { address, kind, reason: format!("{reason}{}", End(status, stderr)) }
        }
        other => other,
    }
}
