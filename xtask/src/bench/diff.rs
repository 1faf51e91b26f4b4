//! `cargo xtask bench diff`: how long a review of two far versions takes once built, and how much memory.

use std::process::Command;

use anyhow::{Context, Result, bail};

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

/// What one run reports of itself on its last line.
#[derive(serde::Deserialize, serde::Serialize)]
pub struct Measured {
    /// From the first file read to the report written.
    pub milliseconds: f64,
    /// The most memory the process held, where the system tells.
    pub peak_megabytes: Option<f64>,
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

/// The most memory this process held: Linux says so in a file.
pub fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}
