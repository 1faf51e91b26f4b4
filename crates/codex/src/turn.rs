//! One input, and what the agent does about it.

use std::sync::Arc;

use codex_appserver_client::Filter;
use codex_appserver_client::generic::{Client, Events};
use tracing::Span;

use crate::approvals::Approvals;
use crate::core;
use crate::runtime::Runtime;
use crate::stream::TurnStream;
use crate::thread::Thread;
use crate::turns::{SharedTurn, Subscriptions, TurnResult};

/// A turn: one input, and what the agent does about it. Dropping the handle leaves the turn
/// running, unless [`interrupt_on_drop`](Self::interrupt_on_drop) was called.
pub struct Turn<R: Runtime> {
    pub(crate) inner: Arc<Inner<R>>,
}

/// What the handles and streams of a turn share.
pub struct Inner<R: Runtime> {
    pub(crate) thread: Thread<R>,
    pub(crate) shared: Arc<SharedTurn<Events<R>, Approvals<R>>>,
    /// What is done for the turn is logged in this span.
    pub(crate) span: Span,
}

impl<R: Runtime> Turn<R> {
    /// A turn of this thread, with subscriptions from before its start.
    pub(crate) fn new(thread: Thread<R>, turn: core::Turn, subscriptions: Subscriptions<Events<R>>) -> Self {
        let span = tracing::info_span!("turn", thread_id = thread.id(), turn_id = turn.id());
        let approvals = thread.codex().shared.approvals.clone();
        let shared = Arc::new(SharedTurn::new(turn, subscriptions, approvals));
        Self { inner: Arc::new(Inner { thread, shared, span }) }
    }

    /// The id of the turn.
    pub fn id(&self) -> &str {
        self.inner.shared.id()
    }

    /// The thread that the turn runs on.
    pub fn thread(&self) -> &Thread<R> {
        &self.inner.thread
    }

    /// Sets the approvals of this turn, from now on until it ends: they decide what the agent and its sub-agents may
    /// do. Requests from before are decided by the approvals of the thread or of the connection. Requests after the
    /// end, such as those of a sub-agent that still works, are not accepted.
    pub fn on_approval(&self, approvals: Approvals<R>) {
        self.inner.shared.on_approval(approvals);
    }

    /// Takes the approvals off this turn: those of the thread or of the connection decide from now on. Requests that wait
    /// for an answer keep waiting for it.
    pub fn clear_approvals(&self) {
        self.inner.shared.clear_approvals();
    }

    /// Interrupts the turn when the last of this handle, its clones and its streams is dropped, unless the turn has
    /// ended. Without this the turn goes on.
    #[must_use = "it is a setting of the turn that is returned"]
    pub fn interrupt_on_drop(self) -> Self {
        self.inner.shared.interrupt_on_drop();
        self
    }

    /// The events of the turn, from before it began if this handle started it. Another stream goes on where the last one stopped; there is one at
    /// a time: while another is open, this one fails with [`Error::Followed`](crate::Error::Followed). Dropping a stream
    /// loses nothing.
    pub fn stream(&self) -> TurnStream<R> {
        TurnStream::new(self.inner.clone())
    }

    /// The result of the turn, once a stream has read its end.
    pub fn result(&self) -> Option<TurnResult> {
        self.inner.shared.result()
    }
}

impl<R: Runtime> Inner<R> {
    pub(crate) fn client(&self) -> &Client<R> {
        self.thread.codex().client()
    }

    /// Another subscription, after one that ended because it was full.
    pub(crate) fn subscribe(&self) -> Events<R> {
        let settings = self.thread.codex().shared.settings.events;
        self.client().events_with(Filter::turn(self.shared.id()), settings)
    }
}

impl<R: Runtime> Drop for Inner<R> {
    fn drop(&mut self) {
        if self.shared.take_interrupt() {
            let (thread, shared) = (self.thread.clone(), self.shared.clone());
            R::interrupt_dropped(Self { thread, shared, span: self.span.clone() });
        }
    }
}

impl<R: Runtime> Clone for Turn<R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<R: Runtime> std::fmt::Debug for Turn<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (thread_id, id) = (self.thread().id(), self.id());
        f.debug_struct("Turn").field("thread_id", &thread_id).field("id", &id).finish_non_exhaustive()
    }
}
