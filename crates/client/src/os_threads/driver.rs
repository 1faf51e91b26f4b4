//! What a connection runs on: a transport that moves its bytes, and a thread that waits for the end.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use super::child::Child;
use crate::conn::{CLOSE_PATIENCE, CloseOnDrop, GRACE, Link};
use crate::core::Listener;
use crate::error::CloseReason;
use crate::os_threads::block_until;

/// How often to look whether the process is still there.
const LOOKS: Duration = Duration::from_millis(250);

/// The reading half of a stream.
pub(super) trait Source: Send + 'static {
    /// Hands to the link what has come before the stream is read. Tells whether more may come.
    fn start(&mut self) -> io::Result<bool> {
        Ok(true)
    }

    /// Reads once and hands to the link what has come. Tells whether more may come.
    fn read(&mut self) -> io::Result<bool>;
}

/// The writing half of a stream.
pub(super) trait Sink: Send + 'static {
    /// Puts what is to be written for these lines, each with its line break, in their place.
    fn encode(&mut self, lines: &mut Vec<u8>) -> io::Result<()>;

    /// Puts what is to be written last into the empty buffer.
    fn goodbye(&mut self, bytes: &mut Vec<u8>) -> io::Result<()>;

    /// Writes some of it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Has everything that was written go out.
    fn flush(&mut self) -> io::Result<()>;
}

/// Moves bytes between a link and a stream.
pub(super) trait Transport {
    /// Begins. Both halves tell when they have ended; what is returned has them end, as far as that can be done.
    fn start(self, link: &Arc<Link>, read: Told, written: Told) -> io::Result<Box<dyn FnOnce() + Send>>;
}

/// Starts a connection.
pub(super) fn start(link: &Arc<Link>, transport: impl Transport, child: Option<Child>) -> io::Result<()> {
    let (tell_read, read) = Told::channel(link);
    let (tell_written, written) = Told::channel(link);
    let hang_up = transport.start(link, tell_read, tell_written)?;
    let ending = link.clone();
    if child.is_some() {
        link.wait_when_abandoned();
    }
    thread::Builder::new().name("codex end".into()).spawn(move || {
        let closes = CloseOnDrop::new(&ending);
        let _entered = ending.span().enter();
        end(&ending, &read, &written, child, hang_up);
        closes.done();
    })?;
    Ok(())
}

/// Has the connection's end looked at when one half of the stream has ended, or its thread panicked.
pub(super) struct Told {
    link: Arc<Link>,
    tell: Option<Sender<io::Result<()>>>,
}

impl Told {
    pub(super) fn channel(link: &Arc<Link>) -> (Self, Receiver<io::Result<()>>) {
        let (tell, told) = channel();
        (Self { link: link.clone(), tell: Some(tell) }, told)
    }

    /// Tells how it has ended.
    pub(super) fn tell(mut self, outcome: io::Result<()>) {
        if let Some(tell) = self.tell.take() {
            // Whoever ends the connection may have stopped listening.
            let _ = tell.send(outcome);
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // The channel goes first, so that a panic is seen.
        self.tell = None;
        self.link.wake_watchers();
    }
}

/// How a half has ended, if it has; a panic is an error.
fn outcome(half: &Receiver<io::Result<()>>) -> Option<io::Result<()>> {
    match half.try_recv() {
        Ok(outcome) => Some(outcome),
        Err(TryRecvError::Empty) => None,
        Err(TryRecvError::Disconnected) => Some(Err(io::Error::other("a thread of the connection panicked"))),
    }
}

/// What ended first.
enum First {
    Read(io::Result<()>),
    Exited,
    Silent(Duration),
    Failed(io::Error),
    Stopping,
}

/// Waits for the end of a connection, and ends what is left of it.
fn end(
    link: &Arc<Link>,
    read: &Receiver<io::Result<()>>,
    written: &Receiver<io::Result<()>>,
    child: Option<Child>,
    hang_up: impl FnOnce(),
) {
    let reason = match first(link, read, written, child.as_ref()) {
        First::Read(read) => CloseReason::of_read(read),
        First::Exited => {
            // What it has said is in the stream, which its own children may hold open.
            let _ = read.recv_timeout(GRACE);
            CloseReason::EndOfStream
        }
        // There is nothing to wait for.
        First::Silent(silence) => CloseReason::Silent(silence),
        First::Failed(error) => {
            // The stream may still hold what the server said before it went.
            let _ = read.recv_timeout(GRACE);
            CloseReason::Failed(error.to_string())
        }
        First::Stopping => {
            match &child {
                Some(child) => child.end(|| link.is_abandoned()),
                None => wait_for_end_of_stream(link, read),
            }
            CloseReason::Shutdown
        }
    };
    // Closes the standard input of a process that has closed its output only: it may wait for that.
    link.hang_up();
    hang_up();
    let (status, stderr) = match child {
        Some(child) => child.see_off(link.grace()),
        None => (None, Vec::new()),
    };
    let reason = if link.is_stopping() { CloseReason::Shutdown } else { reason };
    if link.is_supervised() {
        // Neither half may have a part in the next connection.
        let _ = read.recv_timeout(GRACE);
        let _ = written.recv_timeout(GRACE);
    }
    link.end_stream(reason, status, stderr);
}

/// Waits for the first end. The standard library cannot wait for a process and for something else, so the process
/// is looked at now and then.
fn first(
    link: &Arc<Link>,
    read: &Receiver<io::Result<()>>,
    written: &Receiver<io::Result<()>>,
    child: Option<&Child>,
) -> First {
    let mut writes = true;
    let mut listener = Listener::new(Instant::now());
    let after = |pause| Instant::now().checked_add(pause);
    let next_listen = || link.settings().keep_alive.and_then(|allowed| after(Listener::pause(allowed)));
    let mut listen_at = next_listen();
    loop {
        let look = [child.and_then(|_| after(LOOKS)), listen_at].into_iter().flatten().min();
        let first = block_until(look, |context| {
            match link.poll_stopping(context) {
                Poll::Ready(Ok(())) => return Poll::Ready(First::Stopping),
                Poll::Ready(Err(error)) => return Poll::Ready(First::Failed(error)),
                Poll::Pending => link.dispatch_offered(),
            }
            if let Some(read) = outcome(read) {
                return Poll::Ready(First::Read(read));
            }
            match outcome(written).filter(|_| writes) {
                Some(Err(error)) => return Poll::Ready(First::Failed(error)),
                // It ends when the connection is to end.
                Some(Ok(())) => writes = false,
                None => {}
            }
            Poll::Pending
        });
        match first {
            Poll::Ready(first) => return first,
            Poll::Pending if child.is_some_and(Child::has_exited) => return First::Exited,
            Poll::Pending => {}
        }
        let now = Instant::now();
        if listen_at.is_some_and(|at| now >= at) {
            if let Some(silence) = link.listen(&mut listener, now) {
                return First::Silent(silence);
            }
            listen_at = next_listen();
        }
    }
}

/// It is not waited for once all handles are gone.
fn wait_for_end_of_stream(link: &Arc<Link>, read: &Receiver<io::Result<()>>) {
    let deadline = Instant::now().checked_add(CLOSE_PATIENCE);
    // First the one that will wake, then what it wakes for.
    let _ = block_until(deadline, |context| match link.poll_abandoned(context) {
        Poll::Pending if outcome(read).is_none() => Poll::Pending,
        _ => Poll::Ready(()),
    });
}
