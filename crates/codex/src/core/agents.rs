//! The sub-agents of one turn, from the events of all turns that work for it.
//!
//! The same event may be passed in twice, and the end of a turn before its start: events are read from one subscription,
//! and their starts and ends from another one if the first lost some.

use std::collections::BTreeMap;

use codex_appserver_client::{Event, ServerNotification, notification_method as method};
use codex_appserver_methods::protocol::wire::Notification;
use codex_appserver_methods::protocol::*;

use crate::turns::{AgentState, ChangedFile, changed_files};

/// The notifications of sub-agents that are needed to know of them.
pub(crate) const OUTLINE: &[&str] = &[
    method::TurnStarted::METHOD,
    method::TurnCompleted::METHOD,
    method::ItemStarted::METHOD,
    method::ItemCompleted::METHOD,
];

/// The sub-agents of one turn, in the order in which they were heard of.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    all: Vec<Agent>,
    /// Threads that were spawned since the last call of [`take_spawned`](Self::take_spawned).
    spawned: Vec<String>,
}

/// What is known of one sub-agent.
#[derive(Debug, Default)]
pub(crate) struct Agent {
    pub(crate) thread_id: String,
    pub(crate) parent: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) prompt: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) error: Option<String>,
    /// Its turns that work for this one.
    pub(crate) turns: Vec<Part>,
    /// How the agent that started it saw it last; it matters before its first turn and after it was shut down.
    seen: Option<CollabAgentStatus>,
    patches: Vec<ThreadItem>,
}

/// A turn of a sub-agent.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) id: String,
    end: Option<AgentState>,
}

/// Whether an event is about the turn, or about an item, of another thread than this one. No other event of sub-agents is
/// told apart.
pub(crate) fn is_of_agent(event: &Event, thread_id: &str) -> bool {
    use ServerNotification as Kind;
    let thread = match event.notification() {
        Some(Kind::TurnStarted(params)) => &params.thread_id,
        Some(Kind::TurnCompleted(params)) => &params.thread_id,
        Some(Kind::ItemStarted(params)) => &params.thread_id,
        Some(Kind::ItemCompleted(params)) => &params.thread_id,
        _ => return false,
    };
    thread != thread_id
}

impl Agents {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Agent> {
        self.all.iter()
    }

    /// Whether any may still do something.
    pub(crate) fn are_active(&self) -> bool {
        self.all.iter().any(|agent| agent.state().is_active())
    }

    /// The threads that sub-agents were given since the last call.
    pub(crate) fn take_spawned(&mut self) -> Vec<String> {
        std::mem::take(&mut self.spawned)
    }

    /// Adds an event of the turn on this thread, or of one that works for it.
    pub(crate) fn on_event(&mut self, event: &Event, own_thread: &str) {
        use ServerNotification as Kind;
        let of_agent = is_of_agent(event, own_thread);
        match event.notification() {
            Some(Kind::TurnStarted(params)) if of_agent => {
                self.agent(&params.thread_id).begin(&params.turn.id)
            }
            Some(Kind::TurnCompleted(params)) if of_agent => self.agent(&params.thread_id).end(&params.turn),
            Some(Kind::ItemStarted(params)) => {
                self.on_call(&params.thread_id, &params.item);
                if of_agent {
                    self.agent(&params.thread_id).on_item(&params.item, false);
                }
            }
            Some(Kind::ItemCompleted(params)) => {
                self.on_call(&params.thread_id, &params.item);
                if of_agent {
                    self.agent(&params.thread_id).on_item(&params.item, true);
                }
            }
            _ => {}
        }
    }

    /// An agent on this thread started sub-agents, or looked after them.
    fn on_call(&mut self, thread_id: &str, item: &ThreadItem) {
        match item {
            ThreadItem::CollabAgentToolCall(call) => {
                if call.tool == CollabAgentTool::SpawnAgent {
                    for child in &call.receiver_thread_ids {
                        self.spawn(child, thread_id, call.prompt.as_deref(), None);
                    }
                }
                self.see(&call.agents_states);
            }
            ThreadItem::SubAgentActivity(activity) if activity.kind == SubAgentActivityKind::Started => {
                self.spawn(&activity.agent_thread_id, thread_id, None, Some(&activity.agent_path));
            }
            _ => {}
        }
    }

    fn spawn(&mut self, child: &str, parent: &str, prompt: Option<&str>, path: Option<&str>) {
        let agent = self.agent(child);
        let is_new = agent.parent.is_none();
        agent.parent.get_or_insert_with(|| parent.to_owned());
        agent.prompt = agent.prompt.take().or_else(|| prompt.map(str::to_owned));
        agent.path = agent.path.take().or_else(|| path.map(str::to_owned));
        if is_new {
            self.spawned.push(child.to_owned());
        }
    }

    /// How an agent sees its sub-agents. Those of earlier turns may be among them.
    fn see(&mut self, states: &BTreeMap<String, CollabAgentState>) {
        for (thread_id, state) in states {
            let Some(agent) = self.all.iter_mut().find(|agent| agent.thread_id == *thread_id) else {
                continue;
            };
            agent.seen = Some(state.status.clone());
            let failed = matches!(state.status, CollabAgentStatus::Errored | CollabAgentStatus::NotFound);
            let told = if failed { &mut agent.error } else { &mut agent.result };
            *told = told.take().or_else(|| state.message.clone());
        }
    }

    fn agent(&mut self, thread_id: &str) -> &mut Agent {
        let index = self.all.iter().position(|agent| agent.thread_id == thread_id).unwrap_or_else(|| {
            self.all.push(Agent { thread_id: thread_id.to_owned(), ..Agent::default() });
            self.all.len() - 1
        });
        &mut self.all[index]
    }
}

impl Agent {
    /// How far it is. Its own turns say so; how others see it counts where it has none, and if it was shut down within
    /// one, the end of which is not told then.
    pub(crate) fn state(&self) -> AgentState {
        use CollabAgentStatus as Seen;
        match (self.turns.last().map(|turn| turn.end), &self.seen) {
            (Some(Some(end)), _) => end,
            (Some(None), Some(Seen::Shutdown | Seen::NotFound)) => AgentState::Interrupted,
            (Some(None), _) | (None, Some(Seen::Running)) => AgentState::Running,
            (None, Some(Seen::Completed)) => AgentState::Completed,
            (None, Some(Seen::Interrupted | Seen::Shutdown)) => AgentState::Interrupted,
            (None, Some(Seen::Errored | Seen::NotFound)) => AgentState::Failed,
            (None, _) => AgentState::Starting,
        }
    }

    pub(crate) fn files_changed(&self, folder: Option<&str>) -> Vec<ChangedFile> {
        changed_files(&self.patches, folder)
    }

    fn turn(&mut self, turn_id: &str) -> &mut Part {
        let index = self.turns.iter().position(|turn| turn.id == turn_id).unwrap_or_else(|| {
            self.turns.push(Part { id: turn_id.to_owned(), end: None });
            self.turns.len() - 1
        });
        &mut self.turns[index]
    }

    fn begin(&mut self, turn_id: &str) {
        let begun = self.turns.len();
        self.turn(turn_id);
        // How it was seen before its turn began says nothing any more.
        if self.turns.len() > begun {
            self.seen = None;
        }
    }

    fn end(&mut self, turn: &Turn) {
        self.turn(&turn.id).end = Some(match turn.status {
            TurnStatus::Completed => AgentState::Completed,
            TurnStatus::Failed => AgentState::Failed,
            _ => AgentState::Interrupted,
        });
        self.error = turn.error.as_ref().map(|error| error.message.clone());
        turn.items.iter().for_each(|item| self.on_message(item));
    }

    fn on_item(&mut self, item: &ThreadItem, completed: bool) {
        match item {
            ThreadItem::UserMessage(message) if self.prompt.is_none() => {
                let texts = message.content.iter().filter_map(|input| match input {
                    UserInput::Text(text) => Some(&*text.text),
                    _ => None,
                });
                self.prompt = Some(texts.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty());
            }
            ThreadItem::FileChange(patch) if completed => {
                let is_known = |known: &ThreadItem| known.id() == Some(&*patch.id);
                if !self.patches.iter().any(is_known) {
                    self.patches.push(item.clone());
                }
            }
            item if completed => self.on_message(item),
            _ => {}
        }
    }

    fn on_message(&mut self, item: &ThreadItem) {
        if let ThreadItem::AgentMessage(message) = item {
            self.result = Some(message.text.clone());
        }
    }
}

#[cfg(test)]
mod tests;
