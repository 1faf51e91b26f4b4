//! The verb `schema history`: in which releases of codex each name of the protocol exists.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use codex_appserver_bindgen::history::Release;

use crate::inputs::{self, Provenance};
use crate::program::command;
use crate::tree::{write_named, write_whole};
use crate::{Outcome, codex, protocols};

/// The first release that counts: names that it has are simply there.
const FIRST: Release = Release(0, 99, 0);

/// Add releases to schema/history.json, which says since when each method, member, arm and enum value exists.
///
/// The protocol of a release comes from a fixture, the pinned schema, what an earlier run kept in .cache/protocols, or
/// codex itself, which is installed through npm, asked and deleted. What the file already holds is not read again.
///
/// Example: cargo xtask schema history 0.150.0
#[derive(clap::Args)]
pub struct HistoryArgs {
    /// The releases to add; without any, the first of each minor version from 0.99.0 to the pinned one.
    #[arg(value_name = "VERSION")]
    versions: Vec<String>,
    /// Read releases again that the file holds already.
    #[arg(long)]
    again: bool,
    /// Write here instead of schema/history.json, and begin with what is there.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &HistoryArgs) -> Result<Outcome> {
    if args.out.is_none() {
        inputs::need_checkout(&format!("`{}` without --out", command("schema history")), "pass --out FILE")?;
    }
    let path = args.out.clone().unwrap_or_else(inputs::history_path);
    let mut history = inputs::history(&path)?;
    let mut wanted = Vec::new();
    for version in &args.versions {
        let release: Release = version.parse().map_err(anyhow::Error::msg)?;
        if release < FIRST {
            bail!("{release} is older than {FIRST}, the first release of the history");
        }
        wanted.push(release);
    }
    if wanted.is_empty() {
        let pinned: Release = Provenance::read()?.codex_version.parse().map_err(anyhow::Error::msg)?;
        wanted = first_of_each_minor(&published()?, pinned);
    }
    wanted.retain(|release| args.again || history.releases().binary_search(release).is_err());
    for release in &wanted {
        let (schema, _) = protocols::of_version(&release.to_string())?;
        let added = history.add(&schema.with_codex_version(release.to_string()));
        added.with_context(|| format!("cannot read the protocol of codex {release}"))?;
    }
    let text = history.to_json();
    let shown = inputs::shown(&path);
    if std::fs::read(&path).ok().as_deref() == Some(text.as_bytes()) {
        println!("{shown}: {} releases, up to date", history.releases().len());
        return Ok(Outcome::Clean);
    }
    match &args.out {
        Some(out) => write_named(out, text.as_bytes())?,
        None => write_whole(&path, text.as_bytes())?,
    }
    println!(
        "{shown}: {} releases, {} of them read now; next: `{}`",
        history.releases().len(),
        wanted.len(),
        command("codegen")
    );
    Ok(Outcome::Clean)
}

/// The releases of codex that npm has.
fn published() -> Result<Vec<Release>> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(npm).args(["view", codex::PACKAGE, "versions", "--json"]).output();
    let output =
        output.with_context(|| format!("cannot run {npm}, which knows the releases; name them instead"))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("npm does not list the releases: {}", reason.lines().next().unwrap_or("it does not say why"));
    }
    let versions: Vec<String> =
        serde_json::from_slice(&output.stdout).context("npm prints no list of versions")?;
    // Pre-releases and builds for one platform have a suffix.
    Ok(versions.iter().filter_map(|version| version.parse().ok()).collect())
}

/// The first release of each minor version up to `last`, and `last` itself. Not every `.0` was published.
fn first_of_each_minor(published: &[Release], last: Release) -> Vec<Release> {
    let mut first: BTreeMap<(u16, u16), Release> = BTreeMap::new();
    for release in published.iter().filter(|release| (FIRST..=last).contains(release)) {
        let entry = first.entry((release.0, release.1)).or_insert(*release);
        *entry = (*entry).min(*release);
    }
    let mut releases: Vec<Release> = first.into_values().chain([last]).collect();
    releases.sort_unstable();
    releases.dedup();
    releases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_release_of_each_minor_version_counts() {
        let published =
            ["0.98.0", "0.150.0", "0.99.0", "0.117.3", "0.117.2", "0.100.0", "0.150.1", "0.151.0"];
        let published: Vec<Release> = published.iter().filter_map(|text| text.parse().ok()).collect();
        let found = first_of_each_minor(&published, Release(0, 150, 1));
        let found: Vec<String> = found.iter().map(Release::to_string).collect();
        assert_eq!(found, ["0.99.0", "0.100.0", "0.117.2", "0.150.0", "0.150.1"]);
    }
}
