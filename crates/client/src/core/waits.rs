//! How long requests of the server were open at this client: the server waits meanwhile, for a person as a rule.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many of the latest waits are remembered; more than a turn asks for at a time, by far.
const KEPT: usize = 1024;

/// How long the server waited for answers of this client about some threads; see
/// [`Client::waits`](crate::Client::waits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waits {
    /// Whether it waits now.
    pub is_open: bool,
    /// Whether it has asked this client something that was left to other clients, and does not have the answer yet.
    pub is_left: bool,
    /// When the last wait ended; none if there was none, or if it waits now.
    pub ended_at: Option<Instant>,
    /// How long it waited in all. Time in which it waited for several answers counts once.
    pub total: Duration,
    /// How long it waited for people: for all but the results of dynamic tools, which programs answer.
    pub for_people: Duration,
}

/// One request of the server, from when it came until it was answered, resolved, or left to other clients.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    pub(super) thread: Option<String>,
    pub(super) is_tool: bool,
    pub(super) from: Instant,
}

/// The waits that have ended, in the order in which they did.
#[derive(Debug, Default)]
pub(super) struct Ended(VecDeque<(Wait, Instant)>);

impl Ended {
    pub(super) fn push(&mut self, wait: Wait, now: Instant) {
        // Who waits is asked by thread.
        if wait.thread.is_none() {
            return;
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((wait, now));
    }

    /// Sums up these and the open ones, where they are about one of the threads and not over before `since`.
    pub(super) fn sum<'a>(
        &'a self,
        open: impl Iterator<Item = &'a Wait>,
        threads: &[&str],
        since: Instant,
        now: Instant,
    ) -> Waits {
        let is_about = |wait: &Wait| wait.thread.as_deref().is_some_and(|thread| threads.contains(&thread));
        let ended = self.0.iter().filter(|(wait, until)| is_about(wait) && *until >= since);
        let ended: Vec<_> = ended.map(|(wait, until)| (wait, *until)).collect();
        let open: Vec<_> = open.filter(|wait| is_about(wait)).map(|wait| (wait, now)).collect();
        let spans = |counts: fn(&Wait) -> bool| {
            let all = ended.iter().chain(&open).filter(|(wait, _)| counts(wait));
            all.map(|(wait, until)| (wait.from.max(since), *until)).collect()
        };
        Waits {
            is_open: !open.is_empty(),
            is_left: false,
            ended_at: if open.is_empty() { ended.iter().map(|(_, until)| *until).max() } else { None },
            total: union(spans(|_| true)),
            for_people: union(spans(|wait| !wait.is_tool)),
        }
    }
}

/// How long any of these spans lasts.
fn union(mut spans: Vec<(Instant, Instant)>) -> Duration {
    spans.sort_unstable();
    let mut total = Duration::ZERO;
    let mut reached: Option<Instant> = None;
    for (from, until) in spans {
        let from = reached.map_or(from, |reached| from.max(reached));
        total += until.saturating_duration_since(from);
        reached = Some(reached.map_or(until, |reached| reached.max(until)));
    }
    total
}
