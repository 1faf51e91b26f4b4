//! `cargo xtask bench decode`: what decoding and encoding cost at run time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::race::{Race, Report, Time};
use crate::{codegen, inputs};

/// Measure how fast messages of the server are decoded and encoded, next to serde derive and codex-codes.
///
/// The messages are those of the recorded sessions in tests/fixtures/recorded, and three single ones. They
/// are read by these bindings, by the same types with serde's derive, by the peer crate codex-codes and as
/// serde_json::Value. Lines that the peer cannot decode are left out for all. Takes about two minutes
/// beside compiling, works in target/bench-decode and target/bench/derive, and downloads the peer and
/// criterion from crates.io once.
///
/// Example: cargo xtask bench decode --quick
#[derive(clap::Args, Default)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Measure just long enough to see the order of magnitude.
    #[arg(long)]
    quick: bool,
}

/// What the bench says about itself.
#[derive(Deserialize)]
struct About {
    lines: usize,
    bytes: usize,
    left_out: Vec<String>,
    races: Vec<String>,
}

#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: String,
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let root = inputs::root();
    let target = root.join("target/bench-decode");
    let results = target.join("criterion");
    codegen::derived(&root.join("target/bench/derive"))
        .context("cannot generate the types with serde's derive")?;
    // What an earlier run measured must not pass for this one's.
    if results.exists() {
        fs::remove_dir_all(&results).with_context(|| format!("cannot delete {}", results.display()))?;
    }
    race(args, &root.join("benches/decode"), &target, &results)?;

    let about: About = read(&target.join("tmp/race.json"))?;
    let times = times(&results)?;
    let races = about.races.iter().map(|name| Race::new(name, &times)).collect::<Result<Vec<_>>>()?;
    let report = Report { lines: about.lines, bytes: about.bytes, left_out: about.left_out, races };
    print!("{}", report.text());
    Ok(())
}

fn race(args: &Args, package: &Path, target: &Path, results: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["bench", "--bench", "decode", "--target-dir"]).arg(target).current_dir(package);
    command.args(["--", "--noplot"]).args(args.quick.then_some("--quick"));
    command.env("CRITERION_HOME", results).env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    // The table is for stdout; how it goes on is not.
    command.stdout(std::io::stderr());
    let status = command.status().context("cannot run `cargo bench`")?;
    if !status.success() {
        bail!("`cargo bench` in {} failed", package.display());
    }
    Ok(())
}

/// Every median that criterion wrote.
fn times(results: &Path) -> Result<Vec<Time>> {
    let mut times = Vec::new();
    for group in folders(results)? {
        for subject in folders(&group)? {
            let latest = subject.join("new");
            if !latest.is_dir() {
                continue;
            }
            let benchmark: Benchmark = read(&latest.join("benchmark.json"))?;
            let estimates: Estimates = read(&latest.join("estimates.json"))?;
            times.push(Time {
                race: benchmark.group_id,
                subject: benchmark.function_id,
                nanoseconds: estimates.median.point_estimate,
            });
        }
    }
    Ok(times)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let describe = || format!("cannot list {}", folder.display());
    let entries = fs::read_dir(folder).with_context(describe)?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>().with_context(describe)?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = inputs::read(path)?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not as expected", path.display()))
}
