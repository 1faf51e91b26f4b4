//! The order in which findings are told: the worst first, by the axis that the reader cares about.

use crate::verdict::Axis;
use crate::{Comparison, Finding, Level};

/// A part of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Breaks on the axis.
    Breaking,
    /// May break on the axis.
    Dangerous,
    /// Safe on the axis, but not on the other one.
    Elsewhere,
    /// Safe on both.
    Safe,
    /// Accepted by somebody.
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
    pub(super) const ALL: [Self; 5] =
        [Self::Breaking, Self::Dangerous, Self::Elsewhere, Self::Safe, Self::Waived];

    pub(super) fn of(finding: &Finding, axis: Axis) -> Self {
        let worst = Axis::Both.level(finding);
        match (finding.waived.is_some(), axis.level(finding)) {
            (true, _) => Self::Waived,
            (false, Level::Breaking) => Self::Breaking,
            (false, Level::Dangerous) => Self::Dangerous,
            (false, Level::Safe) if worst == Level::Safe => Self::Safe,
            (false, Level::Safe) => Self::Elsewhere,
        }
    }

    /// The heading of the part.
    fn title(self, axis: Axis) -> &'static str {
        match (self, axis) {
            (Self::Breaking, _) => "Breaking",
            (Self::Dangerous, _) => "Dangerous",
            (Self::Elsewhere, Axis::Source) => "On the wire only",
            (Self::Elsewhere, _) => "For Rust code only",
            (Self::Safe, _) => "Safe",
            (Self::Waived, _) => "Waived",
        }
    }
}

/// The parts that have findings, in order. Within a part the worst comes first, the stable surface before the
/// experimental one, and then the order of the comparison.
pub(super) fn sections(comparison: &Comparison, axis: Axis) -> Vec<Section<'_>> {
    let of = |part: Part| {
        let mut findings: Vec<&Finding> =
            comparison.findings.iter().filter(|finding| Part::of(finding, axis) == part).collect();
        findings.sort_by_key(|finding| {
            let level = (axis.level(finding), Axis::Both.level(finding));
            (std::cmp::Reverse(level), finding.stability)
        });
        Section { part, title: part.title(axis), findings }
    };
    Part::ALL.into_iter().map(of).filter(|section| !section.findings.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    fn parts(axis: Axis) -> Vec<(Part, usize)> {
        let comparison = example::comparison();
        sections(&comparison, axis).iter().map(|section| (section.part, section.findings.len())).collect()
    }

    #[test]
    fn the_axis_decides_the_part() {
        use Part::{Breaking, Dangerous, Elsewhere, Safe, Waived};
        let wire = [(Breaking, 2), (Dangerous, 1), (Elsewhere, 1), (Safe, 2), (Waived, 1)];
        assert_eq!(parts(Axis::Wire), wire);
        assert_eq!(parts(Axis::Source), [(Breaking, 3), (Elsewhere, 1), (Safe, 2), (Waived, 1)]);
        assert_eq!(parts(Axis::Both), [(Breaking, 3), (Dangerous, 1), (Safe, 2), (Waived, 1)]);
    }
}
