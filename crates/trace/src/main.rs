//! `codex-appserver-trace`: checks trace files against the typed bindings.

use std::process::ExitCode;

use clap::Parser;
use codex_appserver_trace::command::{self, Args};

#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

fn main() -> ExitCode {
    command::run(&Cli::parse().args)
}
