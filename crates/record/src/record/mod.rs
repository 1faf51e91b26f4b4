//! Stands between a client and a server: passes every byte on as it comes and keeps a copy as a trace.
//!
//! Two pumps pass the bytes on, one for each direction. A copy of each chunk goes to the log, a thread of its
//! own, through a channel without bound: a slow disk costs memory, never time. The chunk enters the channel
//! before it is passed on, so that in the trace no answer stands before its question.

mod log;
#[cfg(not(unix))]
#[path = "portable.rs"]
mod platform;
#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
mod pump;

use std::io::{self, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::redact::Redactor;
use crate::trace::Direction;
use log::{Event, Log};
use platform::{Child as Watched, Streams};

/// How long a client that told us to stop may leave the last bytes untaken.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why a recording did not come about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The command does not start.
    #[error("start `{program}`: {source}; is it installed and on the PATH?")]
    Start {
        /// The program of the command.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// The streams, the signals or the threads are not to be had.
    #[error("get between the client and the command: {0}")]
    Setup(#[source] io::Error),
    /// The end of the command is not to be had.
    #[error("wait for the command: {0}")]
    Wait(#[source] io::Error),
}

/// A command that was started, its traffic not passed on yet.
///
/// ```no_run
/// use std::process::Command;
/// use codex_appserver_record::{Recording, Redactor};
///
/// let recording = Recording::start(Command::new("codex").arg("app-server"))?;
/// let trace = std::fs::File::create("trace.jsonl")?;
/// let recorded = recording.redact(Redactor::from_env()).run(trace)?;
/// std::process::exit(recorded.exit_code());
/// # #[allow(unreachable_code)]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Recording {
    child: Child,
    streams: Streams,
    signals: platform::Signals,
    start: Instant,
    codex: Option<String>,
    redactor: Option<Redactor>,
}

/// How a recording ended.
#[derive(Debug)]
pub struct Recorded {
    /// How the command ended.
    pub status: ExitStatus,
    /// Why the trace is not complete, if it is not.
    pub incomplete: Option<String>,
}

impl Recording {
    /// Starts the command and takes over the standard input and output of this process: they are the
    /// client's from now on, and nothing else may use them. The command inherits the standard error.
    pub fn start(command: &mut Command) -> Result<Self, RecordError> {
        // Before the command runs: from then on no signal may end us without reaching it.
        let signals = platform::Signals::catch().map_err(RecordError::Setup)?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|source| {
            RecordError::Start { program: command.get_program().to_string_lossy().into_owned(), source }
        })?;
        match Streams::take(&mut child) {
            Ok(streams) => {
                let start = Instant::now();
                Ok(Self { child, streams, signals, start, codex: None, redactor: None })
            }
            Err(error) => {
                // Nobody could talk to it.
                let _ = child.kill().and_then(|()| child.wait());
                Err(RecordError::Setup(error))
            }
        }
    }

    /// Names the version of codex in the header of the trace.
    #[must_use]
    pub fn codex(mut self, version: impl Into<String>) -> Self {
        self.codex = Some(version.into());
        self
    }

    /// Masks what is written to the trace, never what is passed on.
    #[must_use]
    pub fn redact(mut self, redactor: Redactor) -> Self {
        self.redactor = Some(redactor);
        self
    }

    /// Passes the traffic on until the command ends, and writes the trace.
    ///
    /// When the command has ended, what it wrote is passed on to the end. What its own children still write
    /// is not waited for. A trace that does not write is warned of on standard error and told at the end; the
    /// traffic goes on.
    pub fn run(self, trace: impl Write + Send + 'static) -> Result<Recorded, RecordError> {
        let Self { mut child, streams, signals, start, codex, redactor } = self;
        let (events, received) = mpsc::channel();
        let log = Log::new(trace, codex, redactor);
        let log = spawn("log", move || log.run(received)).map_err(RecordError::Setup)?;

        let Streams { from_client, to_client, from_child, to_child } = streams;
        let (ended, ending) = io::pipe().map_err(RecordError::Setup)?;
        let (tell, told) = mpsc::channel();
        let taken = Arc::new(AtomicU64::new(0));
        let copy = |direction, taken| pump::Copy { events: events.clone(), start, direction, taken };

        let from = copy(Direction::ClientToServer, Arc::default());
        spawn("client", move || pump::run(from_client, to_child, None, &from)).map_err(RecordError::Setup)?;
        let (from, passed) = (copy(Direction::ServerToClient, Arc::clone(&taken)), tell.clone());
        let pump = move || {
            pump::run(from_child, to_client, Some(ended), &from);
            // Nobody listens any more where the client was given up.
            let _ = passed.send(Told::Passed);
        };
        spawn("server", pump).map_err(RecordError::Setup)?;

        let watched = Watched::new(&child);
        signals.pass_to(watched.clone(), move || {
            let _ = tell.send(Told::Signal);
        });
        let status = watched.wait(&mut child).map_err(RecordError::Wait)?;
        drop(ending);
        wait_until_passed(&told, &taken);
        // Both pumps may still hold the channel, so its end is told, not seen.
        let _ = events.send(Event::Finish);
        let incomplete = log.join().unwrap_or_else(|_| Some("the thread that writes it panicked".into()));
        Ok(Recorded { status, incomplete })
    }
}

/// What happens while the command ends.
enum Told {
    /// All that it wrote was passed on.
    Passed,
    /// We were told to stop.
    Signal,
}

/// Waits until the client took all. One that told us to stop may be waiting for us rather than reading: it
/// is given up when it takes nothing for a while.
fn wait_until_passed(told: &mpsc::Receiver<Told>, taken: &AtomicU64) {
    let mut stop = false;
    let mut before = None;
    loop {
        let next = match stop {
            true => told.recv_timeout(PATIENCE),
            false => told.recv().map_err(RecvTimeoutError::from),
        };
        match next {
            Ok(Told::Signal) => stop = true,
            Err(RecvTimeoutError::Timeout) => {
                let now = Some(taken.load(Ordering::Relaxed));
                if std::mem::replace(&mut before, now) == now {
                    return;
                }
            }
            Ok(Told::Passed) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> io::Result<thread::JoinHandle<T>> {
    thread::Builder::new().name(name.to_owned()).spawn(run)
}

impl Recorded {
    /// What the recorder exits with: as the command did, 128 and the signal where one ended it, and 2 where
    /// all went well but the trace.
    pub fn exit_code(&self) -> i32 {
        match platform::exit_code(self.status) {
            0 if self.incomplete.is_some() => 2,
            code => code,
        }
    }
}
