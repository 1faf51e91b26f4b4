//! The program: its arguments, and what it does.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::drive::{Options, play};
use super::report::Report;
use super::script::{Session, Trace, TraceError};

/// Play the server's side of a recording to a client.
///
/// The server's messages come as they were recorded, as soon as the client has sent what stands before them. A
/// request that the trace does not hold gets an error that says what was expected. The end of the client's
/// input, or of its connection, ends the session; a report on standard error says what was not as in the trace.
///
/// Exit codes: 0 the client did what the recorded one did, 1 it did not, 2 could not run.
///
/// Example: cargo xtask replay trace.jsonl
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The trace that the recorder wrote.
    #[arg(value_name = "TRACE")]
    trace: PathBuf,
    /// Where the client is: `stdio://`, or `unix://PATH` for WebSocket over a Unix socket, as codex has it.
    /// Each connection to the socket gets the next session of the trace.
    #[arg(long, value_name = "URL", default_value = "stdio://")]
    listen: Address,
    /// Which session of the trace to play, from 1; needed for standard input and output if there are several.
    #[arg(long, value_name = "NUMBER")]
    session: Option<usize>,
    /// Keep the recorded times between messages.
    #[arg(long)]
    timing: bool,
    /// Refuse requests whose params differ from those of the trace; else the report notes them.
    #[arg(long)]
    exact: bool,
    /// How long a request that came too early waits for what comes before it; then it gets an error. 0: forever.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    patience: u64,
    /// What a client gives to codex, such as `app-server`; ignored.
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    ignored: Vec<OsString>,
}

/// Where the client of a replay is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Standard input and output: `stdio://`.
    Stdio,
    /// WebSocket over a Unix socket: `unix://PATH`.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix://") {
            Some(path) if !path.is_empty() => Ok(Self::Unix(path.into())),
            _ if text == "stdio://" => Ok(Self::Stdio),
            _ => Err("the address is neither `stdio://` nor `unix://PATH`".to_owned()),
        }
    }
}

/// Why a replay did not run. `Display` prints whole sentences.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The trace cannot be replayed.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The client cannot be read from or waited for.
    #[error("failed to serve the client: {error}")]
    Serve {
        /// What the system says.
        error: io::Error,
    },
    /// The socket cannot be made.
    #[error("failed to listen on {}: {error}; choose another path with --listen", path.display())]
    Listen {
        /// The path of the socket.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// This build or this system has no Unix sockets.
    #[error("failed to listen on {}: this build has no Unix sockets; use --listen stdio://", path.display())]
    NoSockets {
        /// The path of the socket.
        path: PathBuf,
    },
}

/// Plays a trace as the arguments say, prints the report of each session on standard error, and tells whether
/// all of them are [clean](Report::is_clean).
pub fn run(args: &Args) -> Result<bool, ReplayError> {
    let options = Options {
        timing: args.timing,
        exact: args.exact,
        patience: Duration::from_secs(args.patience),
        ..Options::default()
    };
    let trace = Trace::open(&args.trace)?;
    match &args.listen {
        Address::Stdio => {
            let session = match args.session {
                Some(number) => trace.into_numbered(number)?,
                None => trace.into_session()?,
            };
            let output = io::BufWriter::new(io::stdout());
            let report =
                play(session, &options, io::stdin(), output).map_err(|error| ReplayError::Serve { error })?;
            Ok(tell(&report))
        }
        Address::Unix(path) => {
            let sessions = match args.session {
                Some(number) => vec![trace.into_numbered(number)?],
                None => trace.into_sessions(),
            };
            listen(path, sessions, &options)
        }
    }
}

#[cfg(all(unix, feature = "socket"))]
fn listen(path: &std::path::Path, sessions: Vec<Session>, options: &Options) -> Result<bool, ReplayError> {
    let listener = super::socket::Listener::bind(path)
        .map_err(|error| ReplayError::Listen { path: path.to_owned(), error })?;
    listener.serve(sessions, options, tell).map_err(|error| ReplayError::Serve { error })
}

#[cfg(not(all(unix, feature = "socket")))]
fn listen(path: &std::path::Path, _: Vec<Session>, _: &Options) -> Result<bool, ReplayError> {
    Err(ReplayError::NoSockets { path: path.to_owned() })
}

/// Prints a report; tells whether it is clean.
fn tell(report: &Report) -> bool {
    // Standard error may be closed.
    let _ = write!(io::stderr().lock(), "{report}");
    report.is_clean()
}
