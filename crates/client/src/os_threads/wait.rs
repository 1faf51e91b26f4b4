//! Waits on the calling thread for what is made for tasks.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::conn::Link;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs it with a waker that unparks this thread.
pub(super) fn with_waker<T>(run: impl FnOnce(&Waker) -> T) -> T {
    thread_local! {
        /// Made once, as calls are many.
        static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
    }
    WAKER.with(run)
}

/// How much time is left. The clock is to be read before what is waited for is polled: what is due at the deadline is due
/// in the last poll.
pub(super) fn time_left(deadline: Option<Instant>) -> Option<Duration> {
    deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
}

/// Parks this thread, at most so long.
pub(super) fn park(patience: Option<Duration>) {
    match patience {
        Some(patience) => thread::park_timeout(patience),
        None => thread::park(),
    }
}

/// Polls until it is ready, and parks the thread in between. At the deadline it is polled a last time.
pub(crate) fn block_until<T>(
    deadline: Option<Instant>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    with_waker(|waker| {
        let mut context = Context::from_waker(waker);
        loop {
            let left = time_left(deadline);
            if let Poll::Ready(value) = poll(&mut context) {
                return Poll::Ready(value);
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Poll::Pending;
            }
            park(left);
        }
    })
}

/// Polls until it is ready.
pub(super) fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    endless(|| block_until(None, &mut poll))
}

/// As [`block_until`], for something that comes over this connection: if no other thread reads it, this one does.
pub(crate) fn wait_until<T>(
    link: &Link,
    deadline: Option<Instant>,
    poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    #[cfg(unix)]
    if let Some(reading) = link.reading() {
        return reading.wait(deadline, poll);
    }
    #[cfg(not(unix))]
    let _ = link;
    block_until(deadline, poll)
}

/// As [`wait_until`], without a deadline.
pub(crate) fn wait<T>(link: &Link, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    endless(|| wait_until(link, None, &mut poll))
}

/// Waits without a deadline end when it is ready.
fn endless<T>(mut wait: impl FnMut() -> Poll<T>) -> T {
    loop {
        if let Poll::Ready(value) = wait() {
            return value;
        }
    }
}
