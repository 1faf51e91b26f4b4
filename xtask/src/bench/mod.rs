//! `cargo xtask bench`: benchmarks, as ratios against a peer crate measured in the same run.

mod build;
mod cargo;
mod clock;
mod report;

use anyhow::Result;

use crate::Outcome;

/// Run a benchmark; it reports ratios against a peer crate measured in the same run.
///
/// Example: cargo xtask bench build
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    Build(build::Args),
}

/// Runs the verb. Times are reported, never judged: the outcome is clean when they could be taken.
pub fn run(args: &Args) -> Result<Outcome> {
    match &args.what {
        What::Build(args) => build::run(args)?,
    }
    Ok(Outcome::Clean)
}
