//! The events of a call, and its answer, waited for.

use std::task::{Context, Poll};
use std::time::Instant;

use codex_appserver_wire::Request;

use super::{OsThreads, wait, wait_until};
use crate::error::Error;
use crate::event::Event;
use crate::pending_call::PendingCall;

/// On threads.
impl<M: Request> PendingCall<M, OsThreads> {
    /// Waits for the answer; events that were not read are dropped.
    ///
    /// # Errors
    ///
    /// What [`Error`] says of calls, also where the iterator has yielded it already.
    pub fn finish(mut self) -> Result<M::Response, Error> {
        self.stop_listening();
        self.wait(Self::poll_answer)
    }

    /// Polls on this thread until it is ready; minds the deadline of the call.
    fn wait<T>(&mut self, mut poll: impl FnMut(&mut Self, &Context<'_>) -> Poll<T>) -> T {
        let (link, deadline) = (self.link().clone(), self.deadline());
        // A call that is late times out, however many events there are to read.
        if deadline.is_none_or(|deadline| deadline > Instant::now())
            && let Poll::Ready(ready) = wait_until(&link, deadline, |context| poll(self, context))
        {
            return ready;
        }
        link.expire();
        wait(&link, |context| poll(self, context))
    }
}

impl<M: Request> Iterator for PendingCall<M, OsThreads> {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.wait(Self::poll_event)
    }
}
