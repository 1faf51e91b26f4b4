//! The order of findings: what matters most first, and the same order in every run.

use std::cmp::Reverse;

use crate::finding::Finding;

/// The worst first, then by rule, place and fingerprint.
pub(crate) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| key(a).cmp(&key(b)));
}

fn key(finding: &Finding) -> impl Ord + '_ {
    let Finding { wire, source, rule, place, fingerprint, .. } = finding;
    (Reverse(*wire), Reverse(*source), rule, place, fingerprint)
}
