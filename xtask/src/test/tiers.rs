//! Counts the tests of each tier and compares them with `tests/tiers.toml`, so that no test vanishes unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{git, inputs, tree, workspace};

const HEAD: &str = "\
# Which tests run in which tier. `cargo xtask test tiers` compares this file with the tests that there are, and
# `cargo xtask test tiers --write` writes it. Names are those that cargo-nextest has: PACKAGE::TEST_PROGRAM.
#
# [default]: at least so many tests of each program run in the default tier, on Linux and with all features.
# [full]: these tests run in the full tier only. They are marked `#[ignore = \"full tier: WHY\"]`.

";

/// What `tests/tiers.toml` holds.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Census {
    /// How many tests of each program run in the default tier.
    default: BTreeMap<String, usize>,
    /// Which tests of each program run in the full tier only.
    full: BTreeMap<String, BTreeSet<String>>,
}

/// Compares; false where a test has vanished, or moved to another tier without a change of the file.
pub fn check() -> Result<bool> {
    if !cfg!(target_os = "linux") {
        eprintln!("the tests are counted on Linux only");
        return Ok(true);
    }
    let path = path();
    let bytes = inputs::read(&path)?;
    let text = String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8", inputs::shown(&path)))?;
    let known: Census = toml::from_str(&text).with_context(|| {
        format!(
            "{} does not parse; write it again with `cargo xtask test tiers --write`",
            inputs::shown(&path)
        )
    })?;
    let found = count()?;
    let mut complaints = complaints(&known, &found);
    complaints.extend(without_reason(&git::run(&["grep", "-n", "#\\[ignore", "--", "*.rs"])?));
    for complaint in &complaints {
        eprintln!("{}: {complaint}", inputs::shown(&path));
    }
    if !complaints.is_empty() {
        eprintln!("if that is meant, run `cargo xtask test tiers --write` and commit the file");
        return Ok(false);
    }
    let full: usize = found.full.values().map(BTreeSet::len).sum();
    let default: usize = found.default.values().sum();
    eprintln!("{default} tests in the default tier, {} in the full tier", default + full);
    Ok(true)
}

/// Writes the file anew.
pub fn write() -> Result<()> {
    let path = path();
    let census = toml::to_string_pretty(&count()?).context("cannot write the counts as TOML")?;
    tree::write_whole(&path, format!("{HEAD}{census}").as_bytes())?;
    eprintln!("wrote {}", inputs::shown(&path));
    Ok(())
}

fn path() -> PathBuf {
    inputs::root().join("tests/tiers.toml")
}

/// What is in the file and no longer there, and what the full tier alone runs without being in the file. A test
/// that is new in the default tier is no complaint.
fn complaints(known: &Census, found: &Census) -> Vec<String> {
    let mut complaints = Vec::new();
    for (program, tests) in &known.default {
        let now = found.default.get(program).copied().unwrap_or_default();
        if now < *tests {
            complaints.push(format!("{program}: {tests} tests were in the default tier, now {now} are"));
        }
    }
    let none = BTreeSet::new();
    let programs: BTreeSet<&String> = known.full.keys().chain(found.full.keys()).collect();
    for program in programs {
        let before = known.full.get(program).unwrap_or(&none);
        let now = found.full.get(program).unwrap_or(&none);
        complaints
            .extend(before.difference(now).map(|test| format!("{program}: {test} has left the full tier")));
        complaints.extend(now.difference(before).map(|test| {
            format!("{program}: {test} is ignored in the default tier, and is not listed in the full tier")
        }));
    }
    complaints
}

/// Tests that are ignored without being marked for the full tier, of what git finds as `path:line:text`.
fn without_reason(found: &str) -> Vec<String> {
    let places = found.lines().filter_map(|line| {
        let (path, rest) = line.split_once(':')?;
        let (number, text) = rest.split_once(':')?;
        let text = text.trim_start();
        let is_bare = text.starts_with("#[ignore") && !text.starts_with("#[ignore = \"full tier: ");
        is_bare.then(|| format!("{path}:{number}: write `#[ignore = \"full tier: WHY\"]`"))
    });
    places.collect()
}

/// Builds every test program and has each list its tests.
fn count() -> Result<Census> {
    let mut census = Census::default();
    for select in ["--workspace --all-features", "--manifest-path xtask/Cargo.toml"] {
        for (name, program) in programs(select)? {
            let full = list(&program, &["--ignored"])?;
            let all = list(&program, &[])?;
            census.default.insert(name.clone(), all.difference(&full).count());
            if !full.is_empty() {
                census.full.insert(name, full);
            }
        }
    }
    census.default.insert("doc tests".to_owned(), doc_tests()?);
    census.default.retain(|_, tests| *tests > 0);
    Ok(census)
}

/// How many examples in docs are tests.
fn doc_tests() -> Result<usize> {
    let count = |arguments: &str| -> Result<usize> {
        let line =
            format!("test --quiet --doc --workspace --all-features -- --list --format terse{arguments}");
        Ok(output(&line)?.lines().filter(|line| line.ends_with(": test")).count())
    };
    Ok(count("")? - count(" --ignored")?)
}

/// The test programs of a selection, by name.
fn programs(select: &str) -> Result<BTreeMap<String, PathBuf>> {
    let line = format!("test --no-run --quiet --message-format=json-render-diagnostics {select}");
    let programs: BTreeMap<_, _> = output(&line)?.lines().filter_map(program).collect();
    if programs.is_empty() {
        bail!("`cargo {line}` built no test programs");
    }
    Ok(programs)
}

/// What a cargo command prints to standard output.
fn output(line: &str) -> Result<String> {
    let mut command = workspace::cargo();
    command.args(line.split_whitespace()).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot run `cargo {line}`"))?;
    if !output.status.success() {
        bail!("`cargo {line}` failed; the reason is printed above");
    }
    String::from_utf8(output.stdout).with_context(|| format!("`cargo {line}` printed what is not UTF-8"))
}

/// The name and path of the test program that a message of cargo reports.
fn program(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let path = message["executable"].as_str()?;
    let (target, kind) = (message["target"]["name"].as_str()?, message["target"]["kind"][0].as_str()?);
    let package = package(message["package_id"].as_str()?);
    let name = match kind {
        "test" => format!("{package}::{target}"),
        "bin" | "example" => format!("{package}::{kind}/{target}"),
        _ => package.to_owned(),
    };
    Some((name, path.into()))
}

/// The name of a package in cargo's id, `path+file:///folder#name@1.0.0` or `path+file:///name#1.0.0`.
fn package(id: &str) -> &str {
    let (url, fragment) = id.rsplit_once('#').unwrap_or((id, ""));
    match fragment.split_once('@') {
        Some((name, _)) => name,
        None => url.rsplit('/').next().unwrap_or(url),
    }
}

fn list(program: &Path, arguments: &[&str]) -> Result<BTreeSet<String>> {
    let describe = || format!("cannot list the tests of {}", program.display());
    let mut command = Command::new(program);
    let output =
        command.args(["--list", "--format", "terse"]).args(arguments).output().with_context(describe)?;
    if !output.status.success() {
        bail!("{}: {}", describe(), String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(default: &[(&str, usize)], full: &[(&str, &str)]) -> Census {
        let mut census = Census::default();
        census.default.extend(default.iter().map(|(program, tests)| ((*program).to_owned(), *tests)));
        for (program, test) in full {
            census.full.entry((*program).to_owned()).or_default().insert((*test).to_owned());
        }
        census
    }

    #[test]
    fn more_tests_are_no_complaint() {
        let known = census(&[("a", 1)], &[("a", "slow")]);
        let found = census(&[("a", 2), ("b::c", 1)], &[("a", "slow")]);
        assert_eq!(complaints(&known, &found), [""; 0]);
    }

    #[test]
    fn vanished_and_moved_tests_are_named() {
        let known = census(&[("a", 3), ("b", 1)], &[("a", "slow"), ("b", "slower")]);
        let found = census(&[("a", 2)], &[("a", "slow"), ("a", "new")]);
        assert_eq!(
            complaints(&known, &found),
            [
                "a: 3 tests were in the default tier, now 2 are",
                "b: 1 tests were in the default tier, now 0 are",
                "a: new is ignored in the default tier, and is not listed in the full tier",
                "b: slower has left the full tier",
            ]
        );
    }

    #[test]
    fn an_ignored_test_says_that_it_is_for_the_full_tier() {
        let found =
            "a.rs:3:#[ignore = \"full tier: slow\"]\nb.rs:4:    #[ignore]\nc.rs:5:/// `#[ignore]` in prose\n";
        assert_eq!(without_reason(found), ["b.rs:4: write `#[ignore = \"full tier: WHY\"]`"]);
    }

    #[test]
    fn the_file_reads_what_it_writes() {
        let census = census(&[("a", 3), ("b::c", 1)], &[("b::c", "slow")]);
        let text = format!("{HEAD}{}", toml::to_string_pretty(&census).expect("TOML"));
        assert_eq!(toml::from_str::<Census>(&text).expect("it parses"), census);
    }

    #[test]
    fn test_programs_are_named_as_nextest_names_them() {
        let message = |id: &str, kind: &str, name: &str, test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"{id}","target":{{"kind":["{kind}"],"name":"{name}"}},"profile":{{"test":{test}}},"executable":"/t"}}"#
            )
        };
        let name = |message: String| program(&message).map(|(name, _)| name);
        let client = "path+file:///r/crates/client#codex-appserver-client@0.1.0";
        assert_eq!(
            name(message(client, "test", "loads", true)).as_deref(),
            Some("codex-appserver-client::loads")
        );
        assert_eq!(name(message(client, "lib", "x", true)).as_deref(), Some("codex-appserver-client"));
        let xtask = "path+file:///r/xtask#0.1.0";
        assert_eq!(name(message(xtask, "bin", "xtask", true)).as_deref(), Some("xtask::bin/xtask"));
        assert_eq!(name(message(xtask, "bin", "xtask", false)), None);
        assert_eq!(name("no JSON".to_owned()), None);
    }
}
