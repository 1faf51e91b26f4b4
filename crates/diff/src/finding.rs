//! What a comparison of two protocols says: findings, each with its verdict and whom it reaches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The comparison of two protocols.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The older protocol.
    pub old: Side,
    /// The newer one.
    pub new: Side,
    /// What differs: the worst first, then by rule, place and fingerprint.
    pub findings: Vec<Finding>,
}

/// One of the two protocols.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// What the user called it: a file, a revision, a version.
    pub name: String,
    /// Its codex version, where it is known.
    pub codex_version: String,
    /// How many methods and definitions it has.
    pub methods: usize,
    /// How many definitions it has.
    pub types: usize,
}

/// One change, with everybody it reaches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule, such as `request-param-required-added`.
    pub rule: String,
    /// What it does to the bytes of deployed peers.
    pub wire: Level,
    /// What it does to Rust code compiled against the generated crates.
    pub source: Level,
    /// Who writes what has changed.
    pub direction: Direction,
    /// Whether it concerns the stable surface.
    pub stability: Stability,
    /// The method, or the definition with the way to what changed in it: `ThreadItem.agentMessage.text`.
    pub place: String,
    /// What was there, in one line.
    pub old: Option<String>,
    /// What is there now, in one line.
    pub new: Option<String>,
    /// The change and its consequence, in one sentence.
    pub message: String,
    /// The methods it reaches.
    pub reach: Vec<Reach>,
    /// Names this finding, and survives changes that have nothing to do with it.
    pub fingerprint: String,
    /// Why it is accepted, where it is.
    pub waived: Option<String>,
}

/// A method that a change reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Reach {
    /// The wire name of the method.
    pub method: String,
    /// `client request`, `server request`, `server notification` or `client notification`.
    pub kind: String,
    /// Who writes the part of the message in which it is.
    pub direction: Direction,
    /// The way there: `turn/start → params → input[] → image`.
    pub witness: String,
}

/// How bad a change is. The order is that of badness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing breaks.
    Safe,
    /// Something may break that depends on how it is used.
    Dangerous,
    /// Something breaks.
    Breaking,
}

/// Who writes what has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The client.
    ClientWrites,
    /// The server.
    ClientReads,
    /// Both: the worse verdict of the two counts.
    Both,
}

/// The surface of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stability {
    /// A stable method reaches it through stable members.
    Stable,
    /// Only with the `experimentalApi` capability.
    Experimental,
}
