//! `cargo xtask bench relay`: what codex-relay costs beside the pipe and the socket between which it stands.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::inputs;

/// Measure codex-relay: bytes, lines and round trips through it, next to socat, websocat and a direct connection.
///
/// The server is a few lines that read, write or echo. Contenders take turns in each of several rounds; medians and
/// ratios are printed, and a codex-relay of more than 1 MB is an error. The peers take part if they are installed. Takes about three minutes beside compiling, and works
/// in target/bench-relay.
///
/// Example: cargo xtask bench relay --quick
#[derive(clap::Args, Default)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Measure just long enough to see that everybody takes part.
    #[arg(long)]
    quick: bool,
    /// How often each contender is measured.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
}

/// How many bytes the program may have. A client starts it as it starts codex, and it is often copied to other machines.
const SIZE_LIMIT: u64 = 1_000_000;

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let root = inputs::root();
    let target = root.join("target/bench-relay");
    let mut relay = cargo(&root, &target, "build");
    call(relay.args(["--profile", "relay", "-p", "codex-appserver-relay"]), "build codex-relay")?;
    let program = target.join("relay/codex-relay");
    let size = std::fs::metadata(&program).context("cannot find the codex-relay that was built")?.len();
    if size > SIZE_LIMIT {
        bail!(
            "codex-relay has {size} bytes, more than {SIZE_LIMIT}; see what has come into it: `cargo bloat`"
        );
    }
    let mut race = cargo(&root.join("benches/relay"), &target, "run");
    race.arg("--release").arg("--quiet").arg("--").arg("--relay").arg(program);
    race.args(args.quick.then_some("--quick"));
    race.args(args.rounds.map(|rounds| format!("--rounds={rounds}")));
    call(&mut race, "run the race in benches/relay")
}

fn call(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot {what}"))?;
    if status.success() { Ok(()) } else { bail!("cannot {what}; why stands above") }
}

fn cargo(package: &Path, target: &Path, verb: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args([verb, "--locked", "--target-dir"]).arg(target).current_dir(package);
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    command
}
