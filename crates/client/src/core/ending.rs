//! How a connection ends, and who waits for that.

use std::sync::Arc;
use std::task::Waker;

use super::calls::Failure;
use super::{Core, Phase, Wakes};
use crate::error::Closed;

impl Core {
    /// Begins no more calls, ends those that wait, and lets the writer end once all is written. Wakes the
    /// watchers in any case.
    pub(crate) fn stop(&mut self, wakes: &mut Wakes) {
        self.wake_watchers(wakes);
        if !self.is_stopping() {
            self.phase = Phase::Stopping;
            self.calls.end_all(|| Failure::Cancelled, wakes);
            self.requests.resolve_all(wakes);
            wakes.extend(self.writer.take());
        }
    }

    /// Ends the writer, whose stream leads nowhere any more; calls wait for the news of how it ended.
    #[cfg(feature = "blocking")]
    pub(crate) fn hang_up(&mut self, wakes: &mut Wakes) {
        self.hung_up = true;
        wakes.extend(self.writer.take());
    }

    /// The connection is gone: ends everything that waits.
    pub(crate) fn close(&mut self, closed: &Arc<Closed>, wakes: &mut Wakes) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        self.phase = Phase::Closed(closed.clone());
        self.set_pid(None);
        self.calls.end_all(|| Failure::Closed, wakes);
        self.requests.resolve_all(wakes);
        self.routes.close(closed, wakes);
        wakes.extend(self.writer.take());
        self.changed(wakes);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping | Phase::Closed(_))
    }

    pub(crate) fn closed(&self) -> Option<Arc<Closed>> {
        match &self.phase {
            Phase::Closed(closed) => Some(closed.clone()),
            _ => None,
        }
    }

    /// The connection cannot go on: the driver is to close it.
    pub(crate) fn fail(&mut self, why: &'static str, wakes: &mut Wakes) {
        self.failure.get_or_insert(why);
        self.wake_watchers(wakes);
    }

    pub(crate) fn failure(&self) -> Option<&'static str> {
        self.failure
    }

    /// The key of one more who waits for the connection itself; [`DRIVER`] is taken.
    pub(crate) fn new_watcher(&mut self) -> u64 {
        self.last_watcher += 1;
        self.last_watcher
    }

    /// Wakes once when the connection is stopped or closed.
    pub(crate) fn watch(&mut self, watcher: u64, waker: &Waker) {
        self.watchers.insert(watcher, waker.clone());
    }

    /// Forgets who no longer waits: a waker keeps the memory of its task.
    pub(crate) fn unwatch(&mut self, watcher: u64) -> Option<Waker> {
        self.watchers.remove(&watcher)
    }

    pub(crate) fn wake_watchers(&mut self, wakes: &mut Wakes) {
        wakes.extend(std::mem::take(&mut self.watchers).into_values());
    }
}
