//! One input, and what the agent does about it.

use std::sync::Arc;

use codex_appserver_client::generic::{Client, Events};
use codex_appserver_client::{Filter, Waits};
use tracing::Span;

use crate::approvals::Approvals;
use crate::core::{self, agents::OUTLINE};
use crate::runtime::Runtime;
use crate::stream::TurnStream;
use crate::thread::Thread;
use crate::turns::{Agent, MaxDuration, SharedTurn, Subscriptions, TurnResult};

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
        let shared = &thread.codex().shared;
        let (approvals, ledger) = (shared.approvals.clone(), shared.ledger.clone());
        let max_duration = shared.settings.max_duration;
        let shared = Arc::new(SharedTurn::new(turn, subscriptions, approvals, ledger));
        if let Some(max_duration) = max_duration {
            shared.set_limit(max_duration);
        }
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
    /// do. Requests from before are decided by the approvals of the thread or of the connection, unless they were left to
    /// other clients, none of which has answered. Requests after the
    /// end, such as those of a sub-agent that still works, are not accepted.
    pub fn on_approval(&self, approvals: Approvals<R>) {
        self.inner.shared.on_approval(approvals);
        self.inner.client().offer_left_requests();
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

    /// Sets how long the turn may take, counted from when this handle was made: then it is interrupted, and its result has
    /// what there is, with [`timed_out`](TurnResult::timed_out) set. This overrides
    /// [`CodexBuilder::max_duration`](crate::generic::CodexBuilder::max_duration).
    ///
    /// A [`Duration`](std::time::Duration) leaves out the time in which the server waits for people; see
    /// [`MaxDuration`] for all time. Whoever reads the turn sees to it, `run` or a stream, so a turn that is never read is
    /// not interrupted. Its sub-agents are not interrupted with it: the server lets them finish.
    #[must_use = "it is a setting of the turn that is returned"]
    pub fn max_duration(self, limit: impl Into<MaxDuration>) -> Self {
        self.inner.shared.set_limit(limit.into());
        self
    }

    /// Has streams of the turn hand out the events of its sub-agents and theirs as well. They are about other threads and
    /// turns, so compare the ids: the `turn/completed` of a sub-agent is not the end of the turn, and one that
    /// comes later than that is not read by its streams.
    ///
    /// Call this before the turn is read. Of what sub-agents did before, only the start and the end of their turns and
    /// items are there.
    #[must_use = "it is a setting of the turn that is returned"]
    pub fn with_agent_events(self) -> Self {
        self.inner.shared.include_agents();
        self
    }

    /// The sub-agents that worked for this turn, or still do, with those that they started: each once, a parent before
    /// its children, as a rule. [`Agent::parent_thread_id`] makes a tree of them.
    ///
    /// Their starts and ends are known up to now, also after the end of the turn: a sub-agent may outlive it. All else is
    /// known as far as `run` or a stream has read the events of the turn.
    pub fn agents(&self) -> Vec<Agent> {
        self.inner.shared.agents()
    }

    /// The events of the turn, from before it began if this handle started it: its own ones, unless
    /// [`with_agent_events`](Self::with_agent_events) was called. Another stream goes on where the last one stopped; there
    /// is one at a time: while another is open, this one fails with [`Error::Followed`](crate::Error::Followed). Dropping
    /// a stream loses nothing.
    pub fn stream(&self) -> TurnStream<R> {
        TurnStream::new(self.inner.clone())
    }

    /// The result of the turn, once a stream has read its end.
    pub fn result(&self) -> Option<TurnResult> {
        self.inner.shared.result()
    }
}

impl<R: Runtime> Inner<R> {
    /// How long the server has waited for answers of this client because of the turn.
    pub(crate) fn waits(&self) -> Waits {
        self.shared.waits(|threads, since| self.client().waits(threads, since))
    }

    pub(crate) fn client(&self) -> &Client<R> {
        self.thread.codex().client()
    }

    /// Another subscription, after one that ended because it was full.
    pub(crate) fn subscribe(&self) -> Events<R> {
        let mut settings = self.thread.codex().shared.settings.events;
        if !self.shared.includes_agents() {
            settings = settings.agent_methods(OUTLINE);
        }
        self.client().events_with(Filter::tree(self.shared.id()), settings)
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
