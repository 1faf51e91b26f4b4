//! `cargo xtask release-check`: everything that has to be right before a release.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::inputs::{self, Provenance};
use crate::{Outcome, git, test, workspace};

/// How the packages of the workspace begin.
const PREFIX: &str = "codex-appserver";
/// What crates.io and docs.rs show of a package.
const METADATA: [&str; 6] = ["description", "license", "readme", "documentation", "edition", "rust_version"];

/// Check everything that a release needs: versions, changelog, metadata, a clean tree, packages and docs.
///
/// Prints every problem. RELEASING.md has the steps before and after it.
///
/// Example: cargo xtask release-check --no-build
#[derive(clap::Args)]
pub struct Args {
    /// Leave out what compiles: the generated crates, the docs and the packages.
    #[arg(long)]
    no_build: bool,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<Outcome> {
    let [packages, xtask] = workspace::MANIFESTS.map(workspace::packages);
    let (packages, xtask) = (packages?, xtask?);
    let manifest: toml::Table = parse("Cargo.toml")?;
    let version = manifest["workspace"]["package"]["version"].as_str();
    let version = version.context("Cargo.toml: `workspace.package.version` is no string")?;

    let mut problems = versions(version, &manifest, packages.iter().chain(&xtask));
    problems.extend(codex_version(version, &Provenance::read()?.codex_version));
    problems.extend(changelog(version, &text("CHANGELOG.md")?));
    problems.extend(packages.iter().flat_map(package));
    let changed = git::run(&["status", "--porcelain"])?;
    problems.extend(changed.lines().map(|line| format!("not committed: {line}")));

    for problem in &problems {
        println!("{problem}");
    }
    let builds =
        if args.no_build { Outcome::Clean } else { test::run_steps(&["codegen", "doc", "package"])? };
    if problems.is_empty() && builds == Outcome::Clean {
        println!("{version} can be released");
        return Ok(Outcome::Clean);
    }
    Ok(Outcome::Found)
}

fn text(path: &str) -> Result<String> {
    let bytes = inputs::read(&inputs::root().join(path))?;
    String::from_utf8(bytes).with_context(|| format!("{path} is not UTF-8"))
}

fn parse(path: &str) -> Result<toml::Table> {
    toml::from_str(&text(path)?).with_context(|| format!("{path} does not parse"))
}

/// Every package, and every entry of `workspace.dependencies` about one of ours, has the same version.
fn versions<'a>(
    version: &str,
    manifest: &toml::Table,
    packages: impl Iterator<Item = &'a Value>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages.filter(|package| package["version"] != version) {
        problems.push(format!("{}: the version is {}, not {version}", package["name"], package["version"]));
    }
    let dependencies = manifest["workspace"].get("dependencies").and_then(toml::Value::as_table);
    for (name, entry) in dependencies.into_iter().flatten().filter(|(name, _)| name.starts_with(PREFIX)) {
        let found = entry.get("version").and_then(toml::Value::as_str);
        if found != Some(version) {
            let found = found.unwrap_or("no version");
            problems.push(format!("Cargo.toml: `workspace.dependencies.{name}` has {found}, not {version}"));
        }
    }
    problems
}

/// `0.150.N` is the protocol of codex 0.150.
fn codex_version(version: &str, codex: &str) -> Option<String> {
    let minor = |version: &str| version.rsplit_once('.').map(|(minor, _)| minor.to_owned());
    (minor(version) != minor(codex))
        .then(|| format!("schema/provenance.toml: codex is {codex}, which {version} does not stand for"))
}

/// The changelog has a dated section for the version, right below an empty one for what comes next.
fn changelog(version: &str, text: &str) -> Vec<String> {
    let sections: Vec<(&str, &str)> = text
        .split("\n## ")
        .skip(1)
        .map(|section| section.split_once('\n').unwrap_or((section, "")))
        .collect();
    let mut problems = Vec::new();
    match sections.first() {
        Some((heading, body)) if heading.trim() == "[Unreleased]" => {
            if !body.trim().is_empty() {
                problems.push(format!("CHANGELOG.md: `[Unreleased]` is not empty; move it below {version}"));
            }
        }
        _ => problems.push("CHANGELOG.md: the first section is not `[Unreleased]`".to_owned()),
    }
    let start = format!("[{version}] - ");
    match sections.get(1).and_then(|(heading, _)| heading.strip_prefix(&start)) {
        Some(date) if is_date(date.trim()) => {}
        Some(date) => problems.push(format!("CHANGELOG.md: `{date}` is no date like 2026-11-28")),
        None => problems.push(format!("CHANGELOG.md: the second section is not `{start}YYYY-MM-DD`")),
    }
    problems
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &&str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    matches!(&parts[..], [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2))
}

/// What crates.io shows of a package is there, if it is published.
fn package(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    // An empty list says `publish = false`.
    if package["publish"].as_array().is_some_and(Vec::is_empty) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for key in METADATA.iter().filter(|key| package[**key].as_str().is_none_or(str::is_empty)) {
        problems.push(format!("{name}: `{}` is missing in its manifest", key.replace('_', "-")));
    }
    for key in ["keywords", "categories"] {
        let count = package[key].as_array().map_or(0, Vec::len);
        if !(1..=5).contains(&count) {
            problems.push(format!("{name}: there are {count} `{key}`; crates.io takes 1 to 5"));
        }
    }
    let folder = package["manifest_path"].as_str().and_then(|path| Path::new(path).parent());
    let readme = folder.zip(package["readme"].as_str()).map(|(folder, readme)| folder.join(readme));
    if let Some(readme) = readme.filter(|readme| !readme.is_file()) {
        problems.push(format!("{name}: {} is not there", inputs::shown(&readme)));
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_version_everywhere() {
        let manifest = toml::from_str(
            "[workspace.dependencies]\nserde = '1'\n\
             codex-appserver-wire = { version = '0.1.0' }\ncodex-appserver-diff = { version = '0.2.0' }\n\
             codex-appserver-trace = { path = 'crates/trace' }",
        )
        .expect("TOML");
        let packages = [json!({"name": "a", "version": "0.2.0"}), json!({"name": "b", "version": "0.1.0"})];
        assert_eq!(
            versions("0.2.0", &manifest, packages.iter()),
            [
                "\"b\": the version is \"0.1.0\", not 0.2.0",
                "Cargo.toml: `workspace.dependencies.codex-appserver-trace` has no version, not 0.2.0",
                "Cargo.toml: `workspace.dependencies.codex-appserver-wire` has 0.1.0, not 0.2.0",
            ]
        );
    }

    #[test]
    fn the_minor_version_is_that_of_codex() {
        assert_eq!(codex_version("0.150.3", "0.150.0"), None);
        assert!(codex_version("0.170.0", "0.150.0").is_some());
    }

    #[test]
    fn the_changelog_has_the_version_below_nothing_unreleased() {
        let ready =
            "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-11-28\n\n- x\n\n## [0.1.0] - 2026-01-01\n";
        assert_eq!(changelog("0.2.0", ready), [""; 0]);
        for (text, problem) in [
            ("# Changelog\n\n## [Unreleased]\n\n- x\n\n## [0.2.0] - 2026-11-28\n", "is not empty"),
            ("# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-11-28\n", "is not `[0.2.0] - YYYY-MM-DD`"),
            ("# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - soon\n", "`soon` is no date"),
            ("# Changelog\n\n## [0.3.0] - 2026-11-28\n\n## [0.2.0] - 2026-11-28\n", "is not `[Unreleased]`"),
        ] {
            let found = changelog("0.2.0", text);
            assert!(found.len() == 1 && found[0].contains(problem), "{found:?}");
        }
        assert_eq!(changelog("0.2.0", "").len(), 2);
    }

    #[test]
    fn what_crates_io_shows_is_there() {
        let here = format!("{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
        let whole = json!({
            "name": "a", "publish": null, "description": "d", "license": "MIT", "readme": "src/main.rs",
            "documentation": "u", "edition": "2024", "rust_version": "1.95", "keywords": ["k"],
            "categories": ["c"], "manifest_path": here,
        });
        assert_eq!(package(&whole), [""; 0]);
        let mut bare = whole.clone();
        bare["description"] = Value::Null;
        bare["readme"] = "no-such-file.md".into();
        bare["keywords"] = json!([]);
        let found = package(&bare);
        assert_eq!(
            found[..2],
            [
                "a: `description` is missing in its manifest",
                "a: there are 0 `keywords`; crates.io takes 1 to 5"
            ]
        );
        assert_eq!(found[2], "a: xtask/no-such-file.md is not there");
        bare["publish"] = json!([]);
        assert_eq!(package(&bare), [""; 0]);
    }
}
