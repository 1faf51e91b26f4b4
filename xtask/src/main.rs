//! The project's commands. Exit codes: 0 clean, 1 a check found something, 2 could not run.

mod bench;
mod git;
mod program;
mod release;
mod test;
mod workspace;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use codex_appserver_tools::{Outcome, codegen, codex, diff, inputs, schema, tree, upgrade};

/// Generates and checks the Rust bindings of the Codex app-server protocol.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    /// Work on another checkout of this repository.
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
    /// Record the traffic of a codex app-server while passing it through; `--help` lists the options.
    Record(program::Args),
    /// Play the server's side of a recording to a client; `--help` lists the options.
    Replay(program::Args),
    /// Decode recorded traffic with the typed bindings and compare; `--help` lists the options.
    Trace(program::Args),
    Test(test::Args),
    Bench(bench::Args),
    ReleaseCheck(release::Args),
}

/// The checkout that this program was built from.
fn own_root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

fn main() -> ExitCode {
    let cli: Cli = codex_appserver_tools::program::parse("cargo xtask");
    let result = match &cli.root {
        Some(root) => inputs::set_root(root),
        None => {
            inputs::assume_root(own_root());
            Ok(())
        }
    };
    let result = result.and_then(|()| match &cli.verb {
        Verb::Codegen(args) => codegen::run(args),
        Verb::Schema(args) => schema::run(args),
        Verb::Diff(args) => diff::run(args),
        Verb::Upgrade(args) => upgrade::run(args),
        Verb::Record(args) => program::RECORDER.run(args),
        Verb::Replay(args) => program::REPLAY.run(args),
        Verb::Trace(args) => program::TRACE.run(args),
        Verb::Test(args) => test::run(args),
        Verb::Bench(args) => bench::run(args),
        Verb::ReleaseCheck(args) => release::run(args),
    });
    codex_appserver_tools::program::exit_code(result)
}
