//! The turn `U` of the thread `T` by itself: input of a test, a clock that the test moves, and no server.

mod ends;
mod handles;
mod states;
mod timing;

use std::time::{Duration, Instant};

use codex_appserver_client::Error as ClientError;
use codex_appserver_client::wire::RpcError;
use serde_json::{Value, json};

use super::*;
use crate::core::attempts::{Attempts, BEGINNING, is_not_running};
use crate::core::fixtures;

/// Input of a turn.
#[derive(Clone, Copy, Debug)]
enum In {
    /// `turn/started` of a turn on a thread, on behalf of `U`.
    Started(&'static str, &'static str),
    Delta(&'static str),
    Diff(&'static str),
    /// `turn/completed` of a turn, with this status.
    Completed(&'static str, &'static str),
    /// A message of this method that cannot be decoded.
    Unreadable(Option<&'static str>),
    /// Best-effort events were skipped.
    Lagged,
    Overrun,
    Broken,
    ShutDown,
    /// The notice of `Started`.
    NoticedStart(&'static str, &'static str),
    /// The notice of `Completed`.
    NoticedEnd(&'static str, &'static str),
    Records(Read),
    Postponed,
    Empty,
    Timeout,
    GaveUp,
    NewReader,
    /// So many milliseconds go by.
    Pass(u64),
}

/// What the server answers to `thread/read`.
#[derive(Clone, Copy, Debug)]
enum Read {
    /// The turn has this status; its thread is idle.
    Ended(&'static str),
    Running,
    /// The turn is in progress, but its thread is idle.
    Abandoned,
    /// The turn is a review, which runs as this turn.
    Review(&'static str),
    /// The thread is active, but not with the turn.
    Busy,
    /// The thread is idle, and the turn is not in the records.
    Unknown,
    /// There is no answer.
    TimedOut,
    Overloaded,
}

/// The records of an ended turn have one message.
fn kept(status: &str) -> Value {
    let message = json!({"type": "agentMessage", "id": "item-1", "text": "kept"});
    json!([{"id": "U", "items": [message], "status": status, "itemsView": "full"}])
}

impl Read {
    fn result(self) -> Result<ThreadReadResponse, ClientError> {
        let one = |id: &str, status: &str| json!([fixtures::turn(id, status, "U")]);
        let method = "thread/read".to_owned();
        let read = match self {
            Self::Ended(status) => fixtures::read("idle", kept(status)),
            Self::Running => fixtures::read("active", one("U", "inProgress")),
            Self::Abandoned => fixtures::read("idle", one("U", "inProgress")),
            Self::Review(id) => fixtures::read("active", one(id, "inProgress")),
            Self::Busy => fixtures::read("active", json!([])),
            Self::Unknown => fixtures::read("idle", json!([])),
            Self::TimedOut => return Err(ClientError::TimedOut { method, after: records::PATIENCE }),
            Self::Overloaded => {
                let error = RpcError::new(-32001, "overloaded");
                return Err(ClientError::Overloaded { method, attempts: 3, error });
            }
        };
        Ok(read)
    }
}

/// A turn and a clock.
struct Bench {
    turn: Turn,
    now: Instant,
}

/// How long the watchdog of `Bench::watched` waits.
const WATCHDOG: Duration = Duration::from_secs(60);

impl Bench {
    fn of(turn: Turn) -> Self {
        Self { turn, now: Instant::now() }
    }

    fn new() -> Self {
        Self::of(Turn::new("T", "U", None))
    }

    fn joined() -> Self {
        Self::of(Turn::joined("T", "U", None))
    }

    fn watched() -> Self {
        Self::of(Turn::new("T", "U", Some(WATCHDOG)))
    }

    /// After this input, and the steps between.
    fn after(mut self, inputs: &[In]) -> Self {
        self.step();
        for input in inputs {
            self.input(*input);
            self.step();
        }
        self
    }

    fn input(&mut self, input: In) {
        let turn = &mut self.turn;
        match input {
            In::Started(thread, id) => self.event(started(thread, id)),
            In::Completed(id, status) => self.event(completed(id, status)),
            In::Delta(text) => {
                let params = json!({"threadId": "T", "turnId": "U", "itemId": "m", "delta": text});
                self.event(fixtures::event("item/agentMessage/delta", params));
            }
            In::Diff(diff) => {
                let params = json!({"threadId": "T", "turnId": "U", "diff": diff});
                self.event(fixtures::event("turn/diff/updated", params));
            }
            In::Unreadable(method) => {
                // Only the client makes such events, so another gap stands for it.
                turn.on_unreadable(method);
                self.event(Event::Lagged { skipped: 0 });
            }
            In::Lagged => self.event(Event::Lagged { skipped: 1 }),
            In::Overrun => turn.on_overrun(ClientError::Overrun { byte_cap: 1 }),
            In::Broken => turn.on_closed(Some(ClientError::Cancelled { method: "broken".into() })),
            In::ShutDown => turn.on_closed(None),
            In::NoticedStart(thread, id) => turn.on_notice(&started(thread, id)),
            In::NoticedEnd(id, status) => turn.on_notice(&completed(id, status)),
            In::Records(read) => turn.on_records(read.result(), self.now),
            In::Postponed => turn.on_postponed(),
            In::Empty => turn.on_empty(),
            In::Timeout => turn.on_timeout(),
            In::GaveUp => turn.on_gave_up(),
            In::NewReader => turn.begin_reading(),
            In::Pass(ms) => self.now += Duration::from_millis(ms),
        }
    }

    /// An event, which the reader gets at once.
    fn event(&mut self, event: Event) {
        self.turn.on_event(event.clone());
        let step = self.turn.next(self.now);
        assert!(matches!(&step, Step::Event(same) if *same == event), "{step:?}");
    }

    /// The next step in words.
    fn step(&mut self) -> String {
        match self.turn.next(self.now) {
            Step::Event(event) => format!("event {event:?}"),
            Step::AskRecords => "ask".into(),
            Step::Read => "read".into(),
            Step::Wait { until: None } => "wait".into(),
            Step::Wait { until: Some(until) } => format!("wait {} ms", (until - self.now).as_millis()),
            Step::Done => "done".into(),
            Step::Fail(Error::Lost { .. }) => "lost".into(),
            Step::Fail(Error::Disconnected { .. }) => "disconnected".into(),
            Step::Fail(Error::Stalled(stalled)) => {
                assert_eq!((&*stalled.turn_id, stalled.silent_for), ("U", WATCHDOG));
                let status = stalled.turn_status.as_ref().map_or("unknown", |status| status.as_str());
                format!("stalled {status}")
            }
            Step::Fail(Error::Client(error)) => match error {
                ClientError::Overrun { .. } => "overrun".into(),
                ClientError::Cancelled { method } => method,
                ClientError::TimedOut { .. } => "timed out".into(),
                ClientError::Rpc { error, .. } => error.message,
                error => format!("{error:?}"),
            },
            Step::Fail(error) => format!("{error:?}"),
        }
    }

    /// Checks the step after each input.
    fn expect(&mut self, script: &[(In, &str)]) {
        for (n, (input, expected)) in script.iter().enumerate() {
            self.input(*input);
            assert_eq!(self.step(), *expected, "after input {n}, {input:?}");
        }
    }

    /// The status and the final text, once the turn is done.
    fn outcome(&self) -> (String, String) {
        assert!(self.turn.is_done());
        let result = self.turn.result().expect("a result");
        (result.status.as_str().to_owned(), result.text().to_owned())
    }
}

fn started(thread: &str, id: &str) -> Event {
    let turn = fixtures::turn(id, "inProgress", "U");
    fixtures::event("turn/started", json!({"threadId": thread, "turn": turn}))
}

fn completed(id: &str, status: &str) -> Event {
    let turn = fixtures::turn(id, status, "U");
    fixtures::event("turn/completed", json!({"threadId": "T", "turn": turn}))
}

fn outcome(status: &str, text: &str) -> (String, String) {
    (status.to_owned(), text.to_owned())
}
