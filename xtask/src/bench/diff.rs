//! `cargo xtask bench diff`: how long a review of two far versions takes once built, and how much memory.

use std::process::Command;

use anyhow::{Context, Result, bail};

use codex_appserver_tools::diff::Measured;

use crate::inputs;

/// Measure a comparison of the oldest fixture with the pinned version, from reading both to the report.
///
/// Example: cargo xtask bench diff
#[derive(clap::Args)]
pub struct Args {
    /// How often to compare; the middle run counts.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

impl Default for Args {
    fn default() -> Self {
        Self { runs: 11 }
    }
}

/// Runs the benchmark.
pub fn run(args: &Args) -> Result<()> {
    let versions = ["0.99.0", &inputs::Provenance::read()?.codex_version];
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut runs = Vec::new();
    for _ in 0..args.runs {
        let mut command = Command::new(&cargo);
        command.args(["run", "--quiet", "--release", "--manifest-path"]);
        command.arg(inputs::root().join("xtask/Cargo.toml"));
        command.args(["--", "diff", "--measure", "--fail-on", "none", "--waivers", "none"]).args(versions);
        let output = command.output().context("cannot run cargo")?;
        let words = String::from_utf8_lossy(&output.stderr);
        let last = words.lines().last().unwrap_or_default();
        if !output.status.success() {
            bail!("`cargo xtask diff {}` failed: {last}", versions.join(" "));
        }
        let measured: Measured = serde_json::from_str(last).context("diff reports no measurement")?;
        runs.push(measured);
    }
    runs.sort_by(|a, b| a.milliseconds.total_cmp(&b.milliseconds));
    let (first, middle) = (&runs[0], &runs[runs.len() / 2]);
    println!("diff {}, {} runs, release build", versions.join(" → "), runs.len());
    println!("  time    {:.0} ms, at best {:.0} ms", middle.milliseconds, first.milliseconds);
    match middle.peak_megabytes {
        Some(peak) => println!("  memory  {peak:.0} MB at its peak"),
        None => println!("  memory  this system does not tell"),
    }
    Ok(())
}
