//! Waits on the calling thread for what is made for tasks.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

thread_local! {
    /// Wakes this thread; made once, as calls are many.
    static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
}

/// Polls until it is ready, and parks the thread in between. At the deadline it is polled a last time.
pub(crate) fn block_until<T>(
    deadline: Option<Instant>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    WAKER.with(|waker| {
        let mut context = Context::from_waker(waker);
        loop {
            // The clock is read first: what is due at the deadline is due in the last poll.
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if let Poll::Ready(value) = poll(&mut context) {
                return Poll::Ready(value);
            }
            match left {
                Some(left) if left.is_zero() => return Poll::Pending,
                Some(left) => thread::park_timeout(left),
                None => thread::park(),
            }
        }
    })
}

/// Polls until it is ready.
pub(crate) fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    loop {
        if let Poll::Ready(value) = block_until(None, &mut poll) {
            return value;
        }
    }
}
