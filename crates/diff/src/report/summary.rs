//! A comparison in a few numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::semver::Suggestion;
use crate::verdict::Axis;
use crate::{Comparison, Level};

/// How many findings there are of each level, those left out that somebody accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Something breaks.
    pub breaking: usize,
    /// Something may break.
    pub dangerous: usize,
    /// Nothing breaks.
    pub safe: usize,
}

/// A comparison in a few numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Verdicts on the bytes of deployed peers.
    pub wire: Counts,
    /// Verdicts on Rust code compiled against the generated crates.
    pub source: Counts,
    /// Findings that somebody accepted, in none of the counts above.
    pub waived: usize,
    /// The release of the generated crates that the findings ask for.
    pub semver: Suggestion,
}

impl Summary {
    /// Sums a comparison up.
    pub fn of(comparison: &Comparison) -> Self {
        let waived = comparison.findings.iter().filter(|finding| finding.waived.is_some()).count();
        Self {
            wire: Counts::of(comparison, Axis::Wire),
            source: Counts::of(comparison, Axis::Source),
            waived,
            semver: Suggestion::of(comparison),
        }
    }

    /// All findings.
    pub fn total(&self) -> usize {
        self.wire.breaking + self.wire.dangerous + self.wire.safe + self.waived
    }
}

impl Counts {
    fn of(comparison: &Comparison, axis: Axis) -> Self {
        let mut counts = Self::default();
        for finding in comparison.findings.iter().filter(|finding| finding.waived.is_none()) {
            *match axis.level(finding) {
                Level::Breaking => &mut counts.breaking,
                Level::Dangerous => &mut counts.dangerous,
                Level::Safe => &mut counts.safe,
            } += 1;
        }
        counts
    }
}
