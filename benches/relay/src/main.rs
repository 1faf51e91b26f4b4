//! Races codex-relay against socat and websocat, and prints a table. `cargo xtask bench relay` builds the relay and runs
//! this.

mod contender;
mod race;
mod server;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use contender::Contender;
use race::{Amounts, Race};

/// Race relays against each other.
#[derive(Parser)]
struct Args {
    /// The program `codex-relay`.
    #[arg(long)]
    relay: PathBuf,
    /// Measure just long enough to see that it works.
    #[arg(long)]
    quick: bool,
    /// How often each contender is measured.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mut amounts = if args.quick { Amounts::QUICK } else { Amounts::FULL };
    amounts.rounds = args.rounds.map_or(amounts.rounds, |rounds| rounds as usize);
    let contenders = Contender::all(&args.relay);
    for race in Race::ALL {
        let entered: Vec<_> = contenders.iter().filter(|one| race.admits(one)).collect();
        println!("{}", race.run(&entered, amounts)?);
    }
    println!("binary: {:.2} MB", args.relay.metadata()?.len() as f64 / 1e6);
    println!("{EXPLANATION}");
    Ok(())
}

const EXPLANATION: &str = "\
median of the rounds; spread: fastest and slowest round as parts of it. to first: how many times as long as the first
line takes, of the same round; the median of that. Only the ratios count: times differ from machine to machine.";
