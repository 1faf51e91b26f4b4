//! Which of a finding's levels counts, and whether a comparison passes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::{Verdict, Wire};
use crate::{Comparison, Finding, Level, Stability};

/// What a reader cares about: the bytes between peers, Rust code that is compiled, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// The bytes between a client and a server of different versions.
    #[default]
    Wire,
    /// Rust code compiled against the generated crates.
    Source,
    /// The worse of the two.
    Both,
}

/// Which versions meet on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Skew {
    /// A client of the old version and a server of the new one.
    #[default]
    OldClient,
    /// A client of the new version and a server of the old one.
    NewClient,
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

/// What a reader asks of a comparison: whose levels count, and from which one on it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// The bytes, Rust code, or both.
    pub axis: Axis,
    /// Of the bytes, which versions meet.
    pub skew: Skew,
    /// From which level on it fails.
    pub fail_on: FailOn,
}

impl Skew {
    /// The level of a finding for this skew.
    pub fn level(self, finding: &Finding) -> Level {
        let Wire { old_client, new_client } = &finding.wire;
        match self {
            Self::OldClient => old_client.level,
            Self::NewClient => new_client.level,
            Self::Both => old_client.level.max(new_client.level),
        }
    }

    /// The words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OldClient => "old client, new server",
            Self::NewClient => "new client, old server",
            Self::Both => "either way",
        }
    }
}

impl Gate {
    /// The level of a finding that counts.
    pub fn level(&self, finding: &Finding) -> Level {
        match self.axis {
            Axis::Wire => self.skew.level(finding),
            Axis::Source => finding.source,
            Axis::Both => self.skew.level(finding).max(finding.source),
        }
    }

    /// Whether a comparison fails for this finding: it is bad enough, and no waiver accepts it.
    pub fn fails(&self, finding: &Finding) -> bool {
        finding.waived.is_none() && self.fail_on.includes(self.level(finding))
    }

    /// Whether a report prints the row that accepts a finding: a report that never fails does so for what breaks,
    /// because another run may fail for it.
    pub fn offers_row(&self, finding: &Finding) -> bool {
        let fail_on = if self.fail_on == FailOn::Nothing { FailOn::Breaking } else { self.fail_on };
        Self { fail_on, ..*self }.fails(finding)
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

impl Finding {
    /// The worst of all its levels.
    pub fn worst(&self) -> Level {
        Skew::Both.level(self).max(self.source)
    }

    /// The verdict on the wire for one skew; of both, the one that is worse.
    pub fn verdict(&self, skew: Skew) -> &Verdict {
        let Wire { old_client, new_client } = &self.wire;
        match skew {
            Skew::OldClient => old_client,
            Skew::NewClient => new_client,
            Skew::Both if new_client.level > old_client.level => new_client,
            Skew::Both => old_client,
        }
    }
}

impl Comparison {
    /// The findings for which a comparison fails.
    pub fn failures(&self, gate: Gate) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| gate.fails(finding))
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
