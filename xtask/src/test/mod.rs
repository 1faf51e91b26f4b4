//! `cargo xtask test`: the checks of the project, in three tiers.

mod call;
mod quick;
mod steps;
mod tier;
mod tiers;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::Outcome;
use call::{Call, Runner};
use steps::{Step, steps};
use tier::Tier;

/// Run the checks that CI runs. Installs the pinned codex through npm when it is missing.
///
/// There are three tiers: `quick` before a commit, the default tier in CI, `--full` every night.
///
/// Example: cargo xtask test clippy tests
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Run these steps only. Without a name, every step of the tier runs.
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
    /// Run the full tier: every step, and the tests marked `#[ignore = "full tier: …"]`.
    #[arg(long)]
    full: bool,
    /// List the steps with their tier and stop.
    #[arg(long)]
    list: bool,
    /// With the step `tiers` alone: write tests/tiers.toml instead of checking it.
    #[arg(long, requires = "steps")]
    write: bool,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    Quick(quick::Args),
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<Outcome> {
    if let Some(What::Quick(args)) = &args.what {
        return quick::run(args);
    }
    let steps = steps();
    if args.list {
        for step in &steps {
            println!("{:<14}{:<9}{}", step.name, step.tier, step.about);
        }
        println!("`cargo xtask test quick` runs fmt, clippy and the tests of what changed");
        return Ok(Outcome::Clean);
    }
    if let Some(unknown) = args.steps.iter().find(|name| steps.iter().all(|step| step.name != **name)) {
        let known: Vec<&str> = steps.iter().map(|step| step.name).collect();
        bail!("there is no step `{unknown}`; the steps are {}", known.join(", "));
    }
    if args.write {
        if args.steps != ["tiers"] {
            bail!("only the step `tiers` writes a file; run `cargo xtask test tiers --write`");
        }
        tiers::write()?;
        return Ok(Outcome::Clean);
    }
    let tier = if args.full { Tier::Full } else { Tier::Default };
    let is_wanted = |step: &&Step| match args.steps.is_empty() {
        true => step.tier <= tier,
        false => args.steps.iter().any(|name| name == step.name),
    };
    run_all(tier, &steps.iter().filter(is_wanted).collect::<Vec<_>>())
}

/// Runs steps by name, as in the default tier.
pub fn run_steps(names: &[&str]) -> Result<Outcome> {
    let steps = steps();
    run_all(Tier::Default, &steps.iter().filter(|step| names.contains(&step.name)).collect::<Vec<_>>())
}

fn run_all(tier: Tier, steps: &[&Step]) -> Result<Outcome> {
    // It is a large download.
    let needs_codex = |call: &Call| matches!(call, Call::Suite(suite) if suite.needs_codex());
    let codex = match steps.iter().flat_map(|step| step.calls(tier)).any(needs_codex) {
        true => call::find_codex(true)?,
        false => None,
    };
    let runner = Runner::new(tier, codex);
    let mut log = Log::default();
    for step in steps {
        log.run(&runner, step)?;
    }
    Ok(log.finish())
}

/// What the steps came to, and how long each took.
#[derive(Default)]
struct Log(Vec<(&'static str, bool, Duration)>);

impl Log {
    /// Runs a step and notes what it came to. A call that finds something does not keep the next from running.
    /// False where one did.
    fn run(&mut self, runner: &Runner, step: &Step) -> Result<bool> {
        eprintln!("== {}: {}", step.name, step.about);
        let start = Instant::now();
        let mut ok = true;
        for call in step.calls(runner.tier()) {
            ok &= runner.run(call)?;
        }
        let time = start.elapsed();
        eprintln!("== {}: {} after {:.0} s", step.name, if ok { "ok" } else { "FAILED" }, time.as_secs_f64());
        self.0.push((step.name, ok, time));
        Ok(ok)
    }

    /// Prints the times and what failed.
    fn finish(self) -> Outcome {
        let total: Duration = self.0.iter().map(|(_, _, time)| *time).sum();
        eprintln!();
        for (name, ok, time) in &self.0 {
            eprintln!("{name:<12}{:>6.0} s  {}", time.as_secs_f64(), if *ok { "ok" } else { "FAILED" });
        }
        eprintln!("{:<14}{:>6.0} s", "all", total.as_secs_f64());
        let failed: Vec<&str> = self.0.iter().filter(|(_, ok, _)| !ok).map(|(name, ..)| *name).collect();
        if failed.is_empty() {
            eprintln!("all steps passed");
            return Outcome::Clean;
        }
        eprintln!("failed: {}; what is wrong is printed above, by the step", failed.join(", "));
        if failed.contains(&"fmt") {
            eprintln!(
                "to format: `cargo fmt --all`, and `cargo fmt --manifest-path MANIFEST` for the other workspaces"
            );
        }
        Outcome::Found
    }
}
