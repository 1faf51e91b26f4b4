//! Which of a finding's two levels counts, and whether a comparison passes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Comparison, Finding, Level, Stability};

/// What a reader cares about: the bytes of deployed peers, Rust code that is compiled, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// The bytes that deployed peers send.
    #[default]
    Wire,
    /// Rust code compiled against the generated crates.
    Source,
    /// The worse of the two.
    Both,
}

/// From which level on a comparison fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailOn {
    /// A breaking finding.
    #[default]
    Breaking,
    /// A breaking or a dangerous one.
    Dangerous,
    /// It never fails.
    Nothing,
}

impl Axis {
    /// The level of a finding on this axis.
    pub fn level(self, finding: &Finding) -> Level {
        match self {
            Self::Wire => finding.wire,
            Self::Source => finding.source,
            Self::Both => finding.wire.max(finding.source),
        }
    }
}

impl FailOn {
    /// Whether a finding of this level fails.
    pub fn includes(self, level: Level) -> bool {
        match self {
            Self::Breaking => level == Level::Breaking,
            Self::Dangerous => level >= Level::Dangerous,
            Self::Nothing => false,
        }
    }
}

impl Comparison {
    /// The findings for which a comparison fails: bad enough, and accepted by nobody.
    pub fn failures(&self, axis: Axis, fail_on: FailOn) -> impl Iterator<Item = &Finding> {
        let open = self.findings.iter().filter(|finding| finding.waived.is_none());
        open.filter(move |finding| fail_on.includes(axis.level(finding)))
    }
}

impl Level {
    /// All levels, the worst first.
    pub const WORST_FIRST: [Self; 3] = [Self::Breaking, Self::Dangerous, Self::Safe];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Dangerous => "dangerous",
            Self::Breaking => "breaking",
        }
    }
}

impl crate::Direction {
    /// The words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientWrites => "client writes",
            Self::ClientReads => "client reads",
            Self::Both => "client writes and reads",
        }
    }
}

impl Stability {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Experimental => "experimental",
        }
    }
}
