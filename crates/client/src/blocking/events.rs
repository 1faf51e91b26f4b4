//! Events for threads.

use std::task::Poll;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::event::Event;
use crate::subscription::Subscription;
use crate::twins::events_methods;
use crate::wait::{block_on, block_until};

/// The events of one [`Filter`](crate::Filter), in the order in which they came, as an iterator that blocks.
///
/// See [`Events`](crate::Events) of the client for tasks: what is lossless and what is not, how a
/// subscription ends, and what it costs, is the same.
#[derive(Debug)]
#[must_use = "events are lost once this is dropped"]
pub struct Events {
    subscription: Subscription,
}

impl Events {
    events_methods!();

    /// The next event, if one comes in this time: `Ok(None)` says that the time is up.
    ///
    /// # Errors
    ///
    /// [`Error::Overrun`] and [`Error::Closed`], the latter also where the iterator yields `None`.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Event>, Error> {
        let deadline = Instant::now().checked_add(timeout);
        match block_until(deadline, |context| self.subscription.poll_next(context)) {
            Poll::Ready(Some(event)) => event.map(Some),
            Poll::Ready(None) => Err(self.subscription.closed()),
            Poll::Pending => Ok(None),
        }
    }
}

impl Iterator for Events {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        block_on(|context| self.subscription.poll_next(context))
    }
}
