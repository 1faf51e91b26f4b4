//! The verbs of `schema`: `sync` refreshes the canonical schema from a codex binary, `probe` asks one for an answer.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use codex_appserver_bindgen::{Config, Decision, Generator, Prose, Schema, Tables, TypeScript};
use codex_appserver_runtime::{Codex, Surface};

use crate::history::{self, HistoryArgs};
use crate::inputs::{self, Provenance};
use crate::program::command;
use crate::tree::{write_named, write_whole};
use crate::{Outcome, codex, decisions, probe, protocols};

/// Work on the canonical schema.
///
/// Example: cargo xtask schema sync --codex "$(command -v codex)"
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Refresh schema/app-server.json and schema/provenance.toml from a codex binary.
    ///
    /// The TypeScript of the same codex has to agree with the JSON Schema. Each place where it does not stops the sync,
    /// unless a row of schema/overrides.toml explains it.
    ///
    /// Example: cargo xtask schema sync --version 0.150.0
    ///
    /// Example: cargo xtask schema sync --codex "$(command -v codex)" --out app-server.json
    Sync(SyncArgs),
    /// Ask the pinned codex for the answer to a method, and rank the definitions that fit it.
    ///
    /// The server runs in an empty home of its own, with the experimental API.
    ///
    /// Example: cargo xtask schema probe model/list
    Probe(ProbeArgs),
    History(HistoryArgs),
}

#[derive(clap::Args)]
struct ProbeArgs {
    /// The method.
    #[arg(value_name = "METHOD")]
    method: String,
    /// Its params as JSON; without them the smallest that the schema allows.
    #[arg(long, value_name = "JSON")]
    params: Option<String>,
    /// The codex binary; without it the pinned version is installed through npm.
    #[arg(long, value_name = "PATH")]
    codex: Option<PathBuf>,
}

#[derive(clap::Args)]
struct SyncArgs {
    /// The codex binary; without it the pinned version is installed through npm.
    #[arg(long, value_name = "PATH", conflicts_with = "version")]
    codex: Option<PathBuf>,
    /// Move to this codex version: install it through npm and pin it.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Write the canonical schema here instead, and leave schema/ alone.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Keep upstream descriptions, for generating into a tree of your own.
    #[arg(long, requires = "out")]
    keep_descriptions: bool,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<Outcome> {
    match &args.verb {
        Verb::Sync(args) => sync(args),
        Verb::Probe(args) => probe(args),
        Verb::History(args) => history::run(args),
    }
}

fn probe(args: &ProbeArgs) -> Result<Outcome> {
    let params =
        args.params.as_deref().map(serde_json::from_str).transpose().context("--params is no JSON")?;
    let codex = codex::find(args.codex.as_deref())?;
    let found = probe::find(&codex, &inputs::pinned_schema()?, &args.method, params)?;
    println!("{}: {}", args.method, found.said);
    Ok(Outcome::Clean)
}

fn sync(args: &SyncArgs) -> Result<Outcome> {
    if args.out.is_none() {
        let verb = format!("`{}` without --out", command("schema sync"));
        inputs::need_checkout(&verb, "pass --out FILE")?;
    }
    let codex = match &args.version {
        Some(version) => codex::install(version)?,
        None => codex::find(args.codex.as_deref())?,
    };
    let prose = if args.keep_descriptions { Prose::Keep } else { Prose::Drop };
    let (schema, provenance) = protocols::of_codex(&codex, prose)?;
    let version = &provenance.codex_version;

    let canonical = schema.to_canonical_json();
    if let Some(out) = &args.out {
        write_named(out, canonical.as_bytes())?;
        println!("codex {version}: wrote {}", out.display());
        return Ok(Outcome::Clean);
    }
    let open = typescript_decisions(&codex, &schema, &inputs::tables()?)?;
    if !open.is_empty() {
        bail!("nothing was written; {}\n{}", decisions::count(&open), decisions::text(&open).trim_end());
    }
    let version = version.clone();
    let provenance = provenance_text(&provenance)?;
    let mut changed = Vec::new();
    for (name, text) in [("app-server.json", canonical), ("provenance.toml", provenance)] {
        let path = inputs::schema_dir().join(name);
        if std::fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            write_whole(&path, text.as_bytes())?;
            changed.push(inputs::shown(&path));
        }
    }
    match &changed[..] {
        [] => println!("codex {version}: schema/ is up to date"),
        changed => {
            println!("codex {version}: wrote {}; next: `{}`", changed.join(", "), command("codegen"));
        }
    }
    Ok(Outcome::Clean)
}

/// The text of `provenance.toml`.
pub fn provenance_text(provenance: &Provenance) -> Result<String> {
    let head = "# Where app-server.json comes from. Written by `cargo xtask schema sync`.\n\n";
    Ok(format!("{head}{}", toml::to_string(provenance)?))
}

/// Where the TypeScript of a codex disagrees with its schema and no row of the tables says why.
pub fn typescript_decisions(codex: &Codex, schema: &Schema, tables: &Tables) -> Result<Vec<Decision>> {
    let types = |surface| -> Result<TypeScript> {
        let files = codex.typescript(surface).context("cannot ask codex for its TypeScript")?;
        Ok(TypeScript::parse(files.iter().map(|(path, text)| (path.as_str(), text.as_str())))?)
    };
    let (stable, experimental) = (types(Surface::Stable)?, types(Surface::Experimental)?);
    let config = Config { tables: tables.clone(), ..Config::default() };
    let model = Generator::new(config, schema.clone()).model()?;
    Ok(experimental.decisions(&stable, &model, tables))
}
