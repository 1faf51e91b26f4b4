//! Where an app-server is, written as in its own `--listen`.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::process::Process;

/// The socket of an app-server without a path of its own, in its `CODEX_HOME`.
const DEFAULT_SOCKET: &str = "app-server-control/app-server-control.sock";

/// Where an app-server listens. All speak WebSocket.
///
/// As a text: `unix://`, `unix://PATH`, `ws://HOST:PORT` or `wss://HOST`. A command has no text to read it from; see
/// [`Address::command`]. `stdio://` is no place to connect to: start a [`Process`] instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// The Unix socket where `codex app-server --listen unix://` listens:
    /// `CODEX_HOME/app-server-control/app-server-control.sock`. `CODEX_HOME` is the variable of this program, else
    /// `.codex` in the folder of the user.
    DefaultSocket,
    /// A Unix socket.
    Unix(PathBuf),
    /// A WebSocket over TCP, its whole URL: `ws://`, or `wss://` with the feature `tls`.
    WebSocket(String),
    /// A program whose standard input and output lead to an app-server, such as `codex app-server proxy`.
    Command(Box<Process>),
}

/// A text that is no address of an app-server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the address `{text}`: {problem}")]
pub struct AddressError {
    text: String,
    problem: &'static str,
}

impl Address {
    /// A program and its arguments, whose standard input and output lead to the socket of an app-server.
    ///
    /// `codex app-server proxy` copies bytes between its pipes and the default socket, also at the other end of SSH. The
    /// program runs as long as the connection. What it writes to standard error is in errors, and what it prints before the
    /// server answers, such as the greeting of a login shell, is passed over. For its environment or folder, make the
    /// address from a [`Process`].
    ///
    /// ```
    /// # use codex_appserver_client::Address;
    /// let address = Address::command(["ssh", "build-host", "codex", "app-server", "proxy"]);
    /// assert_eq!(address.to_string(), "`ssh build-host codex app-server proxy`");
    /// ```
    pub fn command<S: Into<OsString>>(words: impl IntoIterator<Item = S>) -> Self {
        Process::from_words(words.into_iter().map(Into::into)).into()
    }

    /// The default socket of the app-server with this `CODEX_HOME`.
    pub fn of_home(codex_home: impl AsRef<Path>) -> Self {
        Self::Unix(codex_home.as_ref().join(DEFAULT_SOCKET))
    }

    /// The default socket by its path; see [`DefaultSocket`](Self::DefaultSocket). None if there is neither the variable
    /// `CODEX_HOME` nor a folder of the user.
    pub fn default_socket() -> Option<Self> {
        default_socket(std::env::var_os("CODEX_HOME"), std::env::home_dir()).map(Self::Unix)
    }
}

/// The path of the default socket, by the variable and the folder of the user. An empty variable is none.
fn default_socket(codex_home: Option<OsString>, user: Option<PathBuf>) -> Option<PathBuf> {
    let home = codex_home.filter(|home| !home.is_empty()).map(PathBuf::from);
    Some(home.or_else(|| Some(user?.join(".codex")))?.join(DEFAULT_SOCKET))
}

/// The program whose standard input and output lead to an app-server.
impl From<Process> for Address {
    fn from(process: Process) -> Self {
        Self::Command(Box::new(process))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |problem| Err(AddressError { text: text.to_owned(), problem });
        match text.split_once("://") {
            Some(("unix", "")) => Ok(Self::DefaultSocket),
            Some(("unix", path)) => Ok(Self::Unix(path.into())),
            Some(("ws", "")) => wrong("the host is missing, as in ws://127.0.0.1:4500"),
            Some(("wss", "")) => wrong("the host is missing, as in wss://codex.example.com"),
            Some(("ws" | "wss", _)) => Ok(Self::WebSocket(text.to_owned())),
            Some(("stdio", _)) => wrong("stdio is for a child process; start one with `spawn`"),
            _ => wrong("write unix://, unix://PATH, ws://HOST:PORT or wss://HOST"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultSocket => f.write_str("unix://"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::WebSocket(url) => f.write_str(url),
            Self::Command(process) => {
                let words: Vec<_> = process.words().map(OsStr::to_string_lossy).collect();
                write!(f, "`{}`", words.join(" "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_listen_takes() {
        for text in [
            "unix://",
            "unix:///run/codex.sock",
            "unix://codex.sock",
            "ws://127.0.0.1:4500",
            "ws://[::1]:1/x",
            "wss://codex.example.com/x",
        ] {
            assert_eq!(text.parse::<Address>().expect(text).to_string(), text);
        }
        for text in ["", "ws://", "wss://", "stdio://", "/run/codex.sock", "http://host"] {
            let error = text.parse::<Address>().expect_err(text).to_string();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn the_default_socket_is_in_the_home() {
        let expected = Path::new("/home/me/.codex/app-server-control/app-server-control.sock");
        assert_eq!(Address::of_home("/home/me/.codex"), Address::Unix(expected.into()));
        let user = || Some("/home/me".into());
        for (codex_home, user) in [(Some("/home/me/.codex"), None), (None, user()), (Some(""), user())] {
            assert_eq!(default_socket(codex_home.map(Into::into), user).as_deref(), Some(expected));
        }
        assert_eq!(default_socket(None, None), None);
        let of_process = |process: Process| process.default_socket();
        assert_eq!(of_process(Process::new()), Address::DefaultSocket);
        let set = Process::new().codex_home("/elsewhere").codex_home("/home/me/.codex");
        assert_eq!(of_process(set.clone()), Address::Unix(expected.into()));
        assert_eq!(of_process(set.env_remove("CODEX_HOME")), Address::DefaultSocket);
    }

    #[test]
    fn a_command_is_what_is_run() {
        let address = Address::from(Process::new().program("/opt/codex").arg("proxy"));
        assert_eq!(address, Address::command(["/opt/codex", "app-server", "proxy"]));
        assert_eq!(address.to_string(), "`/opt/codex app-server proxy`");
    }
}
