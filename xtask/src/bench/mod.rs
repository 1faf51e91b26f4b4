//! `cargo xtask bench`: benchmarks, as ratios against peers measured in the same run.

mod build;
mod cargo;
mod client;
mod clock;
mod decode;
pub mod diff;
mod race;
mod relay;
mod report;
mod rounds;
mod subject;

use anyhow::Result;

use crate::Outcome;

/// Run the benchmarks, or one of them; they report ratios against peers measured in the same run.
///
/// Example: cargo xtask bench decode --quick
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    Decode(decode::Args),
    Client(client::Args),
    Relay(relay::Args),
    Build(build::Args),
    Diff(diff::Args),
}

/// Runs the verb. Times are reported, never judged: the outcome is clean when they could be taken.
pub fn run(args: &Args) -> Result<Outcome> {
    match &args.what {
        Some(What::Decode(args)) => decode::run(args)?,
        Some(What::Client(args)) => client::run(args)?,
        Some(What::Relay(args)) => relay::run(args)?,
        Some(What::Build(args)) => build::run(args)?,
        Some(What::Diff(args)) => diff::run(args)?,
        None => {
            decode::run(&decode::Args::default())?;
            println!();
            client::run(&client::Args::default())?;
            println!();
            relay::run(&relay::Args::default())?;
            println!();
            build::run(&build::Args::default())?;
            println!();
            diff::run(&diff::Args::default())?;
        }
    }
    Ok(Outcome::Clean)
}
