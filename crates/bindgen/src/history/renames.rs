//! Types that got another name: the new one has the history of the old one.

use std::collections::BTreeMap;

use super::{Lives, State};

/// The lives of all types, those of renamed ones joined with what they were called before.
///
/// Where types are gone in a release and others are new in it, a new one with exactly the parts of a gone one counts
/// as that one renamed, if neither has a second such partner. A type that was renamed and changed in one release counts
/// as new, and so does the payload of a method: that of another method is another one, however alike they look. Only
/// the first `count` releases are looked at.
pub(super) fn followed(types: &BTreeMap<String, Lives>, count: usize) -> BTreeMap<String, Lives> {
    let mut types = types.clone();
    for index in 1..count {
        for (old, new) in pairs(&types, index) {
            let Some(before) = types.get(&old).cloned() else { continue };
            let Some(after) = types.get_mut(&new) else { continue };
            after.own[..index].copy_from_slice(&before.own[..index]);
            for (part, life) in &before.parts {
                let of_new =
                    after.parts.entry(part.clone()).or_insert_with(|| vec![State::Absent; life.len()]);
                of_new[..index].copy_from_slice(&life[..index]);
            }
        }
    }
    types
}

/// The types that were renamed in a release, as they were called before and after.
fn pairs(types: &BTreeMap<String, Lives>, index: usize) -> Vec<(String, String)> {
    let is = |lives: &Lives, index: usize| lives.own[index] != State::Absent;
    let parts = |lives: &Lives, index: usize| -> Vec<String> {
        let there = lives.parts.iter().filter(|(_, life)| life[index] != State::Absent);
        there.map(|(part, _)| part.clone()).collect()
    };
    let mut by_parts: BTreeMap<Vec<String>, (Vec<&String>, Vec<&String>)> = BTreeMap::new();
    let is_payload =
        |name: &str| ["Params", "Response", "Notification"].iter().any(|end| name.ends_with(end));
    for (name, lives) in types.iter().filter(|(name, _)| !is_payload(name)) {
        if is(lives, index - 1) && !is(lives, index) {
            by_parts.entry(parts(lives, index - 1)).or_default().0.push(name);
        } else if lives.own[..index].iter().all(|state| *state == State::Absent) && is(lives, index) {
            by_parts.entry(parts(lives, index)).or_default().1.push(name);
        }
    }
    by_parts.remove(&Vec::new());
    let only = by_parts.into_values().filter_map(|(gone, new)| match (&gone[..], &new[..]) {
        ([gone], [new]) => Some(((*gone).clone(), (*new).clone())),
        _ => None,
    });
    only.collect()
}
