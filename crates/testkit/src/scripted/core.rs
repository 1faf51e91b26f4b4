//! The state of a scripted server, without any input or output of its own: lines go in, bytes come out.

use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_appserver_record::Content;
use codex_appserver_record::replay::OutgoingKind;
use serde_json::Value;

use super::answer::Answer;
use super::faults::Faults;
use super::log::{Ended, Log, Report};
use super::plan::{self, Act, AnswerPlan, Effect, Method};
use super::play::{Play, Timer};
use super::replay::{PATIENCE, Replay, request};
use super::scenario::{OnEnd, Scenario};

/// Everything that changes.
pub(super) struct Core {
    pub methods: HashMap<String, Method>,
    /// The answers to methods that the scenario does not name.
    pub default: Arc<[Arc<AnswerPlan>]>,
    /// The answer of an overloaded server.
    pub refusal: Arc<AnswerPlan>,
    pub faults: Faults,
    pub rng: fastrand::Rng,
    /// Bytes to be written, and how many requests they settle.
    pub out: Vec<u8>,
    pub settled: u64,
    /// To be done when `out` is written.
    pub effect: Option<Effect>,
    /// How much of `out` is written before the output ends; what was added later is not.
    pub cut: Option<usize>,
    /// Lists that can go on.
    pub plays: VecDeque<Play>,
    pub timers: BinaryHeap<Timer>,
    /// Lists that wait for the client's answer to a request.
    pub asking: HashMap<i64, Play>,
    /// Lists that wait for a method.
    pub waiting: HashMap<String, Vec<Play>>,
    /// Answers held back to be reordered, and until when.
    pub window: Vec<Play>,
    pub window_due: Option<Instant>,
    /// How many answers met the faults.
    pub given: u64,
    /// The methods of open requests to the client.
    pub asked: HashMap<i64, String>,
    pub next_ask: i64,
    pub log: Log,
    /// The trace that answers in place of the scenario.
    pub replay: Option<Replay>,
    on_eof: OnEnd,
    on_sigterm: OnEnd,
    pub closing: Option<Closing>,
    pub ended: Option<Ended>,
    pub deaf: bool,
    /// What is to be written is thrown away.
    pub mute: bool,
}

/// The end is near.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    pub at: Instant,
    /// Not before all lists are through.
    pub drain: bool,
    pub why: Ended,
}

impl Core {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let mut core = Self {
            methods: plan::methods(scenario),
            default: Arc::new([Arc::new(AnswerPlan::new(&scenario.default))]),
            refusal: Arc::new(AnswerPlan::new(&Answer::overloaded())),
            faults: scenario.faults.clone(),
            rng: fastrand::Rng::with_seed(scenario.faults.seed),
            out: Vec::new(),
            settled: 0,
            effect: None,
            cut: None,
            plays: VecDeque::new(),
            timers: BinaryHeap::new(),
            asking: HashMap::new(),
            waiting: HashMap::new(),
            window: Vec::new(),
            window_due: None,
            given: 0,
            asked: HashMap::new(),
            next_ask: 0,
            log: Log::new(scenario.keep),
            replay: Replay::new(scenario),
            on_eof: scenario.on_eof,
            on_sigterm: scenario.on_sigterm,
            closing: None,
            ended: None,
            deaf: false,
            mute: false,
        };
        core.play(plan::acts(&scenario.on_start));
        core.replay_on();
        core
    }

    /// Plays a list that belongs to no request.
    pub(super) fn play(&mut self, acts: Arc<[Act]>) {
        self.plays.push_back(Play::new("null", 1, Value::Null, acts));
    }

    /// Hands a line of the client to the trace, where there is one.
    pub(super) fn replay_line(&mut self, line: &str) {
        if let Some(replay) = &mut self.replay {
            replay.player.line(line.as_bytes());
            self.replay_on();
        }
    }

    /// Refuses what waited too long.
    pub(super) fn replay_due(&mut self, now: Instant) {
        if let Some(replay) = &mut self.replay
            && replay.due.is_some_and(|due| due <= now)
        {
            replay.player.give_up();
            self.replay_on();
        }
    }

    /// Writes what the server of the trace sends now.
    pub(super) fn replay_on(&mut self) {
        let Some(replay) = &mut self.replay else { return };
        while let Some(next) = replay.player.next() {
            match next.kind {
                OutgoingKind::Answer => self.settled += 1,
                OutgoingKind::Request => {
                    if let Some((id, method)) = request(&next.content) {
                        self.asked.insert(id, method);
                    }
                }
                _ => {}
            }
            match &next.content {
                Content::Line(line) => self.out.extend_from_slice(line.as_bytes()),
                Content::Bytes(bytes) => self.out.extend_from_slice(bytes),
            }
            self.out.push(b'\n');
        }
        replay.due = replay.player.holds_back().then(|| Instant::now() + PATIENCE);
    }

    /// The input ended, or the process is to terminate.
    pub(super) fn close(&mut self, why: Ended, now: Instant) {
        let what = match why {
            Ended::Eof => self.on_eof,
            Ended::Sigterm => self.on_sigterm,
            _ => OnEnd::Exit,
        };
        let (at, drain) = match what {
            OnEnd::Ignore => return,
            OnEnd::Exit => (now, false),
            OnEnd::Drain => (now, true),
            OnEnd::ExitAfterMs(delay) => (now + Duration::from_millis(delay), false),
        };
        // The sooner end counts.
        if self.closing.is_none_or(|closing| closing.drain || at < closing.at) {
            self.closing = Some(Closing { at, drain, why });
        }
    }

    /// What was seen.
    pub(super) fn report(&self) -> Report {
        let counted = self.methods.iter().filter(|(_, method)| method.count > 0);
        Report {
            lines: self.log.received,
            malformed: self.log.malformed,
            methods: counted.map(|(name, method)| (name.clone(), method.count)).collect(),
            max_pending: self.log.max_pending,
            pending: self.log.pending,
            answers: self.log.answers.clone(),
            ended: self.ended,
        }
    }
}
