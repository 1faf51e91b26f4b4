//! Waits for the end of a connection, and sees to it.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::Link;
use crate::error::{CloseReason, Closed};

/// A wait for the end of a connection, which is forgotten when it is dropped.
pub(crate) struct Watch<'a> {
    link: &'a Link,
    key: u64,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(link: &'a Link) -> Self {
        Self { link, key: link.lock().new_watcher() }
    }

    /// Ready once the connection is closed.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Arc<Closed>> {
        let mut core = self.link.lock();
        if let Some(closed) = core.closed() {
            return Poll::Ready(closed);
        }
        core.watch(self.key, context.waker());
        Poll::Pending
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        // Dropped after the lock: it may be the last of its task.
        let waker = self.link.lock().unwatch(self.key);
        drop(waker);
    }
}

/// Closes the connection if its driver goes without having ended it: it panicked, or its runtime was shut down.
pub(crate) struct CloseOnDrop {
    link: Arc<Link>,
    is_done: bool,
}

impl CloseOnDrop {
    pub(crate) fn new(link: &Arc<Link>) -> Self {
        Self { link: link.clone(), is_done: false }
    }

    /// All was done.
    pub(crate) fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        if !self.is_done && self.link.closed().is_none() {
            let reason = CloseReason::Failed("its driver is gone, perhaps with the runtime".into());
            self.link.close(reason, None, Vec::new());
        }
    }
}
