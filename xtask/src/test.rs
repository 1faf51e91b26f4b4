//! `cargo xtask test`: everything CI runs, step by step.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{Outcome, codex, inputs};

/// Run everything that CI runs; installs the pinned codex when it is missing.
///
/// Example: cargo xtask test clippy tests
#[derive(clap::Args)]
pub struct Args {
    /// Only these steps; all of them when none is named.
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
    /// List the steps and stop.
    #[arg(long)]
    list: bool,
}

/// A named list of cargo calls.
struct Step {
    name: &'static str,
    about: &'static str,
    calls: Vec<Call>,
}

struct Call {
    arguments: Vec<&'static str>,
    env: Vec<(&'static str, &'static str)>,
    fresh_target: bool,
    platform: Option<&'static str>,
}

fn cargo(line: &'static str) -> Call {
    Call { arguments: line.split(' ').collect(), env: Vec::new(), fresh_target: false, platform: None }
}

impl Call {
    fn env(mut self, key: &'static str, value: &'static str) -> Self {
        self.env.push((key, value));
        self
    }

    /// Builds in a target folder of its own. cargo unpacks the packages it verifies into its home, by the
    /// path of the target folder and their version: the same folder would show it those of an older run.
    fn fresh_target(mut self) -> Self {
        self.fresh_target = true;
        self
    }

    /// Builds for another platform, where its standard library is there or can be had; else, loudly, for this one.
    fn platform(mut self, triple: &'static str) -> Self {
        self.platform = Some(triple);
        self
    }
}

fn steps() -> Vec<Step> {
    let step = |name, about, calls| Step { name, about, calls };
    vec![
        step(
            "fmt",
            "formatting",
            vec![
                cargo("fmt --all --check"),
                cargo("fmt --manifest-path xtask/Cargo.toml --check"),
                cargo("fmt --manifest-path tests/downstream/types-only/Cargo.toml --check"),
                cargo("fmt --manifest-path tests/downstream/blocking-only/Cargo.toml --check"),
                cargo("fmt --manifest-path tests/downstream/full-async/Cargo.toml --check"),
            ],
        ),
        step(
            "codegen",
            "the generated crates are what codegen makes of the schema",
            vec![cargo("run --quiet --manifest-path xtask/Cargo.toml -- codegen --check")],
        ),
        step(
            "clippy",
            "lints, with and without the feature `experimental`",
            vec![
                cargo("clippy --quiet --workspace --all-targets -- -D warnings"),
                cargo("clippy --quiet --workspace --all-targets --all-features -- -D warnings"),
                // With threads alone, and what is left without either.
                cargo(
                    "clippy --quiet -p codex-appserver-client --lib --no-default-features --features blocking,ws -- -D warnings",
                ),
                cargo("clippy --quiet -p codex-appserver-client --lib --no-default-features -- -D warnings"),
                // Each feature of the SDK without the others.
                cargo("clippy --quiet -p codex-appserver --lib --no-default-features -- -D warnings"),
                cargo(
                    "clippy --quiet -p codex-appserver --lib --no-default-features --features async -- -D warnings",
                ),
                cargo(
                    "clippy --quiet -p codex-appserver --lib --no-default-features --features blocking -- -D warnings",
                ),
                cargo(
                    "clippy --quiet -p codex-appserver --lib --no-default-features --features structured -- -D warnings",
                ),
                cargo("clippy --quiet --manifest-path xtask/Cargo.toml --all-targets -- -D warnings"),
            ],
        ),
        step(
            "doc",
            "docs without warnings",
            vec![
                cargo("doc --quiet --workspace --no-deps --all-features").env("RUSTDOCFLAGS", "-D warnings"),
            ],
        ),
        step(
            "tests",
            "unit, snapshot and workspace tests, with and without `experimental`",
            vec![
                cargo("test --quiet --workspace --no-fail-fast"),
                cargo("test --quiet --workspace --all-features --no-fail-fast"),
                cargo("test --quiet --manifest-path xtask/Cargo.toml"),
            ],
        ),
        step(
            "downstream",
            "crates that depend on the SDK as users do: on its types alone, without tokio, and as it comes",
            vec![
                cargo(
                    "test --quiet --manifest-path tests/downstream/types-only/Cargo.toml --target-dir target/downstream",
                ),
                cargo(
                    "build --quiet --manifest-path tests/downstream/types-only/Cargo.toml --target-dir target/downstream",
                )
                .platform("wasm32-unknown-unknown"),
                cargo(
                    "test --quiet --manifest-path tests/downstream/blocking-only/Cargo.toml --target-dir target/downstream",
                ),
                cargo(
                    "test --quiet --manifest-path tests/downstream/full-async/Cargo.toml --target-dir target/downstream",
                ),
            ],
        ),
        step(
            "bench",
            "the decode and client benchmarks build, agree with their peers on every message, and run",
            vec![
                cargo("run --quiet --manifest-path xtask/Cargo.toml -- bench decode --quick"),
                cargo("run --quiet --manifest-path xtask/Cargo.toml -- bench client --quick"),
            ],
        ),
        step(
            "package",
            "every publishable crate packages and builds from its package",
            vec![
                cargo("package --quiet --workspace --exclude codex-appserver-tests --allow-dirty")
                    .fresh_target(),
            ],
        ),
    ]
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<Outcome> {
    let steps = steps();
    if args.list {
        for step in &steps {
            println!("{:<12}{}", step.name, step.about);
        }
        return Ok(Outcome::Clean);
    }
    if let Some(unknown) = args.steps.iter().find(|name| steps.iter().all(|step| step.name != **name)) {
        let known: Vec<&str> = steps.iter().map(|step| step.name).collect();
        bail!("there is no step `{unknown}`; the steps are {}", known.join(", "));
    }
    let is_wanted = |step: &Step| args.steps.is_empty() || args.steps.iter().any(|name| name == step.name);
    // Only the tests need it, and it is a large download.
    let codex =
        if steps.iter().any(|step| step.name == "tests" && is_wanted(step)) { find_codex()? } else { None };
    let mut failed = Vec::new();
    for step in
        steps.iter().filter(|step| args.steps.is_empty() || args.steps.iter().any(|name| name == step.name))
    {
        eprintln!("== {}: {}", step.name, step.about);
        let start = Instant::now();
        let mut ok = true;
        for call in &step.calls {
            ok &= run_cargo(call, codex.as_deref())?;
        }
        eprintln!(
            "== {}: {} after {:.0} s",
            step.name,
            if ok { "ok" } else { "FAILED" },
            start.elapsed().as_secs_f64()
        );
        if !ok {
            failed.push(step.name);
        }
    }
    if failed.is_empty() {
        eprintln!("all steps passed");
        Ok(Outcome::Clean)
    } else {
        eprintln!("failed: {}; run one alone with `cargo xtask test {}`", failed.join(", "), failed[0]);
        Ok(Outcome::Found)
    }
}

/// The real codex, for the tests that need it. Without npm they are skipped, but never in CI.
fn find_codex() -> Result<Option<std::path::PathBuf>> {
    match codex::pinned() {
        Ok(codex) => Ok(Some(codex.path().to_owned())),
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => Err(error),
        Err(error) => {
            eprintln!("WARNING: {error:#}");
            eprintln!("WARNING: the tests that need the real codex are SKIPPED");
            Ok(None)
        }
    }
}

fn run_cargo(call: &Call, codex: Option<&Path>) -> Result<bool> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(&call.arguments).current_dir(inputs::root()).envs(call.env.iter().copied());
    // What cargo sets for xtask is not for the crates under test.
    for key in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"] {
        command.env_remove(key);
    }
    if let Some(codex) = codex {
        command.env("CODEX_APPSERVER_TEST_CODEX", codex);
    }
    let target = match call.fresh_target {
        true => {
            let parent = inputs::root().join("target");
            std::fs::create_dir_all(&parent)
                .with_context(|| format!("cannot create {}", parent.display()))?;
            Some(
                tempfile::tempdir_in(&parent)
                    .with_context(|| format!("cannot write in {}", parent.display()))?,
            )
        }
        false => None,
    };
    if let Some(target) = &target {
        command.arg("--target-dir").arg(target.path());
    }
    let mut line = format!("cargo {}", call.arguments.join(" "));
    if let Some(triple) = call.platform.filter(|triple| can_build_for(triple)) {
        command.args(["--target", triple]);
        line = format!("{line} --target {triple}");
    }
    eprintln!("$ {line}");
    let status = command.status().with_context(|| format!("cannot run `{line}`"))?;
    Ok(status.success())
}

/// Whether there is a standard library for the platform, if need be once rustup has installed it.
fn can_build_for(triple: &str) -> bool {
    let is_installed = || {
        let output = Command::new("rustc").args(["--print", "target-libdir", "--target", triple]).output();
        output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim_end()).is_dir())
    };
    if is_installed() {
        return true;
    }
    let added = Command::new("rustup").args(["target", "add", triple]).status();
    if added.is_ok_and(|status| status.success()) && is_installed() {
        return true;
    }
    eprintln!("WARNING: there is no Rust for {triple} here, and rustup cannot add it");
    eprintln!("WARNING: the build for {triple} is SKIPPED; the same is built for this platform instead");
    false
}
