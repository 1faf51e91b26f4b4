//! The core by itself: lines in, bytes out, a clock that the test moves.

mod answers;
mod calls;
mod ends;
mod events;
mod generations;
mod names;
mod random;
mod requests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

use codex_appserver_wire::{LineBuffer, RpcError};
use serde_json::Value;

use super::Filter;
use super::{Asked, CallTerms, Core, Failure, Item, NoMessage, Outcome, Output, QueueId, Wakes};
use crate::error::{CloseReason, Closed, Error};
use crate::settings::{EventSettings, Settings};

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A waker, and the number of its wakes.
struct Alarm {
    count: Arc<Count>,
    waker: Waker,
}

impl Alarm {
    fn new() -> Self {
        let count = Arc::new(Count::default());
        Self { waker: Waker::from(count.clone()), count }
    }

    fn rings(&self) -> usize {
        self.count.0.load(Ordering::Relaxed)
    }
}

/// A core, what it is driven with, and a clock.
struct Bench {
    core: Core,
    now: Instant,
    lines: LineBuffer,
    /// Polls everything that the test does not poll with a waker of its own.
    alarm: Alarm,
}

impl Bench {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn window(window: usize, queue_limit: usize) -> Self {
        Self::with(Settings { window, queue_limit, ..Settings::default() })
    }

    fn with(settings: Settings) -> Self {
        let lines = LineBuffer::new(settings.line_limit);
        Self { core: Core::new(&settings), now: Instant::now(), lines, alarm: Alarm::new() }
    }

    /// Does something to the core, and wakes as the link does.
    fn act<T>(&mut self, act: impl FnOnce(&mut Core, &mut Wakes) -> T) -> T {
        let mut wakes = Wakes::new();
        let result = act(&mut self.core, &mut wakes);
        wakes.drain(..).for_each(Waker::wake);
        result
    }

    fn try_begin(&mut self, method: &'static str, timeout: Option<Duration>) -> Result<i64, Error> {
        let now = self.now;
        self.act(|core, wakes| {
            let terms = CallTerms { timeout, urgent: false };
            core.begin(method.into(), Some("{}"), terms, now, wakes)
        })
    }

    fn begin(&mut self, method: &'static str) -> i64 {
        self.try_begin(method, None).expect("the connection is open")
    }

    fn begin_within(&mut self, seconds: u64) -> i64 {
        self.try_begin("m", Some(Duration::from_secs(seconds))).expect("the connection is open")
    }

    fn poll(&mut self, id: i64) -> Poll<Outcome> {
        self.core.poll_call(id, &self.alarm.waker)
    }

    fn outcome(&mut self, id: i64) -> Outcome {
        match self.poll(id) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => panic!("call {id} is not over"),
        }
    }

    fn give_up(&mut self, id: i64) {
        self.act(|core, wakes| core.give_up(id, wakes));
    }

    /// Moves the clock.
    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        let now = self.now;
        #[cfg(feature = "blocking")]
        self.act(|core, wakes| core.expire(now, wakes));
        #[cfg(not(feature = "blocking"))]
        {
            let waker = self.alarm.waker.clone();
            self.act(|core, wakes| core.poll_clock(now, &waker, wakes));
        }
    }

    /// A line, or what is left of one, comes from the server; the same way as through the link.
    fn receive(&mut self, line: &[u8]) -> Option<Asked> {
        let mut lines = std::mem::replace(&mut self.lines, LineBuffer::new(0));
        lines.push(line);
        lines.push(b"\n");
        let (mut asked, now) = (None, self.now);
        while let Some(line) = lines.next_line() {
            let came = self.act(|core, wakes| match super::read(line.as_ref().map(|line| *line)) {
                Ok((line, head)) => core.receive(line, head, || now, wakes),
                Err(NoMessage { line, why }) => {
                    core.receive_unreadable(line, why, wakes);
                    None
                }
            });
            asked = asked.or(came);
        }
        self.lines = lines;
        asked
    }

    fn line(&mut self, line: &str) -> Option<Asked> {
        self.receive(line.as_bytes())
    }

    fn result(&mut self, id: i64) {
        self.line(&format!(r#"{{"id":{id},"result":{{"of":{id}}}}}"#));
    }

    /// The bytes to be written; none where there are none.
    fn bytes(&mut self) -> String {
        let mut buffer = Vec::new();
        match self.core.poll_output(&mut buffer, &self.alarm.waker) {
            Poll::Ready(Output::Bytes) => String::from_utf8(buffer).expect("it is text"),
            _ => String::new(),
        }
    }

    /// The messages to be written.
    fn sent(&mut self) -> Vec<Value> {
        let bytes = self.bytes();
        assert!(bytes.is_empty() || bytes.ends_with('\n'), "{bytes}");
        bytes.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    fn sent_ids(&mut self) -> Vec<i64> {
        self.sent().iter().map(|line| line["id"].as_i64().expect("a request")).collect()
    }

    fn load(&self) -> (u64, u64) {
        let stats = self.core.stats();
        (stats.in_flight, stats.queued)
    }

    fn subscribe(&mut self, filter: Filter) -> QueueId {
        self.subscribe_with(&filter, EventSettings::default())
    }

    fn subscribe_with(&mut self, filter: &Filter, settings: EventSettings) -> QueueId {
        self.core.subscribe(filter, settings)
    }

    fn poll_event(&mut self, queue: QueueId, waker: &Waker) -> Poll<Option<Result<Item, Error>>> {
        self.core.poll_event(queue, waker, &mut None)
    }

    /// What waits in a subscription, in short: methods with their `n`, and what else there is to know.
    fn drain(&mut self, queue: QueueId) -> Vec<String> {
        let mut seen = Vec::new();
        while let Poll::Ready(item) = self.poll_event(queue, Waker::noop()) {
            seen.push(match item {
                None => "end".to_owned(),
                Some(Ok(item)) => brief(&item),
                Some(Err(Error::Overrun { .. })) => "overrun".to_owned(),
                Some(Err(error)) => error.to_string(),
            });
            if seen.last().is_some_and(|last| last == "end") {
                break;
            }
        }
        seen
    }

    fn answer(&mut self, asked: &Asked, answer: &Result<String, RpcError>) -> bool {
        let now = self.now;
        self.act(|core, wakes| core.answer(&asked.ticket, answer, now, wakes))
    }

    fn close(&mut self) {
        let closed = Arc::new(Closed {
            reason: CloseReason::EndOfStream,
            status: None,
            stderr: vec!["ouch".into()],
            unreadable: Vec::new(),
        });
        self.act(|core, wakes| core.close(&closed, wakes));
    }
}

fn brief(item: &Item) -> String {
    match item {
        Item::Notification(message) | Item::Request(message) => {
            let line: Value = serde_json::from_str(&message.line).expect("a message");
            let method = line["method"].as_str().expect("a method");
            line["params"].get("n").map_or_else(|| method.to_owned(), |n| format!("{method} {n}"))
        }
        Item::Unreadable(unreadable) => format!("unreadable {}", unreadable.raw),
        Item::Lagged(skipped) => format!("lagged {skipped}"),
        Item::Reconnected(generation, missed) => {
            format!(
                "generation {generation}, restarted {:?}, {} requests",
                missed.restarted,
                missed.requests.len()
            )
        }
    }
}

fn is_timed_out(outcome: &Outcome) -> bool {
    matches!(outcome, Err(Failure::TimedOut(_)))
}
