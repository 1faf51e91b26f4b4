//! Changes of the status that are waited for.

use std::task::Poll;
use std::time::{Duration, Instant};

use super::{OsThreads, block_on, block_until};
use crate::status::{Status, StatusChanges};

/// On threads.
impl StatusChanges<OsThreads> {
    /// The status, once it has changed; none if it does not change in this time, or never again.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Status> {
        let deadline = Instant::now().checked_add(timeout);
        match block_until(deadline, |context| self.poll_next(context)) {
            Poll::Ready(status) => status,
            Poll::Pending => None,
        }
    }
}

impl Iterator for StatusChanges<OsThreads> {
    type Item = Status;

    fn next(&mut self) -> Option<Status> {
        block_on(|context| self.poll_next(context))
    }
}
