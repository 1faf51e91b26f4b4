//! The threads behind a connection: one reads and ends it, one writes.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::task::Poll;
use std::thread;
use std::time::Instant;

use super::child::Child;
use crate::core::Output;
use crate::error::{CloseReason, Closed};
use crate::link::{CLOSE_PATIENCE, CloseOnDrop, GRACE, KEPT_BUFFER, Link};
use crate::wait::{block_on, block_until};

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
    let (tell_failed, failed) = channel();
    let reading = link.clone();
    thread::Builder::new().name("codex read".into()).spawn(move || {
        // Whoever ends the connection may have stopped listening.
        let _ = tell_read.send(source.read(&reading));
        reading.wake_watchers();
    })?;
    let writing = link.clone();
    thread::Builder::new().name("codex write".into()).spawn(move || {
        if let Err(error) = write(&writing, sink) {
            let _ = tell_failed.send(error);
            writing.wake_watchers();
        }
    })?;
    let ending = link.clone();
    thread::Builder::new().name("codex end".into()).spawn(move || {
        let _closes = CloseOnDrop(ending.clone());
        end(&ending, &read, &failed, child);
        hang_up();
    })?;
    Ok(())
}

/// Waits for the end of a connection, and ends what is left of it.
fn end(
    link: &Arc<Link>,
    read: &Receiver<io::Result<()>>,
    failed: &Receiver<io::Error>,
    child: Option<Child>,
) {
    let first = block_on(|context| {
        if link.poll_stopping(context).is_ready() {
            return Poll::Ready(First::Stopping);
        }
        if let Ok(read) = read.try_recv() {
            return Poll::Ready(First::Read(read));
        }
        failed.try_recv().map_or(Poll::Pending, |error| Poll::Ready(First::Failed(error)))
    });
    let reason = match first {
        First::Read(read) => CloseReason::of_read(read),
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

/// What ended first.
enum First {
    Read(io::Result<()>),
    Failed(io::Error),
    Stopping,
}

/// Nobody minds how long that takes once all handles are gone.
fn wait_for_end_of_stream(link: &Arc<Link>, read: &Receiver<io::Result<()>>) {
    let deadline = Instant::now().checked_add(CLOSE_PATIENCE);
    let _ = block_until(deadline, |context| match read.try_recv() {
        Ok(_) => Poll::Ready(()),
        Err(_) => link.poll_abandoned(context),
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
