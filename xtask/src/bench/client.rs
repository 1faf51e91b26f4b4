//! `cargo xtask bench client`: what a client costs beside the pipe it talks through.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::rounds::Report;
use crate::inputs;

/// Measure clients of the app-server: calls, notifications and connecting, next to two peers and a bare loop.
///
/// One server program on a pipe answers all of them as fast as it can. The bare loop reads a line, parses it
/// as serde_json::Value and writes: it is the limit. The peers are the crates codex-codes and
/// codex-app-server-sdk. Contenders take turns in each of several rounds; medians and ratios are printed.
/// Takes about two minutes beside compiling, works in target/bench-client, and downloads the peers from
/// crates.io once.
///
/// Example: cargo xtask bench client --quick
#[derive(clap::Args, Default)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Measure just long enough to see that everybody takes part.
    #[arg(long)]
    quick: bool,
    /// How often each contender is measured.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// Run async contenders in one thread, not on the runtime that `#[tokio::main]` makes.
    #[arg(long)]
    current_thread: bool,
    /// Only contenders whose name contains one of these.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let root = inputs::root();
    let (package, target) = (root.join("benches/client"), root.join("target/bench-client"));
    cargo(&package, &target, "build").status().context("cannot run `cargo build`").and_then(|status| {
        if status.success() { Ok(()) } else { bail!("cargo could not build benches/client") }
    })?;

    let mut race = cargo(&package, &target, "run");
    race.arg("--quiet").arg("--").args(args.quick.then_some("--quick"));
    race.args(args.rounds.map(|rounds| format!("--rounds={rounds}")));
    race.args(args.current_thread.then_some("--runtime=current-thread"));
    race.args(args.only.iter().map(|name| format!("--only={name}")));
    let output = race.stderr(Stdio::inherit()).output().context("cannot run `cargo run`")?;
    if !output.status.success() {
        bail!("the race in {} failed; why stands above", package.display());
    }
    let report: Report =
        serde_json::from_slice(&output.stdout).context("the race printed something unexpected")?;
    print!("{}", report.text());
    Ok(())
}

fn cargo(package: &Path, target: &Path, verb: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args([verb, "--release", "--locked", "--target-dir"]).arg(target).current_dir(package);
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    command
}
