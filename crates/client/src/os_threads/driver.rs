//! The threads behind a connection: one reads, one writes, one waits for the end.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use super::child::Child;
use crate::conn::{CLOSE_PATIENCE, CloseOnDrop, GRACE, KEPT_BUFFER, Link};
use crate::core::Output;
use crate::error::{CloseReason, Closed};
use crate::os_threads::{block_on, block_until};

/// How often to look whether the process is still there.
const LOOKS: Duration = Duration::from_millis(250);

/// The reading half of a transport.
pub(super) trait Source: Send + 'static {
    /// Hands everything to the link until the stream ends.
    fn read(&mut self, link: &Arc<Link>) -> io::Result<()>;
}

/// The writing half of a transport.
pub(super) trait Sink: Send + 'static {
    /// Writes lines, each with its line break.
    fn write(&mut self, lines: &[u8]) -> io::Result<()>;

    /// Tells the other side that nothing more comes.
    fn close(self) -> io::Result<()>;
}

/// Starts a connection. Closing runs `hang_up`, which makes a reader that waits give up, as far as the
/// transport can do that.
pub(super) fn start(
    link: &Arc<Link>,
    mut source: impl Source,
    sink: impl Sink,
    child: Option<Child>,
    hang_up: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let (tell_read, read) = channel();
    let (tell_written, written) = channel();
    let reading = link.clone();
    thread::Builder::new().name("codex read".into()).spawn(move || {
        let told = Told { link: reading, tell: tell_read };
        let _entered = told.link.span().enter();
        // Whoever ends the connection may have stopped listening.
        let _ = told.tell.send(source.read(&told.link));
    })?;
    let writing = link.clone();
    thread::Builder::new().name("codex write".into()).spawn(move || {
        let told = Told { link: writing, tell: tell_written };
        let _entered = told.link.span().enter();
        let _ = told.tell.send(write(&told.link, sink));
    })?;
    let ending = link.clone();
    if child.is_some() {
        link.wait_when_abandoned();
    }
    thread::Builder::new().name("codex end".into()).spawn(move || {
        let _closes = CloseOnDrop(ending.clone());
        let _entered = ending.span().enter();
        end(&ending, &read, &written, child);
        hang_up();
    })?;
    Ok(())
}

/// Has the connection's end looked at when a thread is through, or panics.
struct Told {
    link: Arc<Link>,
    tell: Sender<io::Result<()>>,
}

impl Drop for Told {
    fn drop(&mut self) {
        // The channel goes first, so that a panic is seen.
        let (closed, _) = channel();
        self.tell = closed;
        self.link.wake_watchers();
    }
}

/// What a thread has come to; a panic is an error.
fn outcome(thread: &Receiver<io::Result<()>>) -> Option<io::Result<()>> {
    match thread.try_recv() {
        Ok(outcome) => Some(outcome),
        Err(TryRecvError::Empty) => None,
        Err(TryRecvError::Disconnected) => Some(Err(io::Error::other("a thread of the connection panicked"))),
    }
}

/// What ended first.
enum First {
    Read(io::Result<()>),
    Exited,
    Failed(io::Error),
    Stopping,
}

/// Waits for the end of a connection, and ends what is left of it.
fn end(
    link: &Arc<Link>,
    read: &Receiver<io::Result<()>>,
    written: &Receiver<io::Result<()>>,
    child: Option<Child>,
) {
    let reason = match first(link, read, written, child.as_ref()) {
        First::Read(read) => CloseReason::of_read(read),
        First::Exited => {
            // What it has said is in the stream, which its own children may hold open.
            let _ = read.recv_timeout(GRACE);
            CloseReason::EndOfStream
        }
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
    let (status, stderr) = match child {
        Some(child) => child.see_off(link.grace()),
        None => (None, Vec::new()),
    };
    let reason = if link.is_stopping() { CloseReason::Shutdown } else { reason };
    link.close(Closed { reason, status, stderr });
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
    loop {
        let look = child.and_then(|_| Instant::now().checked_add(LOOKS));
        let first = block_until(look, |context| {
            match link.poll_stopping(context) {
                Poll::Ready(Ok(())) => return Poll::Ready(First::Stopping),
                Poll::Ready(Err(error)) => return Poll::Ready(First::Failed(error)),
                Poll::Pending => {}
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

fn write(link: &Arc<Link>, mut sink: impl Sink) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        match block_on(|context| link.poll_output(&mut buffer, context)) {
            Output::Bytes => sink.write(&buffer)?,
            Output::End => return sink.close(),
        }
        buffer.clear();
        buffer.shrink_to(KEPT_BUFFER);
    }
}
