//! The replay of a trace within a scripted server.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use codex_appserver_record::Content;
use codex_appserver_record::replay::{OutgoingKind, Player, Session, Trace};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::core::Core;
use super::scenario::Scenario;

/// How long a request that came too early waits for what comes before it in the trace.
const PATIENCE: Duration = Duration::from_secs(10);

/// A session of a trace; in JSON the name of the trace and its lines.
#[derive(Clone, Debug)]
pub(super) struct Recorded(pub(super) Session);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    lines: Vec<String>,
}

impl Recorded {
    fn text(&self) -> Text {
        let lines = self.0.to_trace().lines().map(str::to_owned).collect();
        Text { name: self.0.trace_name().to_owned(), lines }
    }
}

impl PartialEq for Recorded {
    fn eq(&self, other: &Self) -> bool {
        (self.0.trace_name(), self.0.to_trace()) == (other.0.trace_name(), other.0.to_trace())
    }
}

impl Serialize for Recorded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Recorded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text { name, lines } = Text::deserialize(deserializer)?;
        let trace = Trace::read(name, lines.join("\n").as_bytes());
        trace.and_then(Trace::into_session).map(Self).map_err(D::Error::custom)
    }
}

/// A trace that is being replayed.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) player: Player,
    /// The methods that the scenario answers itself where the trace does not.
    own: BTreeSet<String>,
    /// When requests that came too early are refused.
    due: Option<Instant>,
}

impl Replay {
    pub(super) fn new(scenario: &Scenario) -> Option<Self> {
        let Recorded(session) = scenario.trace.clone()?;
        let player = Player::new(session).exact(scenario.exact);
        Some(Self { player, own: scenario.answers.keys().cloned().collect(), due: None })
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether a request is one for the trace.
    pub(super) fn answers(&self, method: &str) -> bool {
        self.player.expects(method) || !self.own.contains(method)
    }
}

impl Core {
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
}

fn request(content: &Content) -> Option<(i64, String)> {
    let Content::Line(line) = content else { return None };
    let message: Value = serde_json::from_str(line).ok()?;
    Some((message["id"].as_i64()?, message["method"].as_str()?.to_owned()))
}
