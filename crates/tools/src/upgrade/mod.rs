//! The verb `upgrade`: moves this repository to another codex, and lists what a person has to decide.
//!
//! Everything is worked out first and written at the end, so that a run that fails changes nothing. A second run with the
//! same version changes what the decisions of the first one left open.

mod fixtures;
mod mentions;
mod pages;
mod plan;
mod recordings;
mod versions;

use anyhow::{Context, Result, ensure};
use codex_appserver_bindgen::history::{History, Release};
use codex_appserver_bindgen::{Config, Decision, Generator, Layout, Output, Prose, Schema};
use codex_appserver_runtime::Codex;

use crate::inputs::{self, Provenance};
use crate::program::command;
use crate::tree::{self, Kind, Owner};
use crate::{Outcome, codex, decisions, diff, probe, protocols, schema};
use plan::Plan;

/// Where the comparison of the two versions is written.
const REPORTS: &str = "target/upgrade";

/// Move this repository to another codex version, and list every decision that a person has to make.
///
/// Installs the codex through npm, takes over its schema, generates the crates, moves every version number, keeps the old
/// protocol as a fixture and compares the two in target/upgrade/diff.md and diff.html. What is still open is listed at the
/// end, each with its file and the row to paste; after that, run it again.
/// Exit codes: 0 nothing is open, 1 decisions are open, 2 could not run, and nothing was written.
///
/// Example: cargo xtask upgrade latest
#[derive(clap::Args)]
pub struct Args {
    /// The codex version, such as 0.150.0, or `latest` for the newest one on npm.
    #[arg(value_name = "VERSION")]
    version: String,
    /// Write nothing; say what would change and what would be open.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<Outcome> {
    inputs::need_checkout(&format!("`{}`", command("upgrade")), "generate crates with `codegen --schema`")?;
    let version = match args.version.as_str() {
        "latest" => codex::latest()?,
        version => version.to_owned(),
    };
    ensure!(
        diff::sides::is_version(&version),
        "`{version}` is no codex version; write one such as 0.150.0, or `latest`"
    );
    let pinned = Provenance::read()?.codex_version;
    if let Some((to, from)) = older(&version, &pinned) {
        eprintln!("warning: codex {to} is older than {from}, which this repository is at; this moves back");
    }
    let codex = codex::install(&version)?;
    let (plan, open) = work_out(&codex, &version, &pinned)?;

    let changed = plan.changed();
    if changed.is_empty() && open.is_empty() {
        println!("codex {version}: nothing is to do");
        return Ok(Outcome::Clean);
    }
    println!("codex {pinned} -> {version}");
    print!("{}", summary(&changed, args.dry_run));
    if !args.dry_run {
        plan.apply()?;
        compare(&version, &pinned)?;
    }
    if open.is_empty() {
        println!("nothing is open; next: `cargo xtask test`");
        return Ok(Outcome::Clean);
    }
    println!("{}:\n{}", decisions::count(&open), decisions::text(&open).trim_end());
    Ok(Outcome::Found)
}

/// Both versions, if the first is the older one. Pre-releases are not compared.
fn older(version: &str, pinned: &str) -> Option<(Release, Release)> {
    let (to, from): (Release, Release) = (version.parse().ok()?, pinned.parse().ok()?);
    (to < from).then_some((to, from))
}

/// What an upgrade writes, and what it leaves to a person.
fn work_out(codex: &Codex, version: &str, pinned: &str) -> Result<(Plan, Vec<Decision>)> {
    let mut plan = Plan::new(inputs::root());
    let (schema, provenance) = protocols::of_codex(codex, Prose::Drop)?;
    plan.write("schema/app-server.json", schema.to_canonical_json());
    plan.write("schema/provenance.toml", schema::provenance_text(&provenance)?);
    if version != pinned {
        fixtures::keep(&mut plan, pinned)?;
        versions::bump(&mut plan, version)?;
        mentions::r#move(&mut plan, pinned, version)?;
    }
    pages::extend_history(&mut plan, version)?;
    let mut open = schema::typescript_decisions(codex, &schema, &inputs::tables()?)?;
    let history = history(&mut plan, &schema)?;
    let output = generate(&mut plan, schema.clone(), history)?;
    plan.write("schema/boxes.toml", output.boxes.to_toml());
    pages::count(&mut plan, &output.summary);
    open.extend(output.decisions);
    for method in &output.without_response {
        probe::add_answer(&mut open, codex, &schema, method)?;
    }
    open.extend(mentions::strays(&plan, pinned)?);
    open.extend(recordings::outdated(&plan, version, codex.path())?);
    open.extend(pages::compatibility(&plan, version));
    Ok((plan, open))
}

/// Plans the history with the new release. Pre-releases have no place in it.
fn history(plan: &mut Plan, schema: &Schema) -> Result<History> {
    let mut history = inputs::pinned_history()?;
    if schema.codex_version.as_deref().is_some_and(|version| version.parse::<Release>().is_ok()) {
        history.add(schema)?;
        plan.write("schema/history.json", history.to_json());
    }
    Ok(history)
}

/// Plans the generated crates. They are generated leniently, so that they are there while decisions are open.
fn generate(plan: &mut Plan, schema: Schema, history: History) -> Result<Output> {
    let tables = inputs::tables()?.with_history(history);
    let config = Config { tables, layout: Layout::Workspace, ..Config::default() };
    let output = Generator::new(config, schema).run()?;
    for change in tree::changes(&inputs::root().join("generated"), &output.files, Owner::Codegen)? {
        let path = format!("generated/{}", change.path);
        match change.kind {
            Kind::Missing(bytes) | Kind::Differs { new: bytes, .. } => plan.write(&path, bytes),
            Kind::Orphan => plan.delete(&path),
        }
    }
    Ok(output)
}

/// How many files change, by top folder.
fn summary(changed: &[&str], dry_run: bool) -> String {
    let mut folders: Vec<(&str, usize)> = Vec::new();
    for path in changed {
        let top = path.split_once('/').map_or("the root", |(top, _)| top);
        match folders.iter_mut().find(|(folder, _)| *folder == top) {
            Some((_, count)) => *count += 1,
            None => folders.push((top, 1)),
        }
    }
    let list: Vec<String> = folders.iter().map(|(folder, count)| format!("{count} in {folder}")).collect();
    let verb = if dry_run { "would write" } else { "wrote" };
    match list.is_empty() {
        true => String::new(),
        false => {
            let files =
                if changed.len() == 1 { "1 file".to_owned() } else { format!("{} files", changed.len()) };
            format!("{verb} {files}: {}\n", list.join(", "))
        }
    }
}

/// Writes what the new version changes, as Markdown and as a page.
fn compare(version: &str, pinned: &str) -> Result<()> {
    let old = if version == pinned { fixtures::before(version)? } else { Some(pinned.to_owned()) };
    let Some(old) = old else { return Ok(()) };
    let folder = inputs::root().join(REPORTS);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {REPORTS}"))?;
    diff::write(&old, version, &[folder.join("diff.md"), folder.join("diff.html")])?;
    println!("these tell what {version} changes against {old}");
    Ok(())
}
