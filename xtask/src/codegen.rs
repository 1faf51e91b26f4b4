//! `cargo xtask codegen`: writes or checks the generated crates.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use codex_appserver_bindgen::{Config, Generator, Layout, Output, Schema, Source, Summary};

use crate::tree::{self, Change, Kind, Owner};
use crate::{Outcome, inputs};

/// How many lines of a difference `--check` shows per file.
const DIFF_LINES: usize = 8;

/// Generate the Rust crates from the schema.
///
/// Example: cargo xtask codegen --check
#[derive(clap::Args)]
pub struct Args {
    /// Write nothing; list every file that differs and exit 1 if there is one.
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Write nothing; say what would change.
    #[arg(long)]
    dry_run: bool,
    /// Generate from this schema instead: a canonical file, a raw bundle, or STABLE,EXPERIMENTAL.
    #[arg(long, value_name = "STABLE[,EXPERIMENTAL]", requires = "out")]
    schema: Option<String>,
    /// Write a workspace of its own into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The codex version of raw bundles, which do not name theirs.
    #[arg(long, value_name = "VERSION", requires = "schema")]
    codex_version: Option<String>,
    /// Refuse whatever is a warning for a schema other than the pinned one.
    #[arg(long)]
    strict: bool,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<Outcome> {
    let output = generate(args)?;
    let (dir, owner) = match &args.out {
        Some(out) => (out.clone(), Owner::User),
        None => (inputs::root().join("generated"), Owner::Codegen),
    };
    for warning in &output.warnings {
        eprintln!("warning: {warning}");
    }
    let changes = tree::changes(&dir, &output.files, owner)?;
    if args.check {
        return Ok(check(&dir, &output, &changes));
    }
    if !args.dry_run {
        tree::apply(&dir, &changes)?;
    }
    report(&dir, &output, &changes, args.dry_run);
    Ok(Outcome::Clean)
}

fn generate(args: &Args) -> Result<Output> {
    let tables = inputs::tables()?;
    let config = match &args.out {
        None => Config { tables, layout: Layout::Workspace, strict: true },
        Some(_) => {
            let wire = inputs::root().join("crates/wire").display().to_string();
            Config { tables, layout: Layout::StandAlone { wire }, strict: args.strict }
        }
    };
    let schema = match &args.schema {
        None => inputs::pinned_schema()?,
        Some(list) => read_schema(list, args.codex_version.as_deref())?,
    };
    Ok(Generator::new(config).schema(schema).run()?)
}

fn read_schema(list: &str, version: Option<&str>) -> Result<Schema> {
    let (first, second) = match list.split(',').collect::<Vec<_>>()[..] {
        [first] => (first, None),
        [first, second] => (first, Some(second)),
        _ => bail!("--schema takes one file, or two with a comma between: STABLE,EXPERIMENTAL"),
    };
    let first_bytes = inputs::read(Path::new(first))?;
    let second_bytes = second.map(|path| inputs::read(Path::new(path))).transpose()?;
    let second = second.zip(second_bytes.as_deref()).map(|(name, bytes)| Source { name, bytes });
    let schema = Schema::from_any(&Source { name: first, bytes: &first_bytes }, second.as_ref())?;
    Ok(match version {
        Some(version) => schema.with_codex_version(version),
        None => schema,
    })
}

fn check(dir: &Path, output: &Output, changes: &[Change]) -> Outcome {
    if changes.is_empty() {
        eprintln!(
            "{}: {} files are what codegen makes of the schema",
            inputs::shown(dir),
            output.files.len()
        );
        return Outcome::Clean;
    }
    for change in changes {
        let path = inputs::shown(&dir.join(&change.path));
        match &change.kind {
            Kind::Missing(_) => eprintln!("missing: {path}"),
            Kind::Orphan => eprintln!("orphan: {path}: nothing generates it"),
            Kind::Differs { old, new } => {
                eprintln!("differs: {path}\n{}", tree::short_diff(old, new, DIFF_LINES).trim_end());
            }
        }
    }
    eprintln!(
        "{} of {} files differ; mend them with `cargo xtask codegen`",
        changes.len(),
        output.files.len()
    );
    Outcome::Found
}

fn report(dir: &Path, output: &Output, changes: &[Change], dry_run: bool) {
    let Summary { codex_version, enums, structs, unions, aliases, .. } = &output.summary;
    let summary = &output.summary;
    println!("codex {codex_version}");
    println!(
        "  requests         {} stable, {} experimental",
        summary.stable_requests, summary.experimental_requests
    );
    println!(
        "  server requests  {} stable, {} experimental",
        summary.stable_server_requests, summary.experimental_server_requests
    );
    println!(
        "  notifications    {} from the server, {} from the client",
        summary.notifications, summary.client_notifications
    );
    println!(
        "  types            {structs} structs, {unions} unions, {enums} string enums, {aliases} aliases"
    );
    println!("  crosscheck       {} plain definitions read by typify as well", summary.crosschecked);
    if !summary.unused.is_empty() {
        println!("  not generated    {} definitions that no method uses", summary.unused.len());
    }
    let count = |matches: fn(&Kind) -> bool| changes.iter().filter(|change| matches(&change.kind)).count();
    let (new, changed, deleted) = (
        count(|kind| matches!(kind, Kind::Missing(_))),
        count(|kind| matches!(kind, Kind::Differs { .. })),
        count(|kind| matches!(kind, Kind::Orphan)),
    );
    let place = inputs::shown(dir);
    if changes.is_empty() {
        println!("{place}: {} files unchanged", output.files.len());
        return;
    }
    let verb = if dry_run { "would be " } else { "" };
    println!("{place}: {new} files {verb}new, {changed} {verb}changed, {deleted} {verb}deleted");
    for change in changes.iter().take(20) {
        let sign = match change.kind {
            Kind::Missing(_) => '+',
            Kind::Differs { .. } => '~',
            Kind::Orphan => '-',
        };
        println!("  {sign} {}", change.path);
    }
    if changes.len() > 20 {
        println!("  … and {} more", changes.len() - 20);
    }
}
