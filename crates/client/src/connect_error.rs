//! The texts of [`Error::Connect`]: why there is no connection, and what to do about it.

use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

use crate::address::Address;
use crate::error::{Error, write_end};

/// The server did not answer in time; what it has sent so far is no answer.
pub(crate) fn late(address: &Address, patience: Duration, sent: &[u8]) -> Error {
    let hint = match address {
        Address::Command(_) => {
            "; see that the command ends in `codex app-server proxy`, or give it more time with `connect_timeout`"
        }
        _ => "; give it more time with `connect_timeout`",
    };
    failed(address, format!("no answer within {patience:?}{hint}{}", Sent(sent)))
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
pub(crate) fn failed(address: &Address, reason: impl ToString) -> Error {
    Error::Connect { address: address.to_string(), reason: reason.to_string() }
}

/// Why there is no socket.
pub(crate) fn not_opened(address: &Address, error: std::io::Error) -> Error {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    let hint = match (address, error.kind()) {
        (Address::Unix(_), NotFound | ConnectionRefused) => {
            "; no app-server listens there, `codex app-server --listen unix://PATH` starts one (without a path at the \
             default socket)"
        }
        _ => "",
    };
    failed(address, format!("{error}{hint}"))
}

/// Adds what the server has sent that is no answer.
pub(crate) fn with_sent(error: Error, sent: &[u8]) -> Error {
    match error {
        Error::Connect { address, reason } => {
            Error::Connect { address, reason: format!("{reason}{}", Sent(sent)) }
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
        Error::Connect { address, reason } => {
            Error::Connect { address, reason: format!("{reason}{}", End(status, stderr)) }
        }
        other => other,
    }
}
