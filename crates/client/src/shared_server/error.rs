//! Why there is no shared server.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a shared server was neither found nor started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SharedServerError {
    /// The home is not there, or cannot be read.
    #[error("failed to open the codex home `{}`; create it first, as `codex login` does", folder.display())]
    Home {
        /// The home.
        folder: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },

    /// Others may use the folder, so that nothing in it can be trusted.
    #[error(
        "failed to trust the folder `{}`: {problem}; remove the folder, or make it yours alone with `chmod 700`",
        folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// A file or a folder cannot be made, read or written.
    #[error("failed to use `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },

    /// Other programs have held the lock all the time.
    #[error(
        "failed to lock `{}` within {after:?}; another program is starting the server, or is stopped: see who has the \
         file open",
        path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long it was waited for.
        after: Duration,
    },

    /// The server ended before it answered.
    #[error("failed to start the shared server: it ended{}", Log { path: log, lines: last_words })]
    Ended {
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        last_words: Vec<String>,
    },

    /// The server was started and did not answer in time. It was killed.
    #[error(
        "failed to start the shared server: it did not answer within {after:?} ({reason}){}",
        Log { path: log, lines: last_words }
    )]
    Silent {
        /// How long it was waited for.
        after: Duration,
        /// What the last attempt said.
        reason: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        last_words: Vec<String>,
    },
}

/// A log with its last lines.
struct Log<'a> {
    path: &'a PathBuf,
    lines: &'a [String],
}

impl fmt::Display for Log<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, lines } = self;
        if lines.is_empty() {
            return write!(f, "; its log `{}` is empty", path.display());
        }
        write!(f, "; the last lines of its log `{}`:", path.display())?;
        lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
