//! The turn `U` of the thread `T` by itself: input of a test, a clock that the test moves, and no server.

mod doubt;
mod ends;
mod handles;
mod reconnect;
mod states;
mod timing;

use std::time::{Duration, Instant};

use codex_appserver_client::Error as ClientError;
use codex_appserver_client::wire::RpcError;
use serde_json::{Value, json};

use super::*;
use crate::core::attempts::{Attempts, BEGINNING, Progress, is_not_running};
use crate::core::fixtures;
use crate::core::records::{self, Records};
use crate::turns::MaxDuration;

/// Input of a turn.
#[derive(Clone, Copy, Debug)]
enum In {
    /// `turn/started` of a turn on a thread, on behalf of `U`.
    Started(&'static str, &'static str),
    Delta(&'static str),
    Diff(&'static str),
    /// `turn/completed` of a turn on another thread, which the reader does not get.
    EndedElsewhere(&'static str, &'static str),
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
    /// No event comes until the time that the last step names.
    Timeout,
    GaveUp,
    NewReader,
    /// So many milliseconds go by, in which a person is waited for if one was asked.
    Pass(u64),
    /// The server asks this client something.
    Asked,
    /// The server asks something, of this client or of others.
    Request,
    /// A handle interrupts the turn.
    Interrupt,
    /// The server refuses that.
    InterruptRefused,
    /// It has its answer; so many milliseconds more were spent on people.
    Answered(u64),
    Interrupted,
    NotInterrupted,
}

/// What the server's records say.
#[derive(Clone, Copy, Debug)]
enum Read {
    /// The turn has this status; its thread is idle.
    Ended(&'static str),
    Running,
    /// The turn is in progress, but its thread is idle.
    Abandoned,
    /// The turn is a review, which runs as this turn.
    Review(&'static str),
    /// The turn is in progress and waits for an answer.
    Waiting,
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
    fn result(self) -> Result<Records, ClientError> {
        let one = |id: &str, status: &str| json!([fixtures::turn(id, status, "U")]);
        let method = "thread/read".to_owned();
        let read = match self {
            Self::Ended(status) => fixtures::read("idle", kept(status)),
            Self::Running => fixtures::read("active", one("U", "inProgress")),
            Self::Waiting => {
                let mut read = serde_json::to_value(fixtures::read("active", one("U", "inProgress")))
                    .expect("a response is JSON");
                read["thread"]["status"]["activeFlags"] = json!(["waitingOnApproval"]);
                serde_json::from_value(read).expect("it is a response")
            }
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
        Ok(read.into())
    }
}

/// A turn and a clock.
struct Bench {
    turn: Turn,
    now: Instant,
    /// How long the server has waited for answers, as a stream asks the client for it.
    waits: Waits,
}

/// How long the watchdog of `Bench::watched` waits.
const WATCHDOG: Duration = Duration::from_secs(60);

impl Bench {
    fn of(make: impl FnOnce(Instant) -> Turn) -> Self {
        let now = Instant::now();
        Self { turn: make(now), now, waits: Waits::default() }
    }

    /// A turn of which something was heard.
    fn new() -> Self {
        let mut bench = Self::fresh();
        bench.turn.silences.heard = true;
        bench
    }

    /// A turn of which nothing was heard yet.
    fn fresh() -> Self {
        Self::of(|now| Turn::new("T", "U", None, now).begun())
    }

    fn joined() -> Self {
        Self::of(|now| Turn::joined("T", "U", None, now))
    }

    fn watched() -> Self {
        Self::of(|now| Turn::new("T", "U", Some(WATCHDOG), now).begun())
    }

    fn limited(max: impl Into<MaxDuration>) -> Self {
        let mut bench = Self::new();
        bench.turn.set_limit(max.into());
        bench
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
            In::Started("T", id) => self.event(started("T", id)),
            In::Started(thread, id) => turn.on_event(started(thread, id)),
            In::EndedElsewhere(thread, id) => turn.on_event(ended_elsewhere(thread, id)),
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
            In::Records(read) => {
                turn.on_waits(self.waits);
                turn.on_records(read.result(), self.now);
            }
            In::Postponed => turn.on_postponed(),
            In::Empty => turn.on_empty(),
            In::Timeout => {
                if let Step::Wait { until: Some(until), .. } = turn.next(self.now) {
                    self.pass(until.saturating_duration_since(self.now));
                }
                let turn = &mut self.turn;
                turn.on_waits(self.waits);
                turn.on_timeout(self.now);
            }
            In::Request => {
                let params = json!({"threadId": "T", "turnId": "U", "itemId": "i", "startedAtMs": 1});
                self.event(fixtures::request("item/commandExecution/requestApproval", params));
            }
            In::Interrupt => turn.on_interrupt(self.now),
            In::InterruptRefused => {
                let error = ClientError::Cancelled { method: "refused".into() };
                turn.on_interrupt_done(&Err(error.into()));
            }
            In::Asked => self.waits.is_open = true,
            In::Answered(for_people) => {
                self.waits.is_open = false;
                self.waits.ended_at = Some(self.now);
                self.waits.for_people += Duration::from_millis(for_people);
            }
            In::Interrupted => turn.on_interrupted(Ok(()), self.now),
            In::NotInterrupted => {
                let error = ClientError::Cancelled { method: "not interrupted".into() };
                turn.on_interrupted(Err(error.into()), self.now);
            }
            In::GaveUp => turn.on_gave_up(),
            In::NewReader => turn.begin_reading(),
            In::Pass(ms) => self.pass(Duration::from_millis(ms)),
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        if self.waits.is_open {
            self.waits.for_people += time;
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
        if self.turn.wants_waits(self.now) {
            self.turn.on_waits(self.waits);
        }
        match self.turn.next(self.now) {
            Step::Interrupt => "interrupt".into(),
            Step::Event(event) => format!("event {event:?}"),
            Step::AskRecords => "ask".into(),
            Step::Read => "read".into(),
            Step::Wait { until: None, .. } => "wait".into(),
            // After a minute of silence the server is asked in any case, which only tests of that look at.
            Step::Wait { check_at: None, .. }
                if self.turn.watchdog.is_none() && self.turn.doubted_since().is_none() =>
            {
                "wait".into()
            }
            Step::Wait { until: Some(until), .. } => format!("wait {} ms", (until - self.now).as_millis()),
            Step::Done => "done".into(),
            Step::Fail(Error::Lost { .. }) => "lost".into(),
            Step::Fail(Error::Disconnected { .. }) => "disconnected".into(),
            Step::Fail(Error::Stalled(stalled)) => {
                assert_eq!(&*stalled.turn_id, "U");
                let status = stalled.turn_status.as_ref().map_or("unknown", |status| status.as_str());
                match stalled.silent_for {
                    WATCHDOG => format!("stalled {status}"),
                    silence => format!("stalled {status} for {} ms", silence.as_millis()),
                }
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

fn ended_elsewhere(thread: &str, id: &str) -> Event {
    let turn = fixtures::turn(id, "failed", "U");
    fixtures::event("turn/completed", json!({"threadId": thread, "turn": turn}))
}

fn outcome(status: &str, text: &str) -> (String, String) {
    (status.to_owned(), text.to_owned())
}
