//! `codex-appserver`: the tools for the Codex app-server protocol, installed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use codex_appserver_tools::{codegen, diff, inputs, program, schema, upgrade};

/// Generates Rust bindings of the Codex app-server protocol, and compares versions of it.
#[derive(Parser)]
#[command(name = "codex-appserver", version, disable_help_subcommand = true)]
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
}

fn main() -> ExitCode {
    let cli: Cli = program::parse("codex-appserver");
    let result = match &cli.root {
        Some(root) => inputs::set_root(root),
        None => Ok(()),
    }
    .and_then(|()| match &cli.verb {
        Verb::Codegen(args) => codegen::run(args),
        Verb::Schema(args) => schema::run(args),
        Verb::Diff(args) => diff::run(args),
        Verb::Upgrade(args) => upgrade::run(args),
    });
    program::exit_code(result)
}
