//! The order of findings: what matters most first, and the same order in every run.

use std::cmp::Reverse;

use crate::finding::Finding;

/// The worst for old clients first, then the worst for Rust code and for new clients, then by rule, place and fingerprint.
pub(crate) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| key(a).cmp(&key(b)));
}

fn key(finding: &Finding) -> impl Ord + '_ {
    let Finding { wire, source, rule, place, fingerprint, .. } = finding;
    let levels = (wire.old_client.level, *source, wire.new_client.level);
    (Reverse(levels), rule, place, fingerprint)
}
