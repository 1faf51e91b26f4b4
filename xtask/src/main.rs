//! The project's commands. Exit codes: 0 clean, 1 a check found something, 2 could not run.

mod bench;
mod codegen;
mod codex;
mod diff;
mod git;
mod inputs;
mod program;
mod release;
mod schema;
mod test;
mod tree;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    /// Record the traffic of a codex app-server while passing it through; `--help` lists the options.
    Record(program::Args),
    /// Decode recorded traffic with the typed bindings and compare; `--help` lists the options.
    Trace(program::Args),
    Test(test::Args),
    Bench(bench::Args),
    ReleaseCheck(release::Args),
}

/// How a verb ended that could run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Clean,
    Found,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.root {
        Some(root) => inputs::set_root(root),
        None => Ok(()),
    }
    .and_then(|()| match &cli.verb {
        Verb::Codegen(args) => codegen::run(args),
        Verb::Schema(args) => schema::run(args),
        Verb::Diff(args) => diff::run(args),
        Verb::Record(args) => program::RECORDER.run(args),
        Verb::Trace(args) => program::TRACE.run(args),
        Verb::Test(args) => test::run(args),
        Verb::Bench(args) => bench::run(args),
        Verb::ReleaseCheck(args) => release::run(args),
    });
    match result {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
