//! Records the traffic of a codex app-server while passing it through.

use clap::Parser;
use codex_appserver_record::command::{self, Args};

#[derive(Parser)]
#[command(name = "codex-appserver-record", version)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

fn main() {
    std::process::exit(command::run(&Cli::parse().args));
}
