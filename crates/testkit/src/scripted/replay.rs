//! The replay of a trace within a scripted server.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use codex_appserver_record::Content;
use codex_appserver_record::replay::Player;
use serde_json::Value;

use super::recorded::Recorded;
use super::scenario::Scenario;

/// How long a request that came too early waits for what comes before it in the trace.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A trace that is being replayed.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) player: Player,
    /// The methods that the scenario answers itself where the trace does not.
    own: BTreeSet<String>,
    /// When requests that came too early are refused.
    pub(super) due: Option<Instant>,
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

/// The id and the method of a request.
pub(super) fn request(content: &Content) -> Option<(i64, String)> {
    let Content::Line(line) = content else { return None };
    let message: Value = serde_json::from_str(line).ok()?;
    Some((message["id"].as_i64()?, message["method"].as_str()?.to_owned()))
}
