//! What an install tells while it runs.

use std::fmt;
use std::time::Duration;

/// One event of an install. Its text is a line to show to people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Another thread or process is installing the same version. Comes about every second.
    Waiting {
        /// The version to install.
        version: String,
        /// How long this has been waiting.
        elapsed: Duration,
    },
    /// npm is running. Comes once at its start and then about every second.
    Downloading {
        /// The version to install.
        version: String,
        /// What npm has unpacked so far. It stands still while npm fills its own cache.
        bytes_so_far: u64,
        /// How long npm has been running.
        elapsed: Duration,
    },
    /// The version is there now. Comes once, and only if there was something to install or to wait
    /// for.
    Done {
        /// The version installed.
        version: String,
        /// How long the whole install took.
        elapsed: Duration,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting { version, elapsed } => {
                write!(f, "waiting for another install of codex {version} ({} s)", elapsed.as_secs())
            }
            Self::Downloading { version, bytes_so_far, elapsed } => {
                let megabytes = bytes_so_far / 1_000_000;
                write!(f, "installing codex {version}: {megabytes} MB unpacked ({} s)", elapsed.as_secs())
            }
            Self::Done { version, elapsed } => {
                write!(f, "installed codex {version} ({} s)", elapsed.as_secs())
            }
        }
    }
}
