//! Runs all races, one contender after the other, again and again.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::clock::{Clock, Times};
use crate::contender::{Contender, Entry, Flavor, Role, Server};

/// How much is done in one measurement.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Amounts {
    /// How often each contender is measured.
    pub rounds: usize,
    /// Connections.
    pub connects: usize,
    /// Calls.
    pub calls: usize,
    /// Deltas in one turn.
    pub deltas: usize,
}

impl Amounts {
    /// What gives numbers that one can believe: many short rounds rather than a few long ones, for what is
    /// compared within a round should meet the same machine.
    pub const FULL: Self = Self { rounds: 25, connects: 8, calls: 8_000, deltas: 100_000 };
    /// What shows that it works.
    pub const QUICK: Self = Self { rounds: 2, connects: 2, calls: 500, deltas: 5_000 };
}

/// One thing that all contenders do.
#[derive(Clone, Copy, Debug)]
enum Race {
    Connect,
    Calls { in_flight: usize },
    Notifications,
}

const RACES: [Race; 4] =
    [Race::Connect, Race::Calls { in_flight: 1 }, Race::Calls { in_flight: 64 }, Race::Notifications];

/// What was measured of one race.
#[derive(Debug, Serialize)]
pub struct RaceResult {
    name: String,
    /// What is counted.
    unit: &'static str,
    /// How many of them in one round.
    amount: usize,
    contenders: Vec<Samples>,
}

/// What was measured of one contender: a sample a round.
#[derive(Debug, Serialize)]
pub struct Samples {
    name: &'static str,
    role: Role,
    /// It did less at a time than was asked for, because it cannot do more.
    one_at_a_time: bool,
    /// Seconds for each connection, call, or delivered notification.
    seconds: Vec<f64>,
    /// How long the client's own process worked for that.
    cpu_seconds: Vec<f64>,
    /// The part of what was sent that was not delivered.
    lost: Vec<f64>,
}

impl Race {
    fn name(self) -> String {
        match self {
            Self::Connect => "connect".to_owned(),
            Self::Calls { in_flight } => format!("calls, {in_flight} in flight"),
            Self::Notifications => "notifications".to_owned(),
        }
    }

    fn result(self, entries: &[Entry], amounts: Amounts) -> RaceResult {
        let (unit, amount) = match self {
            Self::Connect => ("connections", amounts.connects),
            Self::Calls { .. } => ("calls", amounts.calls),
            Self::Notifications => ("notifications", amounts.deltas),
        };
        let contenders = entries.iter().map(|entry| Samples {
            name: entry.name,
            role: entry.role,
            one_at_a_time: matches!(self, Self::Calls { in_flight: 2.. }) && !entry.is_concurrent,
            seconds: Vec::new(),
            cpu_seconds: Vec::new(),
            lost: Vec::new(),
        });
        RaceResult { name: self.name(), unit, amount, contenders: contenders.collect() }
    }

    /// The times for each, and the part that was lost.
    fn run(self, entry: &Entry, flavor: Flavor, server: &Server, amounts: Amounts) -> Result<(Times, f64)> {
        match self {
            Self::Connect => Ok((connect(entry, flavor, server, amounts.connects)?, 0.0)),
            Self::Calls { in_flight } => {
                let mut client = warm(entry, flavor, server, amounts, in_flight)?;
                let clock = Clock::start();
                client.calls(amounts.calls, in_flight)?;
                Ok((clock.stop().each(amounts.calls), 0.0))
            }
            Self::Notifications => {
                let mut client = warm(entry, flavor, server, amounts, 1)?;
                let clock = Clock::start();
                let delivered = client.notifications()?;
                let times = clock.stop();
                let lost = delivered.lost(amounts.deltas)?;
                // A client that delivered nothing took forever for each.
                Ok((times.each(delivered.deltas), lost as f64 / amounts.deltas as f64))
            }
        }
    }
}

fn connect(entry: &Entry, flavor: Flavor, server: &Server, n: usize) -> Result<Times> {
    let mut times = Times::default();
    for _ in 0..n {
        let mut client = (entry.make)(flavor)?;
        let clock = Clock::start();
        client.connect(server)?;
        times += clock.stop();
    }
    Ok(times.each(n))
}

/// A connected client that has made some calls.
fn warm(
    entry: &Entry,
    flavor: Flavor,
    server: &Server,
    amounts: Amounts,
    in_flight: usize,
) -> Result<Box<dyn Contender>> {
    let mut client = (entry.make)(flavor)?;
    client.connect(server)?;
    client.calls(amounts.calls / 20, in_flight)?;
    Ok(client)
}

/// Runs them all. Contenders take turns within each round, so that a machine that gets slower does so for
/// all of them, and another one begins each round.
pub fn run(entries: &[Entry], flavor: Flavor, server: &Server, amounts: Amounts) -> Result<Vec<RaceResult>> {
    let mut results = RACES.map(|race| race.result(entries, amounts));
    for round in 0..amounts.rounds {
        eprintln!("round {} of {}", round + 1, amounts.rounds);
        for (race, result) in RACES.into_iter().zip(&mut results) {
            for turn in 0..entries.len() {
                let at = (round + turn) % entries.len();
                let measured = race.run(&entries[at], flavor, server, amounts);
                let (times, lost) =
                    measured.with_context(|| format!("{} failed at `{}`", entries[at].name, race.name()))?;
                result.contenders[at].seconds.push(times.wall);
                result.contenders[at].cpu_seconds.push(times.cpu);
                result.contenders[at].lost.push(lost);
            }
        }
    }
    Ok(results.into())
}
