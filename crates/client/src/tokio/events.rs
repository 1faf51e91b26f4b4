//! Events that are awaited.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::Tokio;
use crate::error::Error;
use crate::event::Event;
use crate::events::Events;

/// Events on tokio.
impl Events<Tokio> {
    /// The next event. Giving up the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Overrun`] and [`Error::Closed`], each once and as the last thing.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|context| self.subscription.poll_next(context)).await
    }
}

impl Stream for Events<Tokio> {
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.subscription.poll_next(context)
    }
}
