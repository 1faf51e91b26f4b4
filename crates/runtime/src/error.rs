//! The one error type of this crate. Each text stands alone: what failed, where, why and what to do
//! next.

use std::env::consts::{ARCH, OS};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// Why a codex binary could not be found, installed or run.
///
/// The text of an error already holds the reason of the operating system, so `source()` is empty.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The version to install is not written like a version.
    #[error(
        "failed to install codex: `{}` is not a version; write one like 0.150.0 or 0.170.0-alpha.1",
        version.escape_debug()
    )]
    BadVersion {
        /// The version as it was given.
        version: String,
    },

    /// There is no npm to install with.
    #[error(
        "failed to install codex {version}: found no `{}`; install Node.js, which brings npm",
        npm.display()
    )]
    NpmMissing {
        /// The version that was to be installed.
        version: String,
        /// The npm that was to be run.
        npm: PathBuf,
    },

    /// npm ran and failed.
    #[error(
        "failed to install codex {version}: `{command}` ended with {status}\n{}\n\
         fix what npm reports and try again",
        quote(stderr)
    )]
    NpmFailed {
        /// The version that was to be installed.
        version: String,
        /// The command line.
        command: String,
        /// How npm ended.
        status: ExitStatus,
        /// The last lines that npm wrote to stderr.
        stderr: String,
    },

    /// npm reported success but left no native binary behind.
    #[error(
        "failed to find the codex binary: no {} holds one; \
         npm picks the package for this machine ({OS} {ARCH}): check that this version has one \
         and that `npm config get omit` does not list `optional`",
        root.join("node_modules/@openai/*/vendor/*/*").display()
    )]
    BinaryMissing {
        /// The folder that npm installed into.
        root: PathBuf,
    },

    /// npm left several native binaries behind and the names of their folders do not tell which one
    /// is right.
    #[error(
        "failed to choose the codex binary: npm installed several that may be right: {}; \
         remove the folder and install again",
        list(candidates)
    )]
    BinaryAmbiguous {
        /// All binaries found.
        candidates: Vec<PathBuf>,
    },

    /// The installed binary tells another version than the one that was asked for.
    #[error(
        "failed to install codex {expected}: the binary that npm installed says it is {found}; \
         ask for another version"
    )]
    WrongVersion {
        /// The version that was asked for.
        expected: String,
        /// The version that the binary tells.
        found: String,
    },

    /// A path that should name the codex binary does not name a file.
    #[error(
        "failed to use {} as codex: no such file; pass the path of the codex binary itself",
        path.display()
    )]
    NoSuchFile {
        /// The path as it was given.
        path: PathBuf,
    },

    /// The variable `CODEX_BIN` does not name a file.
    #[error(
        "failed to use {} as codex, which the variable CODEX_BIN names: no such file; \
         set CODEX_BIN to the path of the codex binary itself, or unset it to have codex looked for",
        path.display()
    )]
    CodexBinMissing {
        /// The path in the variable.
        path: PathBuf,
    },

    /// There is no codex in any of the places to look at.
    #[error(
        "failed to find codex; looked at\n{}\n\
         install it (`npm install -g @openai/codex`), set CODEX_BIN to its path, or pass the path",
        lines(looked_at)
    )]
    NotFound {
        /// A line for every place, in the order of the search.
        looked_at: Vec<String>,
    },

    /// No folder of `PATH` holds a codex.
    #[error(
        "failed to find `codex`: no folder in PATH holds it; \
         install it (`npm install -g @openai/codex`), or name the binary by its path"
    )]
    NotOnPath,

    /// A command could not be started.
    #[error(
        "failed to start `{command}`: {reason}; \
         check that the program is installed, is one for this machine and may be run"
    )]
    Start {
        /// The command line.
        command: String,
        /// What the operating system says.
        reason: io::Error,
    },

    /// codex ran and failed.
    #[error(
        "failed to run `{command}`: it ended with {status}\n{}\n\
         check that this codex knows the command; older versions lack some options",
        quote(stderr)
    )]
    CodexFailed {
        /// The command line.
        command: String,
        /// How codex ended.
        status: ExitStatus,
        /// The last lines that codex wrote to stderr.
        stderr: String,
    },

    /// A command took too long and was killed.
    #[error(
        "failed to run `{command}`: killed because it had not ended after {} seconds\n{}\n\
         check the network if it needs one, or run the command by hand to see what it waits for",
        limit.as_secs_f32(), quote(stderr)
    )]
    TimedOut {
        /// The command line.
        command: String,
        /// The time it was given.
        limit: Duration,
        /// The last lines that it wrote to stderr.
        stderr: String,
    },

    /// `codex --version` printed something else than a version.
    #[error(
        "failed to read the version of codex: `{command}` printed `{}`, \
         not a line like `codex-cli 0.150.0`; check that this program is codex",
        output.escape_debug()
    )]
    UnknownVersion {
        /// The command line.
        command: String,
        /// The start of what it printed.
        output: String,
    },

    /// npm did not say which version of codex is the newest.
    #[error(
        "failed to find the newest version of codex: `{command}` printed `{output}`; \
         check the connection to the registry, or name the version"
    )]
    NoLatest {
        /// The command line.
        command: String,
        /// What npm said instead.
        output: String,
    },

    /// codex reported success but did not write the schema.
    #[error(
        "failed to find the schema: `{command}` ended well but wrote no {file}; \
         check that this program is codex"
    )]
    SchemaMissing {
        /// The command line.
        command: String,
        /// The name of the file that was expected.
        file: &'static str,
    },

    /// A file or folder could not be worked with.
    #[error(
        "failed to {action} {}: {reason}; check its permissions and the free space there",
        path.display()
    )]
    Io {
        /// What was tried, as in "create the folder".
        action: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// What the operating system says.
        reason: io::Error,
    },
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |reason| Self::Io { action, path, reason }
    }
}

/// Lines of stderr, set off from the sentences around them.
fn quote(stderr: &str) -> String {
    if stderr.is_empty() {
        return "it wrote nothing to stderr".to_owned();
    }
    let lines: Vec<_> = stderr.lines().map(|line| format!("  | {line}")).collect();
    format!("the end of its stderr:\n{}", lines.join("\n"))
}

fn lines(places: &[String]) -> String {
    let places: Vec<_> = places.iter().map(|place| format!("  - {place}")).collect();
    places.join("\n")
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
