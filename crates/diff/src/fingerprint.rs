//! Names a finding by its content, so that a waiver survives changes that have nothing to do with it.

use sha2::{Digest, Sha256};

/// As many bytes as keep thousands of findings apart.
const BYTES: usize = 6;

/// Made of the rule, the place and both shapes; not of versions, and not of the methods that are reached,
/// since a new method that uses a type does not change what happened to the type.
pub(crate) fn of(rule: &str, place: &str, old: Option<&str>, new: Option<&str>) -> String {
    let mut hash = Sha256::new();
    for part in [Some(rule), Some(place), old, new] {
        // The length keeps the parts apart, and an absent part from an empty one.
        hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
        hash.update(part.unwrap_or_default());
    }
    hash.finalize().iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn every_part_counts() {
        let base = of("rule", "Place.a", Some("i32"), Some("i64"));
        assert_eq!(base.len(), 12);
        for other in [
            of("rule2", "Place.a", Some("i32"), Some("i64")),
            of("rule", "Place.b", Some("i32"), Some("i64")),
            of("rule", "Place.a", None, Some("i64")),
            of("rule", "Place.a", Some(""), Some("i64")),
            of("rule", "Place.a", Some("i32i64"), None),
        ] {
            assert_ne!(other, base);
        }
    }
}
