//! `codex-appserver`: the tools for the Codex app-server protocol as one installed program.
//!
//! Exit codes: 0 clean, 1 a check found something, 2 could not run. `record` exits as the recorded command does.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use codex_appserver_tools::inputs::{self, Embedded};
use codex_appserver_tools::program::{self, exit_code};
use codex_appserver_tools::{Outcome, codegen, diff, schema, upgrade};
use etcetera::BaseStrategy;

const NAME: &str = "codex-appserver";

/// Tools for the Codex app-server protocol: typed Rust crates from its schema, comparisons of its versions, and
/// recordings of its traffic.
#[derive(Parser)]
#[command(name = NAME, version, disable_help_subcommand = true)]
struct Cli {
    /// Work on this checkout of the repository instead of the one around the current folder.
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Codegen(codegen::Args),
    Schema(schema::Args),
    Diff(diff::Args),
    Upgrade(upgrade::Args),
    Record(codex_appserver_record::command::Args),
    Replay(codex_appserver_record::replay::Args),
    Trace(codex_appserver_trace::command::Args),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Print the completions of this program for a shell.
///
/// Example: codex-appserver completions zsh > ~/.zfunc/_codex-appserver
#[derive(clap::Args)]
struct CompletionsArgs {
    shell: clap_complete::Shell,
}

/// Write the man pages of this program, one for each verb.
///
/// Example: codex-appserver man --out ~/.local/share/man/man1
#[derive(clap::Args)]
struct ManArgs {
    /// The folder for the pages; it is created if it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn main() -> ExitCode {
    inputs::set_embedded(Embedded {
        schema_file: codex_appserver_schema::file,
        wire: codex_appserver_wire::sources::FILES,
        user_cache: || Some(etcetera::choose_base_strategy().ok()?.cache_dir()),
    });
    let cli: Cli = program::parse(NAME);
    if let Some(Err(error)) = cli.root.as_deref().map(inputs::set_root) {
        return exit_code(Err(error));
    }
    match &cli.verb {
        Verb::Codegen(args) => exit_code(codegen::run(args)),
        Verb::Schema(args) => exit_code(schema::run(args)),
        Verb::Diff(args) => exit_code(diff::run(args)),
        Verb::Upgrade(args) => exit_code(upgrade::run(args)),
        Verb::Record(args) => std::process::exit(codex_appserver_record::command::run(args)),
        Verb::Replay(args) => exit_code(replay(args)),
        Verb::Trace(args) => codex_appserver_trace::command::run(args),
        Verb::Completions(args) => exit_code(completions(args)),
        Verb::Man(args) => exit_code(man(args)),
    }
}

fn replay(args: &codex_appserver_record::replay::Args) -> Result<Outcome> {
    let is_clean = codex_appserver_record::replay::run(args)?;
    Ok(if is_clean { Outcome::Clean } else { Outcome::Found })
}

fn completions(args: &CompletionsArgs) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program::command_line::<Cli>(NAME), NAME, &mut script);
    match std::io::stdout().write_all(&script) {
        // The reader has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Outcome::Clean),
        written => written.map(|()| Outcome::Clean).context("cannot write to standard output"),
    }
}

fn man(args: &ManArgs) -> Result<Outcome> {
    let describe = || format!("cannot write the man pages to {}", args.out.display());
    std::fs::create_dir_all(&args.out).with_context(describe)?;
    clap_mangen::generate_to(program::command_line::<Cli>(NAME), &args.out).with_context(describe)?;
    Ok(Outcome::Clean)
}
