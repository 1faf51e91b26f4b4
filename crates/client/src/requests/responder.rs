//! Answers one request of the server, whenever and wherever.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use codex_appserver_wire::{Request, RpcError, encode};

use super::RequestContext;
use crate::conn::Incoming;
use crate::error::Error;

/// Answers one request of method `R`. It can be kept, sent to another thread, and used hours later.
///
/// Dropped without an answer it declines the request.
pub struct RequestResponder<R: Request, C> {
    incoming: Incoming,
    context: RequestContext<C>,
    request: PhantomData<fn(R::Response)>,
}

impl<R: Request, C> RequestResponder<R, C> {
    pub(crate) fn new(incoming: Incoming) -> Self {
        let context = RequestContext::new(&incoming);
        Self { incoming, context, request: PhantomData }
    }

    /// Where the request came from.
    pub fn context(&self) -> &RequestContext<C> {
        &self.context
    }

    /// Answers.
    ///
    /// # Errors
    ///
    /// [`Error::Resolved`] if another client has answered or the server withdrew the request, else what
    /// [`Error::Closed`] and [`Error::Encode`] say. An answer that does not encode declines the request.
    pub fn respond(self, response: impl Into<R::Response>) -> Result<(), Error> {
        let result = encode(&response.into())?;
        self.incoming.answer(Ok(result))
    }

    /// Answers with an error.
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond).
    pub fn reject(self, error: RpcError) -> Result<(), Error> {
        self.incoming.answer(Err(error))
    }

    /// Declines the request: with the decline of its method, or with an error where it has none.
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond).
    pub fn decline(self) -> Result<(), Error> {
        self.incoming.decline()
    }

    /// Gives the request up: the client's setting for what nothing handles decides.
    pub fn pass(self) {
        self.incoming.unhandled();
    }

    /// Whether an answer is still wanted.
    pub fn is_open(&self) -> bool {
        self.incoming.is_open()
    }

    /// Ready once no answer is wanted any more: another client has answered, the turn was interrupted, or the
    /// connection is closed.
    pub fn poll_resolved(&self, context: &mut Context<'_>) -> Poll<()> {
        self.incoming.poll_resolved(context)
    }

    /// The same as [`resolved`](Self::resolved), blocking this thread.
    #[cfg(feature = "blocking")]
    pub fn wait_resolved(&self) {
        crate::os_threads::wait(self.incoming.link(), |context| self.poll_resolved(context));
    }

    /// Waits until no answer is wanted any more. A front end takes its dialog away then.
    pub async fn resolved(&self) {
        poll_fn(|context| self.poll_resolved(context)).await;
    }
}

impl<R: Request, C> std::fmt::Debug for RequestResponder<R, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RequestResponder").field(&self.context).finish()
    }
}
