//! The log of one turn: its items, its messages, its end, collected from its events into a result.

use std::time::Duration;

use codex_appserver_client::{Event, ServerNotification};
use codex_appserver_methods::protocol::*;

use crate::error::Error;
use crate::turns::{Plan, TurnResult};

/// What was read of one turn so far.
#[derive(Debug)]
pub(super) struct Log {
    thread_id: String,
    turn_id: String,
    /// The start of the turn was read. What came before that is missing of a turn that a handle has joined later.
    has_begun: bool,
    items: Vec<ThreadItem>,
    /// The messages of the agent, in the order in which they began.
    messages: Vec<AgentMessage>,
    /// The messages of the model, if its raw responses are reported (`experimentalRawEvents`).
    raw: Vec<AgentMessage>,
    usage: Option<ThreadTokenUsage>,
    plan: Option<Plan>,
    diff: Option<String>,
    error: Option<TurnError>,
    end: Option<Turn>,
}

/// A message of the agent.
#[derive(Clone, Debug)]
struct AgentMessage {
    id: String,
    /// Whether the message was completed.
    whole: bool,
    phase: Option<MessagePhase>,
    text: String,
}

impl Log {
    pub(super) fn new(thread_id: impl Into<String>, turn_id: impl Into<String>) -> Self {
        Self {
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            has_begun: false,
            items: Vec::new(),
            messages: Vec::new(),
            raw: Vec::new(),
            usage: None,
            plan: None,
            diff: None,
            error: None,
            end: None,
        }
    }

    pub(super) fn thread_id(&self) -> &str {
        &self.thread_id
    }

    pub(super) fn turn_id(&self) -> &str {
        &self.turn_id
    }

    pub(super) fn begin_turn(&mut self) {
        self.has_begun = true;
    }

    /// Whether the start of the turn was read.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether the end of the turn was read.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Adds an event. Events of other turns, such as those of a sub-agent, are ignored.
    pub(super) fn on_event(&mut self, event: &Event) {
        use ServerNotification as Kind;
        match event.notification() {
            // A review runs as another turn of the same thread.
            Some(Kind::TurnStarted(params)) if params.thread_id == self.thread_id => self.begin_turn(),
            Some(Kind::ItemStarted(params)) if self.is_mine(&params.turn_id) => self.begin(&params.item),
            Some(Kind::ItemAgentMessageDelta(params)) if self.is_mine(&params.turn_id) => self.append(params),
            Some(Kind::ItemCompleted(params)) if self.is_mine(&params.turn_id) => self.complete(&params.item),
            #[cfg(feature = "experimental")]
            Some(Kind::RawResponseItemCompleted(params)) if self.is_mine(&params.turn_id) => {
                self.raw.extend(raw_message(&params.item));
            }
            Some(Kind::ThreadTokenUsageUpdated(params)) if self.is_mine(&params.turn_id) => {
                self.usage = Some(params.token_usage.clone());
            }
            Some(Kind::TurnPlanUpdated(params)) if self.is_mine(&params.turn_id) => {
                self.plan =
                    Some(Plan { explanation: params.explanation.clone(), steps: params.plan.clone() });
            }
            Some(Kind::TurnDiffUpdated(params)) if self.is_mine(&params.turn_id) => {
                self.diff = Some(params.diff.clone());
            }
            Some(Kind::Error(params)) if self.is_mine(&params.turn_id) && !params.will_retry => {
                self.error = Some(params.error.clone());
            }
            Some(Kind::TurnCompleted(params)) if self.is_mine(&params.turn.id) => {
                self.end = Some(params.turn.clone());
            }
            _ => {}
        }
    }

    /// Adds the items of the records that were not completed before, and yields them.
    pub(super) fn add_missed(&mut self, recorded: &[ThreadItem]) -> Vec<ThreadItem> {
        let is_new = |item: &&ThreadItem| !self.items.iter().any(|known| known.id() == item.id());
        let missed: Vec<_> = recorded.iter().filter(is_new).cloned().collect();
        missed.iter().for_each(|item| self.complete(item));
        missed
    }

    /// Takes the end of the turn from the server's records. If they have all items, these replace the ones that were
    /// read: items have other ids in the records, so the two lists cannot be merged.
    pub(super) fn adopt(&mut self, turn: Turn) {
        if turn.items_view == TurnItemsView::Full && !turn.items.is_empty() {
            self.items.clone_from(&turn.items);
            self.messages = turn.items.iter().filter_map(agent_message).collect();
        }
        self.end = Some(turn);
    }

    /// The error of a turn whose end the server does not know either.
    pub(super) fn lost(&self) -> Error {
        Error::Lost { thread_id: self.thread_id.clone(), turn_id: self.turn_id.clone() }
    }

    /// The error of a reader that stops before the turn has ended.
    pub(super) fn disconnected(&self) -> Error {
        Error::Disconnected { thread_id: self.thread_id.clone(), turn_id: self.turn_id.clone() }
    }

    /// The result of the turn, once its end was read.
    pub(super) fn result(&self) -> Option<TurnResult> {
        let end = self.end.as_ref()?;
        Some(TurnResult {
            thread_id: self.thread_id.clone(),
            turn_id: self.turn_id.clone(),
            status: end.status.clone(),
            error: end
                .error
                .clone()
                .or_else(|| self.error.clone().filter(|_| end.status != TurnStatus::Completed)),
            final_text: self.final_text(end),
            items: self.items.clone(),
            turn_usage: None,
            usage: self.usage.clone(),
            plan: self.plan.clone(),
            diff: self.diff.clone(),
            cwd: None,
            started_at: end.started_at,
            completed_at: end.completed_at,
            duration: end.duration_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis),
            timed_out: false,
        })
    }

    fn is_mine(&self, turn_id: &str) -> bool {
        turn_id == self.turn_id
    }

    fn begin(&mut self, item: &ThreadItem) {
        if let Some(message) = agent_message(item) {
            self.messages.retain(|begun| begun.id != message.id);
            self.messages.push(AgentMessage { text: String::new(), whole: false, ..message });
        }
    }

    fn append(&mut self, params: &AgentMessageDeltaNotification) {
        match self.messages.iter_mut().find(|message| message.id == params.item_id) {
            Some(message) => message.text.push_str(&params.delta),
            None => {
                let (id, text) = (params.item_id.clone(), params.delta.clone());
                self.messages.push(AgentMessage { id, whole: false, phase: None, text });
            }
        }
    }

    /// A completed item replaces what its deltas added up to, which may be a part only.
    fn complete(&mut self, item: &ThreadItem) {
        if let Some(message) = agent_message(item) {
            match self.messages.iter_mut().find(|begun| begun.id == message.id) {
                Some(begun) => *begun = message,
                None => self.messages.push(message),
            }
        }
        match self.items.iter_mut().find(|known| known.id().is_some() && known.id() == item.id()) {
            Some(known) => known.clone_from(item),
            None => self.items.push(item.clone()),
        }
    }

    /// The answer to the user. If its item was missed, it is taken from the items in the end of the turn, or else from
    /// the model's raw responses.
    fn final_text(&self, end: &Turn) -> Option<String> {
        answer(&self.messages, &end.status)
            .or_else(|| answer(&end.items.iter().filter_map(agent_message).collect::<Vec<_>>(), &end.status))
            .or_else(|| answer(&self.raw, &end.status))
    }
}

/// The text of the message that answers the user: the last of the highest rank.
fn answer(messages: &[AgentMessage], status: &TurnStatus) -> Option<String> {
    let rank = |message: &AgentMessage| match message.phase {
        Some(MessagePhase::FinalAnswer) => 3,
        Some(MessagePhase::PartialAnswer) => 1,
        Some(MessagePhase::Commentary) => 0,
        _ => 2,
    };
    // If the turn completed, a message that did not was abandoned: the model was asked again.
    let counts = |message: &AgentMessage| message.whole || *status != TurnStatus::Completed;
    let candidates = messages.iter().filter(|message| !message.text.is_empty() && rank(message) > 0);
    candidates.max_by_key(|message| (counts(message), rank(message))).map(|message| message.text.clone())
}

fn agent_message(item: &ThreadItem) -> Option<AgentMessage> {
    let ThreadItem::AgentMessage(message) = item else { return None };
    let (id, phase, text) = (message.id.clone(), message.phase.clone(), message.text.clone());
    Some(AgentMessage { id, whole: true, phase, text })
}

/// The message of the agent in a raw response of the model.
#[cfg(feature = "experimental")]
fn raw_message(item: &ResponseItem) -> Option<AgentMessage> {
    let ResponseItem::Message(message) = item else { return None };
    if message.role != "assistant" {
        return None;
    }
    let texts = message.content.iter().filter_map(|content| match content {
        ContentItem::OutputText(part) => Some(part.text.as_str()),
        _ => None,
    });
    let id = message.id.clone().unwrap_or_default();
    Some(AgentMessage { id, whole: true, phase: message.phase.clone(), text: texts.collect() })
}

#[cfg(test)]
mod tests;
