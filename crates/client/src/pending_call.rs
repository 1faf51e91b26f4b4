//! A call with the events that come until its answer.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use codex_appserver_wire::{Request, RequestId, decode, encode_params};

use crate::conn::{Pending, Subscription};
use crate::core::Failure;
use crate::error::Error;
use crate::event::Event;
use crate::runtime::Runtime;

/// How long the answer to a request that cancels another one may take before its place in the window is free.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// A call that has begun, with the events that come until its answer: a `Stream` of these with tokio, an iterator that
/// blocks on threads. See [`Client::begin`](crate::generic::Client::begin).
///
/// Events that come before the answer are all yielded before the end; those that come after it may be missing. After them
/// a call that failed yields its error once. [`Error::Overrun`] ends the events but not the call.
///
/// Dropping it gives the call up, as dropping the future of any call does; see [`cancel_with`](Self::cancel_with). It
/// does not keep the connection open.
#[must_use = "dropping it gives the call up"]
pub struct PendingCall<M: Request, R: Runtime> {
    pending: Pending,
    /// None once the answer alone is wanted.
    events: Option<Subscription>,
    /// How the call ended, once that is known and until it is taken.
    outcome: Option<Result<M::Response, Failure>>,
    /// The failure of the call was an item already.
    told: bool,
    /// The request that cancels this one.
    cancel: Option<Cancel>,
    runtime: PhantomData<fn() -> R>,
}

/// A request to send if the call is given up.
struct Cancel {
    method: &'static str,
    params: Option<String>,
}

impl<M: Request, R: Runtime> PendingCall<M, R> {
    pub(crate) fn new(pending: Pending, events: Subscription) -> Self {
        let runtime = PhantomData;
        Self { pending, events: Some(events), outcome: None, told: false, cancel: None, runtime }
    }

    /// The JSON-RPC id of the request, by which notifications name it. It is known before the request is sent.
    pub fn id(&self) -> RequestId {
        RequestId::Integer(self.pending.id())
    }

    /// Sends the request `C` if this call is given up: dropped before its answer, or timed out. The answer of `C` is not
    /// waited for. If this call was still waiting to be sent when it was dropped, there is nothing to cancel, and `C` is
    /// not sent.
    ///
    /// # Errors
    ///
    /// The params have no JSON form.
    pub fn cancel_with<C: Request>(mut self, params: &C::Params) -> Result<Self, Error> {
        self.cancel = Some(Cancel { method: C::METHOD, params: encode_params(params)? });
        Ok(self)
    }

    /// How many events were skipped so far.
    pub fn skipped(&self) -> u64 {
        self.events.as_ref().map_or(0, Subscription::skipped)
    }

    /// The next event. When the call is over and its events are read: its failure, once, and then none.
    pub(crate) fn poll_event(&mut self, context: &Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        // The call before the queue: by the time that the answer is known, the events before it are in the queue.
        let over = self.poll_outcome(context).is_ready();
        let next = self.events.as_ref().map(|events| events.poll_next(context));
        match next {
            Some(Poll::Ready(Some(Ok(event)))) => return Poll::Ready(Some(Ok(event))),
            // The call fails with the same, and says more.
            Some(Poll::Ready(Some(Err(Error::Closed(_))))) => {}
            Some(Poll::Ready(Some(Err(error)))) => return Poll::Ready(Some(Err(error))),
            Some(Poll::Ready(None) | Poll::Pending) | None => {}
        }
        if !over {
            return Poll::Pending;
        }
        match &self.outcome {
            Some(Err(failure)) if !self.told => {
                self.told = true;
                Poll::Ready(Some(Err(self.pending.error(failure.clone(), 1))))
            }
            _ => Poll::Ready(None),
        }
    }

    /// When the call times out, unless its outcome was taken.
    #[cfg(feature = "blocking")]
    pub(crate) fn deadline(&self) -> Option<std::time::Instant> {
        self.pending.deadline()
    }

    /// The connection.
    #[cfg(feature = "blocking")]
    pub(crate) fn link(&self) -> &std::sync::Arc<crate::conn::Link> {
        self.pending.link()
    }

    /// Unsubscribes: from now on the answer alone is wanted.
    pub(crate) fn stop_listening(&mut self) {
        self.events = None;
    }

    /// The answer, which can be taken once.
    pub(crate) fn poll_answer(&mut self, context: &Context<'_>) -> Poll<Result<M::Response, Error>> {
        self.poll_outcome(context).map(|()| match self.outcome.take() {
            Some(outcome) => outcome.map_err(|failure| self.pending.error(failure, 1)),
            None => Err(self.pending.error(Failure::Cancelled, 1)),
        })
    }

    /// Ready once the call is over.
    fn poll_outcome(&mut self, context: &Context<'_>) -> Poll<()> {
        if self.pending.is_over() {
            return Poll::Ready(());
        }
        let Poll::Ready(outcome) = self.pending.poll(context) else { return Poll::Pending };
        if let Some(events) = &self.events {
            events.end();
        }
        match &outcome {
            Err(Failure::TimedOut(_)) => self.send_cancel(),
            _ => self.cancel = None,
        }
        self.outcome = Some(outcome.and_then(|result| {
            decode(&result).map_err(|error| Failure::Unreadable(error.within("result").with_raw(result)))
        }));
        Poll::Ready(())
    }

    /// Sends the request that cancels this one, once.
    fn send_cancel(&mut self) {
        let Some(Cancel { method, params }) = self.cancel.take() else { return };
        match self.pending.link().begin_detached(method, params.as_deref(), CANCEL_TIMEOUT) {
            // The server has lost the request with the connection.
            Ok(()) | Err(Error::Closed(_) | Error::Cancelled { .. }) => {}
            Err(error) => tracing::warn!(method, %error, "a call that was given up could not be cancelled"),
        }
    }
}

/// Nothing in it is pinned.
impl<M: Request, R: Runtime> Unpin for PendingCall<M, R> {}

impl<M: Request, R: Runtime> Drop for PendingCall<M, R> {
    fn drop(&mut self) {
        if self.cancel.is_none() {
            return;
        }
        // The answer may be there though no one has looked.
        let over = self.poll_outcome(&Context::from_waker(Waker::noop())).is_ready();
        if !over && self.pending.give_up() {
            self.send_cancel();
        }
    }
}

impl<M: Request, R: Runtime> fmt::Debug for PendingCall<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCall")
            .field("method", &self.pending.method())
            .field("id", &self.pending.id())
            .field("over", &self.pending.is_over())
            .finish_non_exhaustive()
    }
}
