//! The kinds of [`Error::Connect`](crate::Error::Connect), for programs that choose by them.

use std::io;
use std::time::Duration;

/// Why there is no connection, in [`Error::Connect`](crate::Error::Connect).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The address, or a setting, is of no use: nothing was tried.
    Invalid,
    /// The bearer token would be readable on its way to another machine: nothing was tried.
    InsecureToken,
    /// No server listens there. One that is starting may soon.
    NotListening,
    /// The operating system gives no connection, or it failed before the server had answered.
    Io(io::ErrorKind),
    /// There is no TLS with the server, or its certificate is not trusted.
    Tls,
    /// The server closed the connection, or the command ended, before there was an answer.
    HungUp,
    /// The server wants a bearer token, or another one (HTTP status 401).
    Unauthorized,
    /// The server refuses with another HTTP status.
    Refused(u16),
    /// What answers does not speak WebSocket.
    NotWebSocket,
    /// There was no answer within this time.
    TimedOut(Duration),
}
