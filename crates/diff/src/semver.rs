//! Which release of the generated crates a comparison asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Comparison, Finding, Level};

/// Which part of the version has to move. The crates stand at `0.MINOR.PATCH`, where the minor number is
/// that of the codex they are made from and is the one that may break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bump {
    /// No release is needed.
    None,
    /// The last number: nothing that compiled or ran before breaks.
    Patch,
    /// The middle number: something breaks.
    Minor,
}

/// A bump, and what speaks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suggestion {
    /// What has to move.
    pub bump: Bump,
    /// Why, in a few words.
    pub reason: String,
}

impl Bump {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Patch => "patch",
            Self::Minor => "minor",
        }
    }
}

impl Suggestion {
    /// What a comparison asks for. On the wire old clients count: a program that was only recompiled sends nothing
    /// that an old server does not know. Waived findings count as well, since that a break is accepted
    /// does not make old code compile, and so does what `--uses` leaves out: the crates are for every program.
    pub fn of(comparison: &Comparison) -> Self {
        let count = |of: fn(&Finding) -> bool| comparison.findings.iter().filter(|&f| of(f)).count();
        let left_out = comparison.left_out.clone().unwrap_or_default();
        let source = left_out.source.breaking + count(|finding| finding.source == Level::Breaking);
        let wire = count(|finding| {
            finding.wire.old_client.level == Level::Breaking && finding.source != Level::Breaking
        });
        let wire = left_out.breaks_wire_alone + wire;
        let (bump, reason) = match (left_out.findings + comparison.findings.len(), source, wire) {
            (0, ..) => (Bump::None, "nothing has changed".to_owned()),
            (_, 0, 0) => (Bump::Patch, "code that compiled still does, and peers understand it".to_owned()),
            (_, 0, wire) => (Bump::Minor, format!("{} for deployed peers", breaks(wire))),
            (_, source, 0) => (Bump::Minor, format!("{} for Rust code", breaks(source))),
            (_, source, wire) => {
                (Bump::Minor, format!("{} for Rust code and {wire} for deployed peers alone", breaks(source)))
            }
        };
        let same_release = || {
            let minor = minor(&comparison.old.codex_version)?;
            (Some(minor) == self::minor(&comparison.new.codex_version)).then_some(minor)
        };
        match same_release() {
            Some(minor) if bump == Bump::Minor => Self {
                bump,
                reason: format!("{reason}, and 0.{minor}.N promises that nothing breaks within 0.{minor}"),
            },
            _ => Self { bump, reason },
        }
    }
}

fn breaks(count: usize) -> String {
    format!("{count} {}", if count == 1 { "break" } else { "breaks" })
}

/// The minor number of a version before 1.0.
fn minor(version: &str) -> Option<u64> {
    let mut numbers = version.split('.');
    (numbers.next()? == "0").then(|| numbers.next()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    fn suggestion(levels: &[(Level, Level)], new: &str) -> Suggestion {
        let mut comparison = example::empty();
        comparison.new.codex_version = new.to_owned();
        comparison.findings =
            levels.iter().map(|(wire, source)| example::finding(*wire, Level::Safe, *source)).collect();
        Suggestion::of(&comparison)
    }

    #[test]
    fn only_what_breaks_moves_the_minor_number() {
        use Level::{Breaking, Dangerous, Safe};
        assert_eq!(suggestion(&[], "0.150.0").bump, Bump::None);
        assert_eq!(suggestion(&[(Safe, Safe), (Dangerous, Safe)], "0.150.0").bump, Bump::Patch);
        assert_eq!(suggestion(&[(Safe, Breaking)], "0.150.0").bump, Bump::Minor);
        assert_eq!(suggestion(&[(Breaking, Safe)], "0.150.0").bump, Bump::Minor);
        let both = suggestion(&[(Breaking, Breaking), (Safe, Breaking), (Breaking, Safe)], "0.150.0");
        assert_eq!(
            both.reason,
            "2 breaks for Rust code and 1 break for deployed peers alone".replace("1 break for", "1 for")
        );
    }

    #[test]
    fn a_break_within_one_codex_minor_is_pointed_out() {
        let reason = suggestion(&[(Level::Breaking, Level::Breaking)], "0.135.3").reason;
        assert!(reason.ends_with("0.135.N promises that nothing breaks within 0.135"), "{reason}");
    }
}
