//! Bytes between standard input and output and a Unix socket, as they are.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use codex_appserver_client::Address;

use crate::outcome::Outcome;
use crate::session::Event;
use crate::{standard, target, watched};

/// How much is copied at once.
const CHUNK: usize = 256 << 10;

/// How long the server may take to end once this program is told to.
const DRAIN: Duration = Duration::from_secs(2);

/// Copies both ways until the server has closed its side.
pub fn run(address: &Address, insecure: bool) -> Result<Outcome> {
    let Address::Unix(path) = address else {
        bail!("--raw needs a Unix socket, not {address}: only that carries bytes as they are")
    };
    if !insecure {
        target::check_socket(path)?;
    }
    let socket =
        UnixStream::connect(path).with_context(|| format!("failed to connect to {}", path.display()))?;
    let (input, output) = standard::files().context("failed to use standard input and output")?;
    let (events, inbox) = channel();
    standard::tell_of_signals(events.clone())?;
    let heard = Arc::new(AtomicBool::new(false));
    for (name, copy) in copies(&socket, input, output, &events, &heard)? {
        thread::Builder::new().name(name.into()).spawn(copy).context("failed to start a thread")?;
    }
    Ok(wait(&socket, &inbox))
}

type Copy = Box<dyn FnOnce() + Send>;

/// What the two threads do.
fn copies(
    socket: &UnixStream,
    mut input: File,
    mut output: File,
    events: &Sender<Event>,
    heard: &Arc<AtomicBool>,
) -> Result<[(&'static str, Copy); 2]> {
    let clone = || socket.try_clone().context("failed to use the socket twice");
    let (mut up, mut down) = (clone()?, clone()?);
    let up_events = events.clone();
    let sending = move || {
        let ended = match copy(&mut input, &mut up, || {}) {
            // The server sees the end of the input, and may still answer.
            Ok(()) => up.shutdown(Shutdown::Write).err().map(Failure::Write),
            Err(failure) => Some(failure),
        };
        let outcome = match ended {
            None => return,
            // The reading half tells how that ends.
            Some(Failure::Write(error)) if is_closed(&error) => return,
            Some(Failure::Write(error)) => Outcome::Failed { what: "write to the socket", error },
            Some(Failure::Read(error)) => Outcome::Failed { what: "read from standard input", error },
        };
        // The other thread may have ended it all.
        let _ = up_events.send(Event::Ended(outcome));
    };
    let (down_events, down_heard) = (events.clone(), heard.clone());
    let receiving = move || {
        let outcome = match copy(&mut down, &mut output, || down_heard.store(true, Ordering::Relaxed)) {
            Ok(()) => {
                // A server that has only closed its own half still reads.
                watched::wait_until_closed(&down);
                Outcome::Done
            }
            Err(Failure::Read(error)) if is_closed(&error) && down_heard.load(Ordering::Relaxed) => {
                Outcome::Done
            }
            Err(Failure::Read(error)) => Outcome::Failed { what: "read from the socket", error },
            Err(Failure::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::OutputGone,
            Err(Failure::Write(error)) => Outcome::Failed { what: "write to standard output", error },
        };
        let _ = down_events.send(Event::Ended(outcome));
    };
    Ok([("input", Box::new(sending)), ("output", Box::new(receiving))])
}

/// Waits for the end of the copying. Who is told to end closes its half first.
fn wait(socket: &UnixStream, inbox: &Receiver<Event>) -> Outcome {
    let mut is_terminated = false;
    loop {
        let event = match is_terminated {
            false => inbox.recv().ok(),
            true => inbox.recv_timeout(DRAIN).ok(),
        };
        match event {
            Some(Event::Ended(outcome)) => return outcome,
            Some(Event::Terminate) => {
                is_terminated = true;
                // It fails for a server that is gone, which the other thread tells.
                let _ = socket.shutdown(Shutdown::Write);
            }
            Some(_) => {}
            None => return Outcome::Terminated { requests: 0 },
        }
    }
}

/// Which side of a copy failed.
enum Failure {
    Read(io::Error),
    Write(io::Error),
}

fn copy(from: &mut impl Read, to: &mut impl Write, mut copied: impl FnMut()) -> Result<(), Failure> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                copied();
                to.write_all(&chunk[..length]).map_err(Failure::Write)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::Read(error)),
        }
    }
}

/// Whether the other side has closed first.
fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | ConnectionReset | NotConnected)
}
