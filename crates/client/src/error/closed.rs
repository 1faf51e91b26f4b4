//! How and why a connection ended.

use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use super::Error;

/// How a connection ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Closed {
    /// Why.
    pub reason: CloseReason,
    /// How the process ended, where the server is a child process of this client and has ended.
    pub status: Option<ExitStatus>,
    /// The last lines that a child process wrote to its standard error.
    pub stderr: Vec<String>,
    /// The first lines it sent that are no messages, five at most, each cut short: a program that is no app-server may
    /// have printed its usage. The last of them may be one that has not ended, such as a prompt.
    pub unreadable: Vec<String>,
}

/// Why a connection ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CloseReason {
    /// This client was shut down or dropped.
    Shutdown,
    /// The server closed its side.
    EndOfStream,
    /// Reading or writing failed.
    Failed(String),
    /// Nothing was heard of the server for this long, although it was asked for a sign of life; see `keep_alive` of the
    /// builder. It may be stopped, or out of reach.
    Silent(Duration),
    /// The server did not answer `initialize` within this time; see `initialize_timeout` of the builder. What it wrote
    /// until then is in [`Closed::unreadable`].
    Unanswered(Duration),
    /// The connection of a supervised client was lost and could not be made again.
    GaveUp {
        /// How often it was tried in a row.
        attempts: u32,
        /// Why the last attempt failed; none if the connection was made and lost again each time.
        failure: Option<Arc<Error>>,
        /// How the last connection ended.
        lost: Box<CloseReason>,
    },
}

impl CloseReason {
    /// What the end of reading means.
    pub(crate) fn of_read(read: std::io::Result<()>) -> Self {
        match read {
            Ok(()) => Self::EndOfStream,
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

impl Closed {
    /// An end with this reason of which no more is known, for tests of programs that look at it.
    pub fn new(reason: CloseReason) -> Self {
        Self { reason, status: None, stderr: Vec::new(), unreadable: Vec::new() }
    }

    /// Whether this client wanted it.
    pub fn is_shutdown(&self) -> bool {
        matches!(self.reason, CloseReason::Shutdown)
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        if self.is_shutdown() {
            // That was wanted: how the process took it is no news.
            return Ok(());
        }
        write_end(f, self.status, &self.stderr)?;
        write_lines(f, "what it sent begins with lines that are no messages", &self.unreadable)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shutdown => f.write_str("this client was shut down"),
            Self::EndOfStream => f.write_str("it closed the connection"),
            Self::Failed(reason) => write!(f, "the connection failed: {reason}"),
            Self::Silent(silence) => write!(
                f,
                "nothing was heard of it for {silence:.1?}, although it was asked for a sign of life; it may be stopped, \
                 or give it more time with `keep_alive`"
            ),
            Self::Unanswered(after) => write!(
                f,
                "it did not answer `initialize` within {after:?}; see that the program is `codex app-server`, or give it \
                 more time with `initialize_timeout`"
            ),
            Self::GaveUp { attempts, failure: Some(failure), lost } => write!(
                f,
                "the connection was lost ({lost}) and not made again in {attempts} attempts: {failure}; see that the server can be \
                 reached, and connect anew"
            ),
            Self::GaveUp { attempts, failure: None, lost } => write!(
                f,
                "the connection was lost soon after it was made, {} times in a row, the last time like this: \
                 {lost}; see why the server dies, and connect anew",
                attempts + 1
            ),
        }
    }
}

fn write_lines(f: &mut fmt::Formatter<'_>, what: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    write!(f, "; {what}:")?;
    lines.iter().try_for_each(|line| write!(f, "\n  {}", crate::excerpt::escape(line)))
}

/// How a process ended, where that is known, and what it said.
pub(crate) fn write_end(
    f: &mut fmt::Formatter<'_>,
    status: Option<ExitStatus>,
    stderr: &[String],
) -> fmt::Result {
    if let Some(status) = status {
        write!(f, "; the process ended with {status}")?;
        if is_interrupt(status) {
            f.write_str(", as by Ctrl-C, which a terminal sends to it as well: `own_group` prevents that")?;
        }
    }
    write_lines(f, "its last words on stderr", stderr)
}

/// Whether a process was interrupted: it died of SIGINT, or says what shells and npm's launcher say of one that did.
fn is_interrupt(status: ExitStatus) -> bool {
    const SIGINT: i32 = 2;
    #[cfg(unix)]
    if std::os::unix::process::ExitStatusExt::signal(&status) == Some(SIGINT) {
        return true;
    }
    status.code() == Some(128 + SIGINT)
}
