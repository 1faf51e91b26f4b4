//! How lists of steps go on: each until it has to wait, and all take turns.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::core::Core;
use super::plan::{Act, Effect};
use super::play::{Play, Timer};
use super::replay::Replay;
use super::template::Template;

/// Lists go on while less than this is waiting to be written.
const BATCH: usize = 64 << 10;
/// How many lines a list writes at a time when no other wants to.
const BURST: u64 = 256;
/// How long an answer is held back for others to come.
const PATIENCE: Duration = Duration::from_millis(5);

impl Core {
    /// Lets all lists go on, until enough is to be written, or all wait.
    pub(super) fn advance(&mut self, now: Instant) {
        while self.timers.peek().is_some_and(|timer| timer.due <= now) {
            self.plays.extend(self.timers.pop().map(|timer| timer.play));
        }
        if self.window_due.is_some_and(|due| due <= now) {
            self.release_all();
        }
        self.replay_due(now);
        while self.effect.is_none() && self.out.len() < BATCH {
            let Some(play) = self.plays.pop_front() else { return };
            self.go_on(play, now);
        }
    }

    /// When a list goes on by itself.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let timer = self.timers.peek().map(|timer| timer.due);
        let replay = self.replay.as_ref().and_then(Replay::due);
        timer.into_iter().chain(self.window_due).chain(replay).min()
    }

    /// Whether there is something to do at once.
    pub(super) fn has_work(&self) -> bool {
        !self.out.is_empty() || !self.plays.is_empty() || self.effect.is_some()
    }

    /// Whether nothing goes on by itself any more.
    pub(super) fn is_idle(&self) -> bool {
        self.plays.is_empty() && self.timers.is_empty() && self.window.is_empty()
    }

    pub(super) fn go_on(&mut self, mut play: Play, now: Instant) {
        if !play.delay.is_zero() {
            let due = now + std::mem::take(&mut play.delay);
            return self.timers.push(Timer { due, play });
        }
        if let Some(method) = play.until.take() {
            return self.wait_for(method, play);
        }
        if play.answer.is_some() {
            if self.faults.reorder > 0 && !play.spared {
                return self.hold_back(play, now);
            }
            self.give(&mut play);
        }
        // Alone it may write much at a time; with others it has to share.
        let mut left = if self.plays.is_empty() { BURST } else { 1 };
        while left > 0 && self.effect.is_none() {
            left -= 1;
            let acts = play.acts.clone();
            let Some(act) = acts.get(play.at) else { return };
            match self.step(act, play, now) {
                Some(same) => play = same,
                None => return,
            }
        }
        if self.effect.is_some() {
            // What comes after an effect comes after it.
            self.plays.push_front(play);
        } else {
            self.plays.push_back(play);
        }
    }

    /// One step; gives the list back unless it was put where it waits.
    fn step(&mut self, act: &Act, mut play: Play, now: Instant) -> Option<Play> {
        match act {
            Act::Line(line) => self.write(line, &play),
            Act::Bytes(bytes) => self.out.extend_from_slice(bytes),
            Act::Flood { repeat, line, every } => {
                if play.index < *repeat {
                    self.write(line, &play);
                    play.index += 1;
                    if !every.is_zero() && play.index < *repeat {
                        return self.park_until(now + *every, play);
                    }
                }
                if play.index < *repeat {
                    return Some(play);
                }
                play.index = 0;
            }
            Act::Ask { method, params, wait, resolved } => {
                let (id, thread) = self.ask(method, params, &play);
                play.at += 1;
                if !*wait && !*resolved {
                    return Some(play);
                }
                play.resolves = resolved.then_some(thread);
                self.asking.insert(id, play);
                return None;
            }
            Act::Pause(pause) => {
                play.at += 1;
                return self.park_until(now + *pause, play);
            }
            Act::Until(method) => {
                play.at += 1;
                self.wait_for(method.clone(), play);
                return None;
            }
            Act::Effect(effect) => {
                if effect.ends_output() {
                    self.cut.get_or_insert(self.out.len());
                }
                self.deaf |= matches!(effect, Effect::StopReading);
                self.effect = Some(Effect::clone(effect));
            }
        }
        play.at += 1;
        Some(play)
    }

    fn park_until(&mut self, due: Instant, play: Play) -> Option<Play> {
        self.timers.push(Timer { due, play });
        None
    }

    /// Parks a list until the client has sent a method as often as the list's own.
    fn wait_for(&mut self, method: String, play: Play) {
        let seen = self.methods.get(&method).map_or(0, |state| state.count);
        if seen >= play.count {
            self.plays.push_front(play);
        } else {
            self.waiting.entry(method).or_default().push(play);
        }
    }

    fn write(&mut self, line: &Template, play: &Play) {
        line.render(play.scope(), &mut self.out);
        self.out.push(b'\n');
    }

    /// Sends a request to the client; gives its id and the thread that it is about.
    fn ask(&mut self, method: &str, params: &Template, play: &Play) -> (i64, Value) {
        let id = self.next_ask;
        self.next_ask += 1;
        self.asked.insert(id, method.to_owned());
        let mut rendered = Vec::new();
        params.render(play.scope(), &mut rendered);
        let name = Value::from(method);
        // Writing to memory does not fail.
        let _ = write!(self.out, "{{\"method\":{name},\"id\":{id},\"params\":");
        self.out.extend_from_slice(&rendered);
        self.out.extend_from_slice(b"}\n");
        let params: Value = serde_json::from_slice(&rendered).unwrap_or_default();
        (id, params["threadId"].clone())
    }

    /// Gives an answer, unless a fault says otherwise.
    fn give(&mut self, play: &mut Play) {
        let Some((bytes, mut times, settles)) = play.answer.take() else { return };
        if !play.spared {
            self.given += 1;
            let is_hit = |every: u64, given: u64| every > 0 && given.is_multiple_of(every);
            if is_hit(self.faults.drop_every, self.given) {
                return;
            }
            times += u64::from(is_hit(self.faults.duplicate_every, self.given));
        }
        for _ in 0..times {
            self.out.extend_from_slice(&bytes);
        }
        self.settled += u64::from(settles && times > 0);
    }

    /// Puts an answer into the window; one of them goes when there are too many.
    fn hold_back(&mut self, play: Play, now: Instant) {
        self.window.push(play);
        self.window_due = Some(now + PATIENCE);
        if self.window.len() as u64 > self.faults.reorder {
            let chosen = self.rng.usize(..self.window.len());
            let play = self.window.swap_remove(chosen);
            self.release(play);
        }
    }

    fn release_all(&mut self) {
        self.window_due = None;
        let mut window = std::mem::take(&mut self.window);
        self.rng.shuffle(&mut window);
        window.into_iter().for_each(|play| self.release(play));
    }

    fn release(&mut self, mut play: Play) {
        self.give(&mut play);
        self.plays.push_back(play);
    }
}
