//! Plays the server's side of a recording to a client.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use codex_appserver_record::replay::{self, Args};

#[derive(Parser)]
#[command(name = "codex-appserver-replay", version)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

fn main() -> ExitCode {
    match replay::run(&Cli::parse().args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}
