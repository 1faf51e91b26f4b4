//! A comparison in a few numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::semver::Suggestion;
use crate::{Comparison, Counts};

/// A comparison in a few numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Verdicts on the bytes, for an old client with a new server.
    pub old_client: Counts,
    /// Verdicts on the bytes, for a new client with an old server.
    pub new_client: Counts,
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
        let [mut old_client, mut new_client, mut source] = [Counts::default(); 3];
        for finding in comparison.findings.iter().filter(|finding| finding.waived.is_none()) {
            old_client.add(finding.wire.old_client.level);
            new_client.add(finding.wire.new_client.level);
            source.add(finding.source);
        }
        let waived = comparison.findings.iter().filter(|finding| finding.waived.is_some()).count();
        Self { old_client, new_client, source, waived, semver: Suggestion::of(comparison) }
    }
}
