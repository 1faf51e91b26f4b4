//! What the lines of the client do to a scripted server.

use std::borrow::Cow;
use std::io::Write as _;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::core::Core;
use super::log::ClientAnswer;
use super::plan::{AnswerPlan, BodyPlan, Method};
use super::play::Play;
use super::template::Scope;
use super::thread::MILLISECONDS;

/// A message as far as it matters here.
#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Name<'a>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "even_null")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// A string that is not copied unless it has escapes. (`Option<Cow<str>>` always is.)
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

fn even_null<'de: 'a, 'a, D: serde::Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    serde::Deserialize::deserialize(from).map(Some)
}

impl Core {
    /// Takes a line that the client sent.
    pub(super) fn line(&mut self, line: &str) {
        self.log.line(line);
        // What is no message gets no answer, as with codex.
        let Ok(incoming) = serde_json::from_str::<Incoming<'_>>(line) else {
            self.log.malformed += 1;
            return self.replay_line(line);
        };
        match (incoming.id.map(RawValue::get), &incoming.method) {
            (Some(id), Some(method)) if is_id(id) => {
                if self.replay.as_ref().is_none_or(|replay| !replay.answers(&method.0)) {
                    return self.request(id, &method.0, incoming.params);
                }
                self.log.request();
                self.count(&method.0);
            }
            (None, Some(method)) => self.notification(&method.0, incoming.params),
            (Some(id), None) if incoming.result.is_some() || incoming.error.is_some() => {
                self.answer(id, incoming.result, incoming.error);
            }
            _ => self.log.malformed += 1,
        }
        self.replay_line(line);
    }

    fn request(&mut self, id: &str, method: &str, params: Option<&RawValue>) {
        if !self.plays.is_empty() {
            // What follows earlier answers comes before this one, whichever thread writes.
            self.advance(Instant::now());
        }
        self.log.request();
        self.count(method);
        let Some(state) = self.methods.get_mut(method) else { return };
        let plan = if state.overloaded > 0 {
            state.overloaded -= 1;
            self.refusal.clone()
        } else {
            state.scripted += 1;
            let answers = if state.answers.is_empty() { &self.default } else { &state.answers };
            let last = answers.len() - 1;
            answers[last.min(usize::try_from(state.scripted - 1).unwrap_or(last))].clone()
        };
        let count = state.scripted;
        let spared = method == "initialize";
        let read = if plan.needs_params { value(params) } else { Value::Null };
        let scope = Scope { id, count, index: 0, params: &read };
        if plan.is_immediate() && (spared || self.faults.spare_answers()) {
            if plan.write(scope, params, &mut self.out) {
                self.settled += 1;
            }
            if !plan.then.is_empty() {
                self.follow(Play::new(id, count, read, plan.then.clone()));
            }
            return;
        }
        self.answer_later(&plan, scope, params, spared);
    }

    /// Begins a list. One that begins with the end of something does so before the next line is looked at.
    fn follow(&mut self, play: Play) {
        if self.effect.is_none() && play.begins_with_effect() {
            self.go_on(play, Instant::now());
        } else {
            self.plays.push_back(play);
        }
    }

    fn answer_later(&mut self, plan: &AnswerPlan, scope: Scope<'_>, params: Option<&RawValue>, spared: bool) {
        let mut bytes = Vec::new();
        let answers = plan.write(scope, params, &mut bytes);
        let mut play = Play::new(scope.id, scope.count, scope.params.clone(), plan.then.clone());
        play.delay = plan.delay;
        play.until = plan.until.clone();
        play.spared = spared;
        if answers {
            play.answer = Some((bytes, plan.times, plan.id.is_none()));
            if !spared && self.faults.delay_up_to_ms > 0 {
                play.delay += Duration::from_millis(self.rng.u64(0..=self.faults.delay_up_to_ms));
            }
        }
        self.plays.push_back(play);
    }

    fn notification(&mut self, method: &str, params: Option<&RawValue>) {
        let count = self.count(method);
        let state = self.methods.get(method);
        if let Some(acts) = state.and_then(|state| state.on_notification.clone()) {
            self.plays.push_back(Play::new("null", count, value(params), acts));
        }
    }

    /// Counts a method, and lets go on who waited for it.
    fn count(&mut self, method: &str) -> u64 {
        let count = match self.methods.get_mut(method) {
            Some(state) => {
                state.count += 1;
                state.count
            }
            None => {
                self.methods.insert(method.to_owned(), Method { count: 1, ..Method::default() });
                1
            }
        };
        if !self.waiting.is_empty()
            && let Some(waiting) = self.waiting.get_mut(method)
        {
            self.plays.extend(waiting.extract_if(.., |play| play.count <= count));
        }
        count
    }

    /// The client answered a request of ours, or thinks so.
    fn answer(&mut self, id: &str, result: Option<&RawValue>, error: Option<&RawValue>) {
        let number = id.parse::<i64>().ok();
        let method = number.and_then(|number| self.asked.remove(&number));
        let answer = ClientAnswer {
            id: serde_json::from_str(id).unwrap_or_default(),
            method,
            result: result.filter(|_| error.is_none()).map(|result| value(Some(result))),
            error: error.map(|error| value(Some(error))),
        };
        self.log.answers.push(answer);
        if let Some(mut play) = number.and_then(|number| self.asking.remove(&number)) {
            if let Some(thread) = play.resolves.take() {
                let resolved = serde_json::json!({
                    "method": "serverRequest/resolved", "params": {"threadId": thread, "requestId": number},
                    "emittedAtMs": MILLISECONDS,
                });
                // Writing to memory does not fail.
                let _ = writeln!(self.out, "{resolved}");
            }
            self.plays.push_back(play);
        }
    }
}

impl AnswerPlan {
    /// Writes the line of the answer; false where there is none.
    fn write(&self, scope: Scope<'_>, params: Option<&RawValue>, out: &mut Vec<u8>) -> bool {
        let write_id = |out: &mut Vec<u8>| match &self.id {
            Some(id) => id.render(scope, out),
            None => out.extend_from_slice(scope.id.as_bytes()),
        };
        match &self.body {
            BodyPlan::Never => return false,
            BodyPlan::Error(error) => {
                out.extend_from_slice(b"{\"error\":");
                error.render(scope, out);
                out.extend_from_slice(b",\"id\":");
                write_id(out);
            }
            BodyPlan::Result(_) | BodyPlan::Echo => {
                out.extend_from_slice(b"{\"id\":");
                write_id(out);
                out.extend_from_slice(b",\"result\":");
                match &self.body {
                    BodyPlan::Result(result) => result.render(scope, out),
                    _ => out.extend_from_slice(params.map_or("{}", RawValue::get).as_bytes()),
                }
            }
        }
        out.extend_from_slice(b"}\n");
        true
    }
}

/// codex takes integers and strings, and says nothing to other ids.
fn is_id(text: &str) -> bool {
    text.starts_with('"') || text.parse::<i64>().is_ok()
}

fn value(raw: Option<&RawValue>) -> Value {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}
