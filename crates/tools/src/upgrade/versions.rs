//! The version of the crates: in the manifests of both workspaces, and in every lock file.

use anyhow::{Context, Result};

use super::plan::Plan;

const MANIFESTS: [&str; 2] = ["Cargo.toml", "xtask/Cargo.toml"];
const LOCKS: [&str; 8] = [
    "Cargo.lock",
    "benches/build/Cargo.lock",
    "benches/client/Cargo.lock",
    "benches/decode/Cargo.lock",
    "tests/downstream/blocking-only/Cargo.lock",
    "tests/downstream/full-async/Cargo.lock",
    "tests/downstream/types-only/Cargo.lock",
    "tests/fuzz/Cargo.lock",
];
const XTASK_LOCK: &str = "xtask/Cargo.lock";

/// The version of the crates for a codex: `0.150.0` for any 0.150, or the current one where the minor version stays.
fn of_codex(current: &str, codex: &str) -> String {
    let minor = |version: &str| version.split('.').take(2).collect::<Vec<_>>().join(".");
    if minor(current) == minor(codex) { current.to_owned() } else { format!("{}.0", minor(codex)) }
}

/// Plans the crates' version for a codex.
pub fn bump(plan: &mut Plan, codex: &str) -> Result<()> {
    let manifest = plan.text(MANIFESTS[0]).context("cannot read Cargo.toml")?;
    let manifest: toml::Table = manifest.parse().context("Cargo.toml does not parse")?;
    let current =
        manifest["workspace"]["package"]["version"].as_str().context("Cargo.toml has no version")?;
    let new = of_codex(current, codex);
    if new == current {
        return Ok(());
    }
    for path in MANIFESTS {
        let text = plan.text(path).with_context(|| format!("cannot read {path}"))?;
        plan.write(path, in_manifest(&text, current, &new));
    }
    for path in LOCKS.into_iter().chain([XTASK_LOCK]) {
        if let Some(text) = plan.text(path) {
            plan.write(path, in_lock(&text, current, &new));
        }
    }
    Ok(())
}

/// The package's own version, and that of the crates of this workspace among the dependencies.
fn in_manifest(text: &str, old: &str, new: &str) -> String {
    let (from, to) = (format!("version = \"{old}\""), format!("version = \"{new}\""));
    lines(text, |line| {
        let ours = line.starts_with("version = ") || line.starts_with("codex-appserver");
        if ours { line.replace(&from, &to) } else { line.to_owned() }
    })
}

/// Packages of a lock file that come from no registry. In a lock file `source` follows the version.
fn in_lock(text: &str, old: &str, new: &str) -> String {
    let from = format!("version = \"{old}\"");
    let mut rest = text.lines().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(line) = rest.next() {
        let ours = line == from && rest.peek().is_none_or(|next| !next.starts_with("source"));
        if ours {
            out.push_str(&format!("version = \"{new}\""));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

fn lines(text: &str, change: impl Fn(&str) -> String) -> String {
    text.lines().map(|line| change(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_version_of_codex_begins_with_zero_and_then_stays() {
        assert_eq!(of_codex("0.150.0", "0.152.0"), "0.152.0");
        assert_eq!(of_codex("0.150.2", "0.152.3"), "0.152.0");
        assert_eq!(of_codex("0.152.2", "0.152.3"), "0.152.2");
    }

    #[test]
    fn only_our_own_packages_change() {
        let manifest = "[package]\nversion = \"0.1.0\"\n[dependencies]\ncodex-appserver-wire = { path = \"x\", version = \"0.1.0\" }\nother = { version = \"0.1.0\" }\n";
        let moved = "[package]\nversion = \"0.2.0\"\n[dependencies]\ncodex-appserver-wire = { path = \"x\", version = \"0.2.0\" }\nother = { version = \"0.1.0\" }\n";
        assert_eq!(in_manifest(manifest, "0.1.0", "0.2.0"), moved);
        let lock =
            "name = \"a\"\nversion = \"0.1.0\"\nsource = \"registry\"\n\nname = \"b\"\nversion = \"0.1.0\"\n";
        let moved =
            "name = \"a\"\nversion = \"0.1.0\"\nsource = \"registry\"\n\nname = \"b\"\nversion = \"0.2.0\"\n";
        assert_eq!(in_lock(lock, "0.1.0", "0.2.0"), moved);
    }
}
