//! Where the pinned codex version is named by hand, and how such text moves to another version.
//!
//! Everything else derives the version: generated code has `CODEX_VERSION`, tests use that. A test makes sure that no
//! other file names the pin.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use codex_appserver_bindgen::Decision;

use super::plan::Plan;
use crate::inputs;

/// Files, or folders with all in them, whose mentions of the pin move with it.
const MOVING: [&str; 7] = [
    "README.md",
    "docs/ci.md",
    "docs/guide/",
    "crates/codex/README.md",
    "crates/runtime/README.md",
    "crates/testkit/README.md",
    ".github/ISSUE_TEMPLATE/",
];

/// Files that name versions for their own reasons: data of those versions, or written by a command.
const EXEMPT: [&str; 11] = [
    "Cargo.toml",
    "CHANGELOG.md",
    "docs/compatibility.md",
    "docs/history.html",
    "docs/history.md",
    "generated/",
    "schema/",
    "tests/fixtures/",
    "tests/fuzz/corpus/",
    "xtask/Cargo.toml",
    "Cargo.lock",
];

fn is_in(path: &str, list: &[&str]) -> bool {
    list.iter().any(|entry| path == *entry || entry.ends_with('/') && path.starts_with(entry))
        || path.ends_with("/Cargo.lock") && list.contains(&"Cargo.lock")
}

/// A codex version as text names it: `0.150.0`, and `0.150` for all of its minor version.
struct Names {
    full: String,
    minor: String,
}

impl Names {
    fn of(version: &str) -> Self {
        let minor = version.rsplit_once('.').map_or(version, |(minor, _)| minor);
        Self { full: version.to_owned(), minor: minor.to_owned() }
    }
}

/// Plans the new version in every text that moves.
pub fn r#move(plan: &mut Plan, old: &str, new: &str) -> Result<()> {
    let (old, new) = (Names::of(old), Names::of(new));
    for path in tracked()?.iter().filter(|path| is_in(path, &MOVING)) {
        let Some(text) = plan.text(path) else { continue };
        let moved = replace(&replace(&text, &old.full, &new.full), &old.minor, &new.minor);
        if moved != text {
            plan.write(path, moved);
        }
    }
    Ok(())
}

/// Lines that name a version by hand in files that do not move, as decisions.
pub fn strays(plan: &Plan, version: &str) -> Result<Vec<Decision>> {
    let names = Names::of(version);
    let mut strays = Vec::new();
    for path in tracked()?.iter().filter(|path| !is_in(path, &EXEMPT) && !is_in(path, &MOVING)) {
        let Some(text) = plan.text(path) else { continue };
        for (index, line) in text.lines().enumerate() {
            if find(line, &names.minor).is_some() {
                strays.push(Decision {
                    file: format!("{path}:{}", index + 1),
                    problem: format!(
                        "names codex {version} by hand: `{}`; use CODEX_VERSION, another version, or no version",
                        line.trim()
                    ),
                    row: None,
                });
            }
        }
    }
    Ok(strays)
}

/// The files that git knows, below the root.
fn tracked() -> Result<Vec<String>> {
    let output = Command::new("git").arg("-C").arg(inputs::root()).args(["ls-files", "-z"]).output();
    let output = output.context("cannot run `git ls-files`")?;
    ensure!(output.status.success(), "`git ls-files` failed: {}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8_lossy(&output.stdout);
    Ok(list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// Where `version` stands as a whole: not as a part of a longer number. `0.15` is not in `0.150`, `10.15` or `0.15.2`
/// where that means the full version; a minor version is in its `0.15.N` and in `0.15.0` as well.
fn find(text: &str, version: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_minor = version.split('.').count() == 2;
    let mut from = 0;
    while let Some(at) = text[from..].find(version).map(|at| from + at) {
        let before = at.checked_sub(1).map(|index| bytes[index]);
        let after = bytes.get(at + version.len());
        let starts = before.is_none_or(|byte| !byte.is_ascii_digit() && byte != b'.');
        let ends = after.is_none_or(|byte| !byte.is_ascii_digit())
            && (is_minor
                || after != Some(&b'.')
                || !bytes.get(at + version.len() + 1).is_some_and(u8::is_ascii_digit));
        if starts && ends {
            return Some(at);
        }
        from = at + version.len();
    }
    None
}

fn replace(text: &str, old: &str, new: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = find(rest, old) {
        out.push_str(&rest[..at]);
        out.push_str(new);
        rest = &rest[at + old.len()..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_as_a_whole() {
        for (text, version, at) in [
            ("codex 0.150.0", "0.150.0", Some(6)),
            ("10.150.0 and 0.150.01", "0.150.0", None),
            ("0.150.0.1", "0.150.0", None),
            ("ends with 0.150.0.", "0.150.0", Some(10)),
            ("`0.150.N`", "0.150", Some(1)),
            ("0.150.0", "0.150", Some(0)),
            ("0.1500 1.0.150", "0.150", None),
        ] {
            assert_eq!(find(text, version), at, "{text}");
        }
    }

    #[test]
    fn every_mention_is_replaced() {
        assert_eq!(
            replace("0.1.0, 0.1.0-x, 10.1.0, 0.1.0", "0.1.0", "0.2.0"),
            "0.2.0, 0.2.0-x, 10.1.0, 0.2.0"
        );
        assert_eq!(replace("`0.1.N` of codex 0.1", "0.1", "0.2"), "`0.2.N` of codex 0.2");
    }

    /// A file that names the pin by hand has to be edited at every upgrade.
    #[test]
    fn only_files_that_move_name_the_pinned_version() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        inputs::assume_root(&root.canonicalize().expect("the root is there"));
        let pin = inputs::Provenance::read().expect("the provenance is there").codex_version;
        let strays = strays(&Plan::new(crate::inputs::root()), &pin).expect("git lists the files");
        assert!(strays.is_empty(), "{}", crate::decisions::text(&strays));
    }
}
