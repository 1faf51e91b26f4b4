//! Events for tasks.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::error::Error;
use crate::event::Event;
use crate::subscription::Subscription;
use crate::twins::events_methods;

/// The events of one [`Filter`](crate::Filter), in the order in which they came; also a [`Stream`].
///
/// Events are decoded where they are taken. Those that must not be lost are not: items, deltas of messages,
/// plans and reasoning, the course of turns and threads, errors, requests. Output and progress are best
/// effort: a subscriber that does not keep up gets [`Event::Lagged`] in their place. What happens when even
/// that does not help is set by [`EventSettings`](crate::EventSettings). A slow subscriber holds nobody else
/// up.
///
/// It yields `None` after the connection was shut down, and an error first if it broke. It does not keep the
/// connection open.
#[derive(Debug)]
#[must_use = "events are lost once this is dropped"]
pub struct Events {
    subscription: Subscription,
}

impl Events {
    events_methods!();

    /// The next event. Giving up the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Overrun`] and [`Error::Closed`], each once and as the last thing.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|context| self.subscription.poll_next(context)).await
    }
}

impl Stream for Events {
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.subscription.poll_next(context)
    }
}
