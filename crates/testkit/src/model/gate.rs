//! A gate holds a reply back until the test opens it.

use std::borrow::Cow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Holds replies back: a reply with [`Reply::hold`](crate::Reply::hold) stops there until the gate is open.
///
/// A gate is a handle: its clones are the same gate. Once open it stays open.
#[derive(Clone, Debug)]
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    open: watch::Sender<bool>,
    arrivals: Mutex<usize>,
    arrived: Condvar,
}

/// No reply came to the [`Gate`], no request to a mock, or no message to a scripted server, in time.
#[derive(Debug, thiserror::Error)]
#[error("see {expected} {what} within {timeout:?}; there were {seen}")]
pub struct NotReached {
    pub(crate) what: Cow<'static, str>,
    pub(crate) expected: usize,
    pub(crate) seen: usize,
    pub(crate) timeout: Duration,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        let inner =
            Inner { open: watch::Sender::new(false), arrivals: Mutex::new(0), arrived: Condvar::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Lets all replies pass, those that wait and those to come.
    pub fn open(&self) {
        self.inner.open.send_replace(true);
    }

    /// Blocks until `count` replies in all have come to this gate, so that what comes before it was sent.
    pub fn wait_for_arrivals(&self, count: usize, timeout: Duration) -> Result<(), NotReached> {
        let arrivals = lock(&self.inner.arrivals);
        let (arrivals, _) = self
            .inner
            .arrived
            .wait_timeout_while(arrivals, timeout, |arrivals| *arrivals < count)
            .unwrap_or_else(PoisonError::into_inner);
        match *arrivals {
            seen if seen < count => {
                Err(NotReached { what: "replies at the gate".into(), expected: count, seen, timeout })
            }
            _ => Ok(()),
        }
    }

    /// Waits, on the side of the mock, until the gate is open.
    pub(crate) async fn pass(&self) {
        *lock(&self.inner.arrivals) += 1;
        self.inner.arrived.notify_all();
        // The sender lives as long as this handle, so waiting cannot fail.
        let _ = self.inner.open.subscribe().wait_for(|open| *open).await;
    }
}

/// A counter or a list is in order even if a thread panicked while it held the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
