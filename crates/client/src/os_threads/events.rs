//! Events that are waited for.

use std::task::Poll;
use std::time::{Duration, Instant};

use super::{OsThreads, wait, wait_until};
use crate::error::Error;
use crate::event::Event;
use crate::events::Events;

/// Events on threads.
impl Events<OsThreads> {
    /// The next event, if one comes in this time: `Ok(None)` says that the time is up.
    ///
    /// # Errors
    ///
    /// [`Error::Overrun`] and [`Error::Closed`], the latter also where the iterator yields `None`.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Event>, Error> {
        let deadline = Instant::now().checked_add(timeout);
        let subscription = &self.subscription;
        match wait_until(subscription.link(), deadline, |context| subscription.poll_next(context)) {
            Poll::Ready(Some(event)) => event.map(Some),
            Poll::Ready(None) => Err(self.subscription.closed()),
            Poll::Pending => Ok(None),
        }
    }
}

impl Iterator for Events<OsThreads> {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        wait(self.subscription.link(), |context| self.subscription.poll_next(context))
    }
}
