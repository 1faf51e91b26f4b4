//! Which old protocols stay as fixtures: one in fifteen minor versions for good, and the last pinned one until the next
//! upgrade, so that what an upgrade changes can be looked at without a download.

use std::fs;

use anyhow::{Context, Result};

use super::plan::Plan;
use crate::inputs;

const FOLDER: &str = "tests/fixtures/protocols";
/// A fixture this many minor versions after the one before it stays for good.
const DISTANCE: u32 = 15;

/// Plans the fixture of the version that is left, and takes away the one of the version left before.
pub fn keep(plan: &mut Plan, left: &str) -> Result<()> {
    let path = |version: &str| format!("{FOLDER}/{version}.json");
    if let Some(passing) = passing(&versions()?).filter(|version| *version != left) {
        plan.delete(&path(passing));
    }
    let schema = inputs::schema_dir().join("app-server.json");
    plan.write(&path(left), inputs::read(&schema)?);
    Ok(())
}

/// The newest fixture that is older than `version`: what an upgrade to that version left.
pub fn before(version: &str) -> Result<Option<String>> {
    let (all, own) = (versions()?, minor(version));
    Ok(all.into_iter().rev().find(|older| minor(older) < own))
}

/// The versions of the fixtures, oldest first.
fn versions() -> Result<Vec<String>> {
    let folder = inputs::root().join(FOLDER);
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {FOLDER}"))?;
    let mut versions = Vec::new();
    for entry in entries {
        let name = entry.with_context(|| format!("cannot list {FOLDER}"))?.file_name();
        versions.extend(name.to_string_lossy().strip_suffix(".json").map(str::to_owned));
    }
    versions.sort_by_key(|version| minor(version));
    Ok(versions)
}

/// The newest fixture, if it is too close to the one before it to stay.
fn passing(versions: &[String]) -> Option<&str> {
    let [.., before, newest] = versions else { return None };
    let (before, last) = (minor(before), minor(newest));
    (last.0 == before.0 && last.1 < before.1 + DISTANCE).then_some(newest.as_str())
}

/// Major, minor and patch number.
fn minor(version: &str) -> (u32, u32, u32) {
    let mut numbers = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixture_near_the_one_before_it_is_passing() {
        let versions = |list: &[&str]| list.iter().map(|version| (*version).to_owned()).collect::<Vec<_>>();
        assert_eq!(passing(&versions(&["0.99.0", "0.150.0", "0.166.0"])), None);
        assert_eq!(passing(&versions(&["0.150.0", "0.166.0", "0.170.0"])), Some("0.170.0"));
        assert_eq!(passing(&versions(&["0.166.0", "0.181.2"])), None);
        assert_eq!(passing(&versions(&["0.166.0"])), None);
    }
}
