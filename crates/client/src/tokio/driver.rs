//! The task behind a connection: reads, writes, minds the clock, and sees the child process off.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};

use super::child::Child;
use crate::conn::{CLOSE_PATIENCE, CloseOnDrop, GRACE, KEPT_BUFFER, Link};
use crate::core::{Listener, Output};
use crate::error::CloseReason;

/// The reading half of a transport.
pub(super) trait Source: Send + 'static {
    /// Hands everything to the link until the stream ends.
    fn read(&mut self, link: &Arc<Link>) -> impl Future<Output = io::Result<()>> + Send;
}

/// The writing half of a transport.
pub(super) trait Sink: Send + 'static {
    /// Writes lines, each with its line break.
    fn write(&mut self, lines: &[u8]) -> impl Future<Output = io::Result<()>> + Send;

    /// Tells the other side that nothing more comes.
    fn close(self) -> impl Future<Output = io::Result<()>> + Send;
}

/// What ended first.
enum End {
    Read(io::Result<()>),
    Failed(io::Error),
    Exited,
    /// Nothing was heard for too long.
    Silent(Duration),
    /// The connection is to end; all may be written already.
    Stopping {
        written: bool,
    },
}

/// Runs a connection to its end.
pub(super) async fn drive(
    link: Arc<Link>,
    mut source: impl Source,
    sink: impl Sink,
    mut child: Option<Child>,
) {
    let closes = CloseOnDrop::new(&link);
    let reason = {
        let mut reading = pin!(source.read(&link));
        let mut writing = pin!(write(&link, sink));
        match first(&link, reading.as_mut(), writing.as_mut(), child.as_mut()).await {
            End::Read(read) => CloseReason::of_read(read),
            End::Exited => {
                // What it has said is in the stream, which its own children may hold open.
                let _ = timeout(GRACE, reading).await;
                CloseReason::EndOfStream
            }
            // There is nothing to wait for.
            End::Silent(silence) => CloseReason::Silent(silence),
            End::Failed(error) => {
                // The stream may still hold what the server said before it went.
                let _ = timeout(GRACE, reading).await;
                CloseReason::Failed(error.to_string())
            }
            End::Stopping { written } => {
                let writing = async {
                    if !written {
                        // The server may have stopped reading; it is being ended anyway.
                        let _ = writing.await;
                    }
                };
                match &mut child {
                    Some(child) => wind_down(&link, reading, writing, false, child.end()).await,
                    None => wind_down(&link, reading, writing, true, sleep(CLOSE_PATIENCE)).await,
                }
                CloseReason::Shutdown
            }
        }
    };
    let (status, stderr) = match child {
        Some(child) => child.see_off(link.grace()).await,
        None => (None, Vec::new()),
    };
    let reason = if link.is_stopping() { CloseReason::Shutdown } else { reason };
    link.end_stream(reason, status, stderr);
    closes.done();
}

/// Reads, writes and minds the clock until the stream or the process ends, writing fails, or the connection is to
/// end.
async fn first(
    link: &Arc<Link>,
    mut reading: Pin<&mut impl Future<Output = io::Result<()>>>,
    mut writing: Pin<&mut impl Future<Output = io::Result<()>>>,
    child: Option<&mut Child>,
) -> End {
    let mut clock = pin!(keep_time(link));
    let mut silence = pin!(listen(link));
    let mut exit = pin!(async {
        match child {
            Some(child) => child.exit().await,
            None => std::future::pending().await,
        }
    });
    poll_fn(|context| {
        match link.poll_stopping(context) {
            Poll::Ready(Ok(())) => return Poll::Ready(End::Stopping { written: false }),
            Poll::Ready(Err(error)) => return Poll::Ready(End::Failed(error)),
            Poll::Pending => link.dispatch_offered(),
        }
        if let Poll::Ready(read) = reading.as_mut().poll(context) {
            return Poll::Ready(End::Read(read));
        }
        match writing.as_mut().poll(context) {
            Poll::Ready(Err(error)) => return Poll::Ready(End::Failed(error)),
            Poll::Ready(Ok(())) => return Poll::Ready(End::Stopping { written: true }),
            Poll::Pending => {}
        }
        if exit.as_mut().poll(context).is_ready() {
            return Poll::Ready(End::Exited);
        }
        if let Poll::Ready(silence) = silence.as_mut().poll(context) {
            return Poll::Ready(End::Silent(silence));
        }
        clock.as_mut().poll(context).map(|never| match never {})
    })
    .await
}

/// Writes what is left and reads on, so that the server does not wait for a reader, until it has ended or all handles
/// are gone.
/// Without a child process the end of the stream is the end.
async fn wind_down(
    link: &Arc<Link>,
    mut reading: Pin<&mut impl Future<Output = io::Result<()>>>,
    writing: impl Future<Output = ()>,
    until_read: bool,
    ending: impl Future<Output = ()>,
) {
    let mut writing = pin!(writing);
    let mut ending = pin!(ending);
    let (mut read, mut written) = (false, false);
    poll_fn(|context| {
        written = written || writing.as_mut().poll(context).is_ready();
        read = read || reading.as_mut().poll(context).is_ready();
        if link.poll_abandoned(context).is_ready() || (until_read && read) {
            return Poll::Ready(());
        }
        ending.as_mut().poll(context)
    })
    .await;
}

async fn write(link: &Arc<Link>, mut sink: impl Sink) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        match poll_fn(|context| link.poll_output(&mut buffer, context)).await {
            Output::Bytes => sink.write(&buffer).await?,
            Output::End => return sink.close().await,
        }
        buffer.clear();
        buffer.shrink_to(KEPT_BUFFER);
    }
}

/// Waits until nothing was heard for too long, and tells for how long.
async fn listen(link: &Link) -> Duration {
    let Some(allowed) = link.settings().keep_alive else { return std::future::pending().await };
    let mut listener = Listener::new(Instant::now().into_std());
    loop {
        sleep(Listener::pause(allowed)).await;
        if let Some(silence) = link.listen(&mut listener, Instant::now().into_std()) {
            return silence;
        }
    }
}

/// Ends the calls whose time has come.
pub(super) async fn keep_time(link: &Link) -> Infallible {
    let mut alarm: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|context| {
        loop {
            let Some(next) = link.poll_clock(Instant::now().into_std(), context).map(Instant::from_std)
            else {
                return Poll::Pending;
            };
            let alarm = alarm.get_or_insert_with(|| Box::pin(sleep_until(next)));
            if alarm.deadline() != next {
                alarm.as_mut().reset(next);
            }
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}
