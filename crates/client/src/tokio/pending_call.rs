//! The events of a call, and its answer, awaited.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use codex_appserver_wire::Request;
use futures_core::Stream;

use super::Tokio;
use crate::error::Error;
use crate::event::Event;
use crate::pending_call::PendingCall;

/// On tokio.
impl<M: Request> PendingCall<M, Tokio> {
    /// The next event. Giving up the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Overrun`], which ends the events but not the call; and as the last thing what [`Error`] says of calls.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|context| self.poll_event(context)).await
    }

    /// Waits for the answer; events that were not read are dropped. Giving up the future gives the call up.
    ///
    /// # Errors
    ///
    /// What [`Error`] says of calls, also where [`next`](Self::next) has yielded it already.
    pub async fn finish(mut self) -> Result<M::Response, Error> {
        self.stop_listening();
        poll_fn(|context| self.poll_answer(context)).await
    }
}

impl<M: Request> Stream for PendingCall<M, Tokio> {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(context)
    }
}
