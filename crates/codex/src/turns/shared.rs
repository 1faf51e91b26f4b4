//! A turn behind its lock, shared by its handles and streams, with the subscriptions that its events come from.

mod reader;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use codex_appserver_client::{EventSettings, Filter, Overflow, Waits};

use super::{Agent, MaxDuration, Tokens, TurnResult, TurnUsage};
use crate::approvals::Registry;
use crate::core::attempts::Progress;
use crate::core::records::Records;
use crate::core::turn::NOTICES;
use crate::core::{Lookup, Turn, agents};
use crate::error::Error;
use crate::event_source::EventSource;
use crate::ledger::Ledger;
use reader::Access;
pub(crate) use reader::TurnReader;

/// The settings of [`Subscriptions::notices`]. The newest notices matter, so the oldest make room.
pub(crate) fn notice_settings() -> EventSettings {
    EventSettings::default().byte_cap(1 << 20).overflow(Overflow::DropOldest).methods(NOTICES)
}

/// The subscriptions of one turn, made before the turn has an id.
pub(crate) struct Subscriptions<E> {
    /// Everything; read by one stream at a time.
    pub(crate) events: E,
    /// Only what says under which id the turn runs and that it has ended. They are decoded only if a handle needs to
    /// know, or the server does not, before a stream has read the end: a turn is interrupted while its events wait,
    /// and its end is not lost with them.
    pub(crate) notices: E,
}

/// One turn. `E` is a subscription, `A` the approvals of the same runtime.
pub(crate) struct SharedTurn<E, A> {
    id: String,
    state: Mutex<State<E>>,
    approvals: Arc<Registry<A>>,
    ledger: Arc<Ledger>,
    /// The folder that the turn works in, if it is known.
    folder: Option<String>,
}

struct State<E> {
    turn: Turn,
    /// None while a stream has them, and once the turn is done.
    events: Option<E>,
    /// None once the turn is done and its sub-agents are.
    notices: Option<E>,
    /// The usage of the turn when it was asked for last.
    usage: Option<TurnUsage>,
    interrupt_on_drop: bool,
}

impl<E: EventSource, A> SharedTurn<E, A> {
    /// A turn with these subscriptions, which are narrowed to it.
    pub(crate) fn new(
        turn: Turn,
        subscriptions: Subscriptions<E>,
        approvals: Arc<Registry<A>>,
        ledger: Arc<Ledger>,
    ) -> Self {
        let Subscriptions { mut events, mut notices } = subscriptions;
        events.narrow_to(Filter::tree(turn.id()));
        notices.narrow_to(Filter::tree(turn.id()));
        Self {
            id: turn.id().to_owned(),
            // Later turns of the thread may have another one.
            folder: ledger.folder(turn.thread_id()),
            state: Mutex::new(State {
                turn,
                events: Some(events),
                notices: Some(notices),
                usage: None,
                interrupt_on_drop: false,
            }),
            approvals,
            ledger,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether the server has said that the turn is over.
    pub(crate) fn is_over(&self) -> bool {
        self.up_to_date().turn.is_over()
    }

    /// The id by which the server interrupts or steers the turn.
    pub(crate) fn active_id(&self) -> String {
        self.up_to_date().turn.active_id().to_owned()
    }

    /// See [`Turn::lookup`].
    pub(crate) fn lookup(&self) -> Lookup {
        self.lock().turn.lookup()
    }

    /// See [`Turn::on_status`].
    pub(crate) fn on_status(&self, read: Option<Records>) -> Progress {
        self.up_to_date().turn.on_status(read)
    }

    /// See [`Turn::on_interrupt`].
    pub(crate) fn on_interrupt(&self, now: Instant) {
        self.lock().turn.on_interrupt(now);
    }

    /// See [`Turn::on_interrupt_done`].
    pub(crate) fn on_interrupt_done(&self, done: &Result<(), Error>) {
        self.lock().turn.on_interrupt_done(done);
    }

    /// The result, once a stream has read the end. While a stream reads, it may not have all of it.
    pub(crate) fn result(&self) -> Option<TurnResult> {
        let mut state = self.lock();
        if state.events.is_some() || state.turn.is_done() { self.complete(&mut state) } else { None }
    }

    /// The sub-agents of the turn, as far as a stream has read its events, and their starts and ends up to now.
    pub(crate) fn agents(&self) -> Vec<Agent> {
        let mut state = self.lock();
        self.hear_all(&mut state);
        let agents = state.turn.agents();
        let usages = self.usages_of_agents(&state.turn);
        let agent = |(agent, usage): (&agents::Agent, AgentUsage)| Agent {
            thread_id: agent.thread_id.clone(),
            parent_thread_id: agent.parent.clone(),
            path: agent.path.clone(),
            prompt: agent.prompt.clone(),
            state: agent.state(),
            result: agent.result.clone(),
            error: agent.error.clone(),
            usage: usage.tokens,
            files_changed: agent.files_changed(self.folder.as_deref()),
        };
        agents.iter().zip(usages).map(agent).collect()
    }

    /// The result with its usage and its folder.
    fn complete(&self, state: &mut State<E>) -> Option<TurnResult> {
        let mut result = state.turn.result()?;
        if state.turn.agents().are_active() {
            self.hear_all(state);
        }
        // What is forgotten by now was known before.
        state.usage = self.usage(&state.turn).or(state.usage);
        result.turn_usage = state.usage;
        result.cwd.clone_from(&self.folder);
        Some(result)
    }

    fn usage(&self, turn: &Turn) -> Option<TurnUsage> {
        let own = self.ledger.usages([(turn.thread_id(), turn.id())]).pop().flatten();
        let agents = self.usages_of_agents(turn);
        if own.is_none() && agents.iter().all(|usage| usage.tokens.is_none()) {
            return None;
        }
        Some(TurnUsage {
            own: own.map(|own| own.tokens).unwrap_or_default(),
            agents: agents.iter().filter_map(|usage| usage.tokens).sum(),
            is_exact: own.is_none_or(|own| own.is_exact) && agents.iter().all(|usage| usage.is_exact),
        })
    }

    /// The usage of each sub-agent, over all its turns that work for this one.
    fn usages_of_agents(&self, turn: &Turn) -> Vec<AgentUsage> {
        let usage = |agent: &agents::Agent| {
            let turns = agent.turns.iter().map(|part| (&*agent.thread_id, &*part.id));
            let known: Vec<_> = self.ledger.usages(turns).into_iter().flatten().collect();
            let tokens = known.iter().map(|usage| usage.tokens);
            AgentUsage {
                tokens: (!known.is_empty()).then(|| tokens.sum()),
                is_exact: known.iter().all(|usage| usage.is_exact),
            }
        };
        turn.agents().iter().map(usage).collect()
    }

    /// Sets how long the turn may take.
    pub(crate) fn set_limit(&self, max: MaxDuration) {
        self.lock().turn.set_limit(max);
    }

    /// Hands out the events of sub-agents as well, from now on.
    pub(crate) fn include_agents(&self) {
        let mut state = self.lock();
        state.turn.include_agents();
        if let Some(events) = &mut state.events {
            events.include_agents();
        }
    }

    /// Whether the events of sub-agents are handed out as well.
    pub(crate) fn includes_agents(&self) -> bool {
        self.lock().turn.includes_agents()
    }

    /// Asks how long the server has waited for answers because of the turn: about which threads, since when.
    pub(crate) fn waits(&self, ask: impl FnOnce(&[&str], Instant) -> Waits) -> Waits {
        let state = self.lock();
        ask(&state.turn.threads().collect::<Vec<_>>(), state.turn.began())
    }

    /// Sets the approvals of the turn, until it ends.
    pub(crate) fn on_approval(&self, approvals: A) {
        self.approvals.set_turn(&self.id, approvals);
        // Its end may have been announced already, and is announced once.
        if self.is_over() {
            self.approvals.end_turn(&self.id);
        }
    }

    /// Takes the approvals off the turn.
    pub(crate) fn clear_approvals(&self) {
        self.approvals.clear_turn(&self.id);
    }

    pub(crate) fn interrupt_on_drop(&self) {
        self.lock().interrupt_on_drop = true;
    }

    /// Whether the turn is to be interrupted now that its last handle is dropped. It is so once.
    pub(crate) fn take_interrupt(&self) -> bool {
        std::mem::take(&mut self.lock().interrupt_on_drop) && !self.is_over()
    }

    /// The reader of a new stream. It fails while another one reads.
    pub(crate) fn reader(self: &Arc<Self>) -> TurnReader<E, A> {
        let mut state = self.lock();
        let access = match state.events.take() {
            Some(events) => {
                state.turn.begin_reading();
                Access::Reading(events)
            }
            None if state.turn.is_done() => Access::Done,
            None => Access::Refused { told: false },
        };
        drop(state);
        TurnReader { turn: self.clone(), access }
    }

    /// Takes what a done turn needs no more. It is dropped without the lock. Sub-agents may outlive the turn, and their
    /// ends are noticed.
    fn take_notices(&self) -> Option<E> {
        let mut state = self.lock();
        if state.turn.has_missed_events() {
            self.hear_all(&mut state);
        }
        if state.turn.agents().are_active() { None } else { state.notices.take() }
    }

    /// Passes in all notices that have arrived, whether they tell anything new or not.
    fn hear_all(&self, state: &mut State<E>) {
        let State { turn, notices, .. } = state;
        while let Some(event) = notices.as_mut().and_then(EventSource::next_now) {
            turn.on_notice(&event);
        }
    }

    /// The state, with all notices that have arrived.
    fn up_to_date(&self) -> MutexGuard<'_, State<E>> {
        let mut state = self.lock();
        let State { turn, notices, .. } = &mut *state;
        while turn.wants_notices()
            && let Some(event) = notices.as_mut().and_then(EventSource::next_now)
        {
            turn.on_notice(&event);
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The usage of a sub-agent.
struct AgentUsage {
    tokens: Option<Tokens>,
    is_exact: bool,
}

#[cfg(test)]
mod tests;
