//! The order in which findings are told: the worst first, by the axis and the skew that the reader asks for.

use crate::verdict::{Axis, Gate, Skew};
use crate::{Comparison, Finding, Level};

/// A part of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Breaks on the axis, for the skew.
    Breaking,
    /// May break on the axis, for the skew.
    Dangerous,
    /// Safe on the axis, but not on the other one.
    OtherAxis,
    /// Safe on both axes, but not for the other skew.
    OtherSkew,
    /// Safe in every way.
    Safe,
    /// Accepted by a waiver.
    Waived,
}

/// The findings of one part; there is at least one.
#[derive(Debug)]
pub(super) struct Section<'c> {
    pub(super) part: Part,
    pub(super) title: &'static str,
    pub(super) findings: Vec<&'c Finding>,
}

impl Part {
    pub(super) const ALL: [Self; 6] =
        [Self::Breaking, Self::Dangerous, Self::OtherAxis, Self::OtherSkew, Self::Safe, Self::Waived];

    /// Whether its findings are listed in a line each, by rule.
    pub(super) fn is_listed(self) -> bool {
        matches!(self, Self::OtherSkew | Self::Safe)
    }

    pub(super) fn of(finding: &Finding, gate: Gate) -> Self {
        let both_axes = Gate { axis: Axis::Both, ..gate };
        match (finding.waived.is_some(), gate.level(finding)) {
            (true, _) => Self::Waived,
            (false, Level::Breaking) => Self::Breaking,
            (false, Level::Dangerous) => Self::Dangerous,
            (false, Level::Safe) if both_axes.level(finding) != Level::Safe => Self::OtherAxis,
            (false, Level::Safe) if finding.worst() != Level::Safe => Self::OtherSkew,
            (false, Level::Safe) => Self::Safe,
        }
    }

    /// The heading of the part.
    fn title(self, gate: Gate) -> &'static str {
        match (self, gate.axis, gate.skew) {
            (Self::Breaking, ..) => "Breaking",
            (Self::Dangerous, ..) => "Dangerous",
            (Self::OtherAxis, Axis::Source, _) => "On the wire only",
            (Self::OtherAxis, ..) => "For Rust code only",
            (Self::OtherSkew, _, Skew::NewClient) => "Only for an old client with a new server",
            (Self::OtherSkew, ..) => "Only for a new client with an old server",
            (Self::Safe, ..) => "Safe",
            (Self::Waived, ..) => "Waived",
        }
    }
}

/// The parts that have findings, in order. Within a part the worst comes first, the stable surface before the
/// experimental one, and then the order of the comparison.
pub(super) fn sections(comparison: &Comparison, gate: Gate) -> Vec<Section<'_>> {
    let of = |part: Part| {
        let mut findings: Vec<&Finding> =
            comparison.findings.iter().filter(|finding| Part::of(finding, gate) == part).collect();
        findings.sort_by_key(|finding| {
            (std::cmp::Reverse((gate.level(finding), finding.worst())), finding.stability)
        });
        Section { part, title: part.title(gate), findings }
    };
    Part::ALL.into_iter().map(of).filter(|section| !section.findings.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    fn parts(axis: Axis, skew: Skew) -> Vec<(Part, usize)> {
        let comparison = example::comparison();
        let gate = Gate { axis, skew, ..Gate::default() };
        sections(&comparison, gate).iter().map(|section| (section.part, section.findings.len())).collect()
    }

    #[test]
    fn axis_and_skew_decide_the_part() {
        use Part::{Breaking, Dangerous, OtherAxis, OtherSkew, Safe, Waived};
        let old = parts(Axis::Wire, Skew::OldClient);
        assert_eq!(
            old,
            [(Breaking, 2), (Dangerous, 1), (OtherAxis, 1), (OtherSkew, 2), (Safe, 1), (Waived, 1)]
        );
        let new = parts(Axis::Wire, Skew::NewClient);
        assert_eq!(
            new,
            [(Breaking, 1), (Dangerous, 3), (OtherAxis, 1), (OtherSkew, 1), (Safe, 1), (Waived, 1)]
        );
        let both = parts(Axis::Wire, Skew::Both);
        assert_eq!(both, [(Breaking, 3), (Dangerous, 2), (OtherAxis, 1), (Safe, 1), (Waived, 1)]);
        let source = parts(Axis::Source, Skew::OldClient);
        assert_eq!(source, [(Breaking, 3), (OtherAxis, 1), (OtherSkew, 2), (Safe, 1), (Waived, 1)]);
        let all = parts(Axis::Both, Skew::OldClient);
        assert_eq!(all, [(Breaking, 3), (Dangerous, 1), (OtherSkew, 2), (Safe, 1), (Waived, 1)]);
    }
}
