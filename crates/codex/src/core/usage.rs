//! The tokens of each turn, from the totals that the server reports for whole threads.
//!
//! `thread/tokenUsage/updated` carries the total of the thread and its last request to the model. Neither is the cost of
//! a turn, and the last requests do not add up to it: the server reports the same total again, with the last request of
//! whichever turn that was, after a request that failed, after a compaction, and when a thread is resumed or forked.
//! So the usage of a turn is the total at its end less the total before it. This also holds if reports in between are
//! lost.

use std::collections::VecDeque;

use codex_appserver_client::{Event, ServerNotification, notification_method as method};
use codex_appserver_methods::protocol::wire::Notification;
use codex_appserver_methods::protocol::{ThreadTokenUsageUpdatedNotification, TokenUsageBreakdown};

use crate::turns::Tokens;

/// The notification that reports usage.
pub(crate) const METHOD: &str = method::ThreadTokenUsageUpdated::METHOD;

/// How many turns are remembered; far more than run at a time.
const KEPT: usize = 1024;

/// The usage of the latest turns of a connection.
#[derive(Debug, Default)]
pub(crate) struct Usages {
    turns: VecDeque<Counted>,
    /// Threads whose total began at zero, and of which no turn was forgotten; the oldest first.
    new_threads: VecDeque<String>,
}

/// What was reported for one turn.
#[derive(Debug)]
struct Counted {
    thread_id: String,
    turn_id: String,
    /// The total of the thread before the turn, if it is known.
    before: Option<Tokens>,
    /// The total at the first report.
    first: Tokens,
    /// The request to the model that the first report names, which may be one of an earlier turn.
    first_request: Tokens,
    /// The total at the latest report.
    latest: Tokens,
    /// What was used between the first report and the latest.
    since_first: Tokens,
    /// The totals do not add up: the server counted from zero again, or reported for two turns at a time.
    disturbed: bool,
    /// Reports after the latest may have been lost.
    lost: bool,
}

/// The usage of one turn, without its sub-agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) tokens: Tokens,
    pub(crate) is_exact: bool,
}

impl Usages {
    /// A thread that was just created: its total begins at zero.
    pub(crate) fn on_new_thread(&mut self, thread_id: &str) {
        if self.new_threads.iter().any(|known| known == thread_id) {
            return;
        }
        if self.new_threads.len() == KEPT {
            self.new_threads.pop_front();
        }
        self.new_threads.push_back(thread_id.to_owned());
    }

    /// Adds a report, or a gap between reports.
    pub(crate) fn on_event(&mut self, event: &Event) {
        match event {
            Event::Lagged { .. } | Event::Reconnected { .. } => self.on_gap(),
            // A message without a method may have been any.
            Event::Unreadable(unreadable)
                if unreadable.method.as_deref().is_none_or(|name| name == METHOD) =>
            {
                self.on_gap();
            }
            event => {
                if let Some(ServerNotification::ThreadTokenUsageUpdated(report)) = event.notification() {
                    self.on_report(report);
                }
            }
        }
    }

    /// The usage of a turn so far; none if the server has reported none.
    pub(crate) fn of(&self, thread_id: &str, turn_id: &str) -> Option<Usage> {
        let turn = self.turns.iter().rev().find(|turn| turn.is(thread_id, turn_id))?;
        let is_new = || self.new_threads.iter().any(|known| known == thread_id);
        let before = turn.before.or_else(|| is_new().then(Tokens::default));
        let until_first = before.and_then(|before| turn.first.since(before));
        Some(Usage {
            tokens: until_first.unwrap_or(turn.first_request) + turn.since_first,
            is_exact: until_first.is_some() && !turn.disturbed && !turn.lost,
        })
    }

    fn on_report(&mut self, report: &ThreadTokenUsageUpdatedNotification) {
        let (thread_id, turn_id) = (&*report.thread_id, &*report.turn_id);
        let total = Tokens::from(&report.token_usage.total);
        let request = request(&report.token_usage.last);
        let latest = self.turns.iter().rposition(|turn| turn.thread_id == thread_id);
        let known = self.turns.iter().rposition(|turn| turn.is(thread_id, turn_id));
        match known {
            Some(known) if latest == Some(known) => self.turns[known].on_report(total, request),
            // A thread that is resumed reports its total once more, for any of its turns.
            Some(_) => {
                if let Some(latest) = latest.map(|latest| &mut self.turns[latest])
                    && latest.latest != total
                {
                    latest.disturbed = true;
                }
            }
            None => {
                let before = latest.map(|latest| &self.turns[latest]).filter(|latest| !latest.lost);
                let turn = Counted {
                    thread_id: thread_id.to_owned(),
                    turn_id: turn_id.to_owned(),
                    before: before.map(|latest| latest.latest),
                    first: total,
                    first_request: request,
                    latest: total,
                    since_first: Tokens::default(),
                    disturbed: false,
                    lost: false,
                };
                self.add(turn);
            }
        }
    }

    fn add(&mut self, turn: Counted) {
        if self.turns.len() == KEPT
            && let Some(forgotten) = self.turns.pop_front()
        {
            self.new_threads.retain(|known| *known != forgotten.thread_id);
        }
        self.turns.push_back(turn);
    }

    /// Reports were lost. Those of a turn that goes on are made up for by its next one; where the next turn begins is
    /// not known.
    fn on_gap(&mut self) {
        self.new_threads.clear();
        for turn in &mut self.turns {
            turn.lost = true;
        }
    }
}

impl Counted {
    fn is(&self, thread_id: &str, turn_id: &str) -> bool {
        self.turn_id == turn_id && self.thread_id == thread_id
    }

    fn on_report(&mut self, total: Tokens, request: Tokens) {
        self.lost = false;
        match total.since(self.latest) {
            Some(used) => self.since_first += used,
            None => {
                self.since_first += request;
                self.disturbed = true;
            }
        }
        self.latest = total;
    }
}

/// The request to the model that a report names. After a compaction that is an estimate of what is left, without any
/// input or output, which was not used.
fn request(last: &TokenUsageBreakdown) -> Tokens {
    let last = Tokens::from(last);
    if last.input == 0 && last.output == 0 { Tokens::default() } else { last }
}

#[cfg(test)]
mod tests;
