//! How a relay ends, and with which exit code.

use std::fmt;
use std::io;
use std::time::Duration;

/// How one client's connection has ended.
#[derive(Debug)]
pub enum Outcome {
    /// The client has closed its input, and has all its answers.
    Done,
    /// The client has closed its input, and these requests have no answers.
    Unanswered { requests: usize, after: Duration },
    /// The server closed the connection before it said anything.
    Refused(String),
    /// The server is gone.
    Gone { why: String, requests: usize },
    /// The client does not read any more.
    OutputGone,
    /// The client's input or output failed.
    Failed { what: &'static str, error: io::Error },
    /// The program was told to end, and these requests have no answers.
    Terminated { requests: usize },
}

/// The server is gone: trying again later may help (`EX_TEMPFAIL` of sysexits).
const TRY_LATER: u8 = 75;

impl Outcome {
    /// Ends this process as this outcome should.
    pub fn exit(self) -> ! {
        if !matches!(self, Self::Done | Self::OutputGone) {
            report(&self);
        }
        let code = match self {
            Self::Done => 0,
            Self::Unanswered { .. } | Self::Refused(_) | Self::Failed { .. } => 1,
            Self::Gone { .. } => TRY_LATER,
            Self::OutputGone => end_by_signal(Signal::Pipe),
            Self::Terminated { .. } => end_by_signal(Signal::Terminate),
        };
        std::process::exit(code.into())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("all requests are answered"),
            Self::Unanswered { requests, after } => write!(
                f,
                "{} had no answer {after:?} after the end of the input; see --wait",
                counted(*requests)
            ),
            Self::Refused(why) => write!(f, "the server closed the connection at once: {why}"),
            Self::Gone { why, requests: 0 } => write!(f, "the server is gone: {why}"),
            Self::Gone { why, requests } => {
                write!(f, "the server is gone: {why}; {} may have been executed", counted(*requests))
            }
            Self::OutputGone => f.write_str("the client does not read any more"),
            Self::Failed { what, error } => write!(f, "failed to {what}: {error}"),
            Self::Terminated { requests } => {
                write!(f, "ended by a signal; {} had no answer", counted(*requests))
            }
        }
    }
}

fn counted(requests: usize) -> String {
    match requests {
        1 => "1 request".to_owned(),
        _ => format!("{requests} requests"),
    }
}

/// Tells the user something, on standard error.
pub fn report(what: impl fmt::Display) {
    // There is no other place to say that standard error is gone.
    let _ = io::Write::write_all(&mut io::stderr(), format!("codex-relay: {what}\n").as_bytes());
}

/// By which signal this program ends, as far as who waits for it can tell.
pub enum Signal {
    Pipe,
    Terminate,
}

/// Ends this process by a signal; where there are none, gives the exit code that stands for it.
pub fn end_by_signal(signal: Signal) -> u8 {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGPIPE, SIGTERM};
        let number = match signal {
            Signal::Pipe => SIGPIPE,
            Signal::Terminate => SIGTERM,
        };
        // It returns only if it failed.
        let _ = signal_hook::low_level::emulate_default_handler(number);
    }
    match signal {
        Signal::Pipe => 141,
        Signal::Terminate => 143,
    }
}
