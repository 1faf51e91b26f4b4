//! What the events of a turn add up to.

use std::time::Duration;

use codex_appserver_client::{Event, ServerNotification};
use codex_appserver_methods::protocol::*;

use crate::error::Error;
use crate::turns::{Plan, TurnResult};

/// The course of one turn, as far as it was seen.
#[derive(Debug)]
pub(crate) struct Course {
    thread_id: String,
    turn_id: String,
    items: Vec<ThreadItem>,
    /// What the agent said, as far as it was said, in the order in which it began to.
    messages: Vec<AgentMessage>,
    /// What the model said, where its raw answers are asked for (`experimentalRawEvents`).
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
    /// Whether this is all of it.
    whole: bool,
    phase: Option<MessagePhase>,
    text: String,
}

impl Course {
    pub(crate) fn new(thread_id: impl Into<String>, turn_id: impl Into<String>) -> Self {
        Self {
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
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

    /// Whether the turn has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Takes note of an event. Those of other turns, such as of a sub-agent, are none of its business.
    pub(crate) fn see(&mut self, event: &Event) {
        use ServerNotification as Said;
        match event.notification() {
            Some(Said::ItemStarted(said)) if self.is_mine(&said.turn_id) => self.begin(&said.item),
            Some(Said::ItemAgentMessageDelta(said)) if self.is_mine(&said.turn_id) => self.append(said),
            Some(Said::ItemCompleted(said)) if self.is_mine(&said.turn_id) => self.complete(&said.item),
            #[cfg(feature = "experimental")]
            Some(Said::RawResponseItemCompleted(said)) if self.is_mine(&said.turn_id) => {
                self.raw.extend(raw_message(&said.item));
            }
            Some(Said::ThreadTokenUsageUpdated(said)) if self.is_mine(&said.turn_id) => {
                self.usage = Some(said.token_usage.clone());
            }
            Some(Said::TurnPlanUpdated(said)) if self.is_mine(&said.turn_id) => {
                self.plan = Some(Plan { explanation: said.explanation.clone(), steps: said.plan.clone() });
            }
            Some(Said::TurnDiffUpdated(said)) if self.is_mine(&said.turn_id) => {
                self.diff = Some(said.diff.clone());
            }
            Some(Said::Error(said)) if self.is_mine(&said.turn_id) && !said.will_retry => {
                self.error = Some(said.error.clone());
            }
            Some(Said::TurnCompleted(said)) if self.is_mine(&said.turn.id) => {
                self.end = Some(said.turn.clone());
            }
            _ => {}
        }
    }

    /// Takes a turn that has ended from what the server keeps of it, where its events were missed. Items have other
    /// ids in there, so that it is theirs or ours.
    pub(crate) fn adopt(&mut self, turn: Turn) {
        if turn.items_view == TurnItemsView::Full && !turn.items.is_empty() {
            self.items.clone_from(&turn.items);
            self.messages = turn.items.iter().filter_map(agent_message).collect();
        }
        self.end = Some(turn);
    }

    /// The error of a turn that nobody knows any more.
    pub(crate) fn lost(&self) -> Error {
        Error::Lost { thread_id: self.thread_id.clone(), turn_id: self.turn_id.clone() }
    }

    /// What came of the turn, once it has ended.
    pub(crate) fn result(&self) -> Option<TurnResult> {
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
            usage: self.usage.clone(),
            plan: self.plan.clone(),
            diff: self.diff.clone(),
            started_at: end.started_at,
            completed_at: end.completed_at,
            duration: end.duration_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis),
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

    fn append(&mut self, said: &AgentMessageDeltaNotification) {
        match self.messages.iter_mut().find(|message| message.id == said.item_id) {
            Some(message) => message.text.push_str(&said.delta),
            None => {
                let (id, text) = (said.item_id.clone(), said.delta.clone());
                self.messages.push(AgentMessage { id, whole: false, phase: None, text });
            }
        }
    }

    /// A completed message is the whole of its deltas, also for those who came late.
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

    /// What was missed is taken from what the end of the turn holds, then from the model's own words.
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
    // Where the turn went well, what was never completed was given up: the model was asked again.
    let counts = |message: &AgentMessage| message.whole || *status != TurnStatus::Completed;
    let said = messages.iter().filter(|message| !message.text.is_empty() && rank(message) > 0);
    said.max_by_key(|message| (counts(message), rank(message))).map(|message| message.text.clone())
}

fn agent_message(item: &ThreadItem) -> Option<AgentMessage> {
    let ThreadItem::AgentMessage(message) = item else { return None };
    let (id, phase, text) = (message.id.clone(), message.phase.clone(), message.text.clone());
    Some(AgentMessage { id, whole: true, phase, text })
}

/// A message of the agent among the model's raw answers.
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
