//! Where a listening app-server is, written as in its own `--listen`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where an app-server listens: `unix://PATH` or `ws://HOST:PORT`.
///
/// Both speak WebSocket. `stdio://` is no place to connect to: start a [`Process`](crate::Process) instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// A WebSocket over TCP, its whole URL.
    WebSocket(String),
}

/// A text that is no address of an app-server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the address `{text}`: {problem}")]
pub struct AddressError {
    text: String,
    problem: &'static str,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |problem| Err(AddressError { text: text.to_owned(), problem });
        match text.split_once("://") {
            Some(("unix", "")) => wrong("the path is missing, as in unix:///run/codex.sock"),
            Some(("unix", path)) => Ok(Self::Unix(path.into())),
            Some(("ws", "")) => wrong("the host is missing, as in ws://127.0.0.1:4500"),
            Some(("ws", _)) => Ok(Self::WebSocket(text.to_owned())),
            Some(("wss", _)) => {
                wrong("app-servers speak ws:// only; put a proxy that speaks TLS before it, on this machine")
            }
            Some(("stdio", _)) => wrong("stdio is for a child process; start one with `spawn`"),
            _ => wrong("write unix://PATH or ws://HOST:PORT"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::WebSocket(url) => f.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_listen_takes() {
        for text in ["unix:///run/codex.sock", "unix://codex.sock", "ws://127.0.0.1:4500", "ws://[::1]:1/x"] {
            assert_eq!(text.parse::<Address>().expect(text).to_string(), text);
        }
        for text in ["", "unix://", "ws://", "wss://host", "stdio://", "/run/codex.sock", "http://host"] {
            let error = text.parse::<Address>().expect_err(text).to_string();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }
}
