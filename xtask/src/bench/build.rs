//! `cargo xtask bench build`: what the generated crates cost to compile.

use anyhow::{Context, Result, bail};

use super::cargo::Cargo;
use super::clock::Clock;
use super::report::{Report, Row};
use super::subject::{EXPERIMENTAL, PEER, Profile, STABLE, Sample, Subject};
use crate::inputs;

/// How often each build is measured unless told otherwise.
const RUNS: u32 = 3;

/// Measure what the generated crates cost to compile, next to the peer crate codex-codes.
///
/// Measures the library crates and a consumer that decodes all notifications and server requests and calls
/// a few methods, with one job at a time and without incremental compilation; dependencies are built
/// before. Times are CPU seconds of cargo and all it starts, on Linux; elsewhere wall-clock seconds. Takes
/// some minutes a run, works in target/bench-build, and downloads the peer from crates.io once.
///
/// Example: cargo xtask bench build --runs 5 --profile debug,release
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// How often each build is measured; the median counts.
    #[arg(long, value_name = "N", default_value_t = RUNS, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Only these profiles; all of them when none is named.
    #[arg(long = "profile", value_name = "PROFILE", value_enum, value_delimiter = ',')]
    profiles: Vec<Profile>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Default for Args {
    fn default() -> Self {
        Self { runs: RUNS, profiles: Vec::new(), format: Format::Text }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table for people.
    Text,
    /// One JSON object with every sample.
    Json,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let root = inputs::root();
    let cargo = Cargo { workspace: root.join("benches/build"), target: root.join("target/bench-build") };
    let clock = Clock::best();
    if clock == Clock::WallSeconds {
        eprintln!("note: this system has no /proc; wall-clock time is taken, so leave the machine alone");
    }
    let profiles =
        Profile::ALL.into_iter().filter(|one| args.profiles.is_empty() || args.profiles.contains(one));
    let mut rows: Vec<Row> = profiles
        .flat_map(|profile| [&PEER, &STABLE, &EXPERIMENTAL].map(|subject| Row::new(subject, profile)))
        .collect();

    for row in &rows {
        eprintln!("building once, for the dependencies: {}, {}", row.subject.name, row.profile.name());
        warm(&cargo, row.subject, row.profile)?;
    }
    // All subjects take turns, so that a machine that gets slower does so for all of them.
    for run in 1..=args.runs {
        for row in &mut rows {
            let sample = measure(&cargo, clock, row.subject, row.profile)?;
            let (name, profile) = (row.subject.name, row.profile.name());
            let Sample { library, consumer } = sample;
            eprintln!("run {run} of {}: {name}, {profile}: {library:.2} + {consumer:.2} s", args.runs);
            row.samples.push(sample);
        }
    }
    let report = Report::new(clock, args.runs, rows);
    match args.format {
        Format::Text => print!("{}", report.text()),
        Format::Json => println!("{}", report.json()?),
    }
    Ok(())
}

/// Builds everything, so that what follows finds its dependencies built.
fn warm(cargo: &Cargo, subject: &Subject, profile: Profile) -> Result<()> {
    compile(cargo, subject, profile, "--lib").context("cannot build a subject of the benchmark")?;
    Ok(())
}

/// Builds the library crates and then the consumer, from nothing but built dependencies.
fn measure(cargo: &Cargo, clock: Clock, subject: &Subject, profile: Profile) -> Result<Sample> {
    let clean: Vec<&str> = subject.crates.iter().chain([&subject.package]).copied().collect();
    cargo.clean(profile.cargo_profile(), &clean).context("cannot remove an earlier build")?;

    let crates = subject.crates.iter().map(|name| name.replace('-', "_")).chain([subject.library.to_owned()]);
    let (library, compiled) = clock.time(|| compile(cargo, subject, profile, "--lib"))?;
    expect(&compiled, &crates.collect::<Vec<_>>(), subject)?;

    let (consumer, compiled) = clock.time(|| compile(cargo, subject, profile, "--examples"))?;
    expect(&compiled, &[subject.consumer.to_owned()], subject)?;
    Ok(Sample { library, consumer })
}

type Compiled = std::collections::BTreeSet<String>;

fn compile(cargo: &Cargo, subject: &Subject, profile: Profile, targets: &str) -> Result<Compiled> {
    let features = format!("--features={}", subject.features);
    let profile_name = profile.cargo_profile();
    cargo.build(&[
        profile.verb(),
        "--profile",
        profile_name,
        "--package",
        subject.package,
        targets,
        &features,
    ])
}

/// A time means nothing unless exactly the crates in question were compiled meanwhile.
fn expect(compiled: &Compiled, expected: &[String], subject: &Subject) -> Result<()> {
    if *compiled == expected.iter().cloned().collect() {
        return Ok(());
    }
    let list = |names: &mut dyn Iterator<Item = &String>| names.cloned().collect::<Vec<_>>().join(", ");
    let (mut there, mut wanted) = (compiled.iter(), expected.iter());
    bail!(
        "cannot measure {}: cargo compiled [{}] where [{}] was to be timed. Did a file change meanwhile? \
         Start again; if it stays, delete target/bench-build",
        subject.name,
        list(&mut there),
        list(&mut wanted),
    )
}
