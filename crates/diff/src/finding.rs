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
    /// What was left out, if the comparison is limited to what a program uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
}

/// The findings that do not concern what a program uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// The methods that the program uses.
    pub methods: Vec<String>,
    /// The types that the program uses.
    pub types: Vec<String>,
    /// Names in recordings that neither protocol knows.
    pub unknown: Vec<String>,
    /// How many findings were left out.
    pub findings: usize,
    /// Their levels for an old client with a new server.
    pub old_client: Counts,
    /// Their levels for a new client with an old server.
    pub new_client: Counts,
    /// Their levels for Rust code.
    pub source: Counts,
    /// How many of them break an old client with a new server, but no Rust code.
    pub breaks_wire_alone: usize,
}

/// How many findings there are of each level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Something breaks.
    pub breaking: usize,
    /// Something may break.
    pub dangerous: usize,
    /// Nothing breaks.
    pub safe: usize,
}

impl Counts {
    /// Counts one more finding.
    pub fn add(&mut self, level: Level) {
        *match level {
            Level::Breaking => &mut self.breaking,
            Level::Dangerous => &mut self.dangerous,
            Level::Safe => &mut self.safe,
        } += 1;
    }
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
    /// What it does to the bytes between a client and a server of different versions.
    pub wire: Wire,
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
    /// The change in a few words; the shapes are in `old` and `new`.
    pub message: String,
    /// What is special about this finding, such as why Rust code is not concerned as the rule says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The methods it reaches.
    pub reach: Vec<Reach>,
    /// Names this finding, and survives changes that have nothing to do with it.
    pub fingerprint: String,
    /// Why it is accepted, where it is.
    pub waived: Option<String>,
}

/// What a change does to the bytes, for both ways in which two versions can meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wire {
    /// A client of the old version talks to a server of the new one.
    pub old_client: Verdict,
    /// A client of the new version talks to a server of the old one.
    pub new_client: Verdict,
}

/// A level, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// How bad it is.
    pub level: Level,
    /// What the client does and what the server makes of it, or the other way round.
    pub text: String,
}

/// A level, and why: what the client does and what the server makes of it, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// How bad it is.
    pub level: Level,
    /// Why, as a part of a sentence in which "the client" and "the server" are those of the skew.
    pub text: &'static str,
}

/// The verdicts of a rule, or of what differs inside a replaced type, for both skews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Skews {
    pub(crate) old_client: Judged,
    pub(crate) new_client: Judged,
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
