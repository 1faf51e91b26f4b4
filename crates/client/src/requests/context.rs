//! What a handler gets to know beside the params.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::Weak;
use std::task::{Context, Poll};

use codex_appserver_wire::RequestId;

use crate::conn::Incoming;
use crate::conn::Link;
use crate::conn::{Handle, WeakHandle};
use crate::core::Ticket;

/// Where a request of the server came from, and the client it came to.
pub struct RequestContext<C> {
    id: RequestId,
    method: String,
    thread_id: Option<String>,
    turn_id: Option<String>,
    handle: Option<WeakHandle>,
    link: Weak<Link>,
    ticket: Ticket,
    client: PhantomData<fn() -> C>,
}

impl<C> RequestContext<C> {
    pub(crate) fn new(incoming: &Incoming) -> Self {
        let (link, ticket) = incoming.key();
        Self {
            link,
            ticket,
            id: incoming.id().clone(),
            method: incoming.method().to_owned(),
            thread_id: incoming.thread_id().map(str::to_owned),
            turn_id: incoming.turn_id().map(str::to_owned),
            handle: incoming.handle().map(|handle| handle.downgrade()),
            client: PhantomData,
        }
    }

    /// Whether an answer is still wanted: no other client has answered, and the request was not withdrawn.
    pub fn is_open(&self) -> bool {
        self.link.upgrade().is_some_and(|link| link.is_open(&self.ticket))
    }

    /// Ready once no answer is wanted any more: another client has answered, the turn was interrupted, or the
    /// connection is closed.
    pub fn poll_resolved(&self, context: &mut Context<'_>) -> Poll<()> {
        self.link.upgrade().map_or(Poll::Ready(()), |link| link.poll_resolved(&self.ticket, context))
    }

    /// The same as [`resolved`](Self::resolved), blocking this thread.
    #[cfg(feature = "blocking")]
    pub fn wait_resolved(&self) {
        if let Some(link) = self.link.upgrade() {
            crate::os_threads::wait(&link, |context| self.poll_resolved(context));
        }
    }

    /// Waits until no answer is wanted any more. A front end takes its dialog away then; with tokio the handler is
    /// dropped, and only what it has started elsewhere has to be told.
    pub async fn resolved(&self) {
        poll_fn(|context| self.poll_resolved(context)).await;
    }

    /// The id of the request. It counts in the server's own id space.
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// The wire name of the method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The thread it is about, where the request names one.
    pub fn thread_id(&self) -> Option<&str> {
        self.thread_id.as_deref()
    }

    /// The turn it is about, where the request names one.
    pub fn turn_id(&self) -> Option<&str> {
        self.turn_id.as_deref()
    }
}

#[allow(private_bounds)]
impl<C: From<Handle>> RequestContext<C> {
    /// The client, to make calls with; none once it is being dropped.
    pub fn client(&self) -> Option<C> {
        self.handle.as_ref()?.upgrade().map(C::from)
    }
}

impl<C> Clone for RequestContext<C> {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            method: self.method.clone(),
            thread_id: self.thread_id.clone(),
            turn_id: self.turn_id.clone(),
            handle: self.handle.clone(),
            link: self.link.clone(),
            ticket: self.ticket.clone(),
            client: PhantomData,
        }
    }
}

impl<C> std::fmt::Debug for RequestContext<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestContext")
            .field("id", &self.id)
            .field("method", &self.method)
            .field("thread_id", &self.thread_id)
            .field("turn_id", &self.turn_id)
            .finish_non_exhaustive()
    }
}
