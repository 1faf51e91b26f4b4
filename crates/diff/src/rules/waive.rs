//! When a finding may be waived; rules of one kind share the words.

pub(super) const SENT: &str =
    "Waive it when no client that you care for sends this, or when clients and servers are updated together.";
pub(super) const READ: &str = "Waive it when no client that you care for looks at this, or when clients and servers are updated together.";
pub(super) const CODE: &str = "On WIRE there is nothing to waive. On SOURCE, waive it when the release of the generated crates allows for breaking changes.";
pub(super) const SAFE: &str = "It stops no check by itself, so that there is nothing to waive.";
