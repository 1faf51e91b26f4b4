//! What a step calls: cargo, a suite of tests, or a tool that may be missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::tier::Tier;
use super::tiers;
use crate::{codex, inputs, workspace};

/// One thing that a step does.
pub enum Call {
    /// A cargo command.
    Cargo(Cargo),
    /// Tests, by cargo-nextest where it is installed.
    Suite(Suite),
    /// A program that does not come with Rust.
    Tool(Tool),
    /// The check that no test has vanished from its tier.
    Tiers,
}

/// A cargo command and what is special about it.
pub struct Cargo {
    arguments: Vec<String>,
    env: Vec<(&'static str, &'static str)>,
    fresh_target: bool,
    platform: Option<&'static str>,
}

/// The tests of some packages.
pub struct Suite {
    /// Which packages, features and targets: what `cargo test` and `cargo nextest run` both take.
    select: Vec<String>,
    /// If not empty, only the tests of these packages run.
    only: Vec<String>,
    /// Whether doc tests and tests with the real codex belong to it.
    whole: bool,
    /// Whether the tests of the full tier belong to it, when that tier runs.
    full: bool,
}

impl Suite {
    /// Whether tests of it drive the real codex.
    pub fn needs_codex(&self) -> bool {
        self.whole
    }

    /// The cargo commands that run it with cargo-nextest, which knows no doc tests.
    fn nextest(&self, with_ignored: bool) -> Vec<String> {
        let select = self.select.join(" ");
        // Many tests wait for other processes, so there may be more of them than cores.
        let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
        let mut run = format!("nextest run {select} --no-fail-fast --no-tests pass --test-threads {threads}");
        run.push_str(" --status-level fail --final-status-level slow");
        if !self.only.is_empty() {
            run.push_str(&format!(" -E package({})", self.only.join(")+package(")));
        }
        if with_ignored {
            run.push_str(" --run-ignored all");
        }
        let docs = self.whole.then(|| format!("test --quiet --doc {select} --no-fail-fast"));
        std::iter::once(run).chain(docs).collect()
    }

    /// The cargo command that runs it without cargo-nextest.
    fn cargo_test(&self, with_ignored: bool) -> Vec<String> {
        let select = match self.only.is_empty() {
            true => self.select.join(" "),
            false => format!("-p {} --all-features", self.only.join(" -p ")),
        };
        let ignored = if with_ignored { " -- --include-ignored" } else { "" };
        vec![format!("test --quiet {select} --no-fail-fast{ignored}")]
    }
}

/// A program that does not come with Rust.
pub struct Tool {
    line: String,
    /// Succeeds where the tool is installed.
    probe: &'static str,
    install: &'static str,
}

/// A cargo command, its arguments separated by spaces.
pub fn cargo(line: &str) -> Cargo {
    Cargo { arguments: words(line), env: Vec::new(), fresh_target: false, platform: None }
}

/// The tests of what `select` names, doc tests included.
pub fn tests(select: &str) -> Call {
    Call::Suite(Suite { select: words(select), only: Vec::new(), whole: true, full: true })
}

/// The tests of what `select` names, without those that only the full tier runs.
pub fn default_tests(select: &str) -> Call {
    Call::Suite(Suite { select: words(select), only: Vec::new(), whole: true, full: false })
}

/// The tests of some packages of the workspace.
///
/// All of it is built, as the other tiers build it: cargo would compile the dependencies of one package alone once
/// more, with the features that this package needs.
pub fn tests_of(packages: Vec<String>) -> Call {
    Call::Suite(Suite {
        select: words("--workspace --all-features"),
        only: packages,
        whole: true,
        full: false,
    })
}

/// Test programs without doc tests, none of which drives the real codex.
pub fn offline_tests(select: &str) -> Call {
    Call::Suite(Suite { select: words(select), only: Vec::new(), whole: false, full: true })
}

/// A tool: its command line, a command that succeeds where it is installed, and how to install it.
pub fn tool(line: impl Into<String>, probe: &'static str, install: &'static str) -> Call {
    Call::Tool(Tool { line: line.into(), probe, install })
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

impl Cargo {
    /// Sets a variable of the environment.
    pub fn env(mut self, key: &'static str, value: &'static str) -> Self {
        self.env.push((key, value));
        self
    }

    /// Builds in a target folder of its own. Cargo unpacks the packages it verifies into its home, by the
    /// path of the target folder and their version: the same folder would show it those of an older run.
    pub fn fresh_target(mut self) -> Self {
        self.fresh_target = true;
        self
    }

    /// Builds for another platform. Where its standard library cannot be had, warns and builds for this one.
    pub fn platform(mut self, triple: &'static str) -> Self {
        self.platform = Some(triple);
        self
    }
}

impl From<Cargo> for Call {
    fn from(cargo: Cargo) -> Self {
        Self::Cargo(cargo)
    }
}

/// Runs calls in one tier.
pub struct Runner {
    tier: Tier,
    /// The real codex, for the tests that need it.
    codex: Option<PathBuf>,
    has_nextest: bool,
}

impl Runner {
    /// A runner whose tests use the real codex where there is one.
    pub fn new(tier: Tier, codex: Option<PathBuf>) -> Self {
        Self { tier, codex, has_nextest: succeeds("cargo nextest --version") }
    }

    /// The tier that it runs.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Runs a call; false where it found something.
    pub fn run(&self, call: &Call) -> Result<bool> {
        match call {
            Call::Cargo(cargo) => self.run_cargo(cargo),
            Call::Suite(suite) => self.run_suite(suite),
            Call::Tool(tool) => self.run_tool(tool),
            Call::Tiers => tiers::check(),
        }
    }

    fn run_cargo(&self, call: &Cargo) -> Result<bool> {
        let mut arguments = call.arguments.clone();
        // Deleted when this function returns.
        let target = if call.fresh_target { Some(fresh_target()?) } else { None };
        if let Some(target) = &target {
            arguments.extend(["--target-dir".to_owned(), target.path().display().to_string()]);
        }
        if let Some(triple) = call.platform.filter(|triple| can_build_for(triple)) {
            arguments.extend(["--target".to_owned(), triple.to_owned()]);
        }
        let mut command = workspace::cargo();
        command.args(&arguments).envs(call.env.iter().copied());
        self.run_command(command, &format!("cargo {}", arguments.join(" ")))
    }

    fn run_suite(&self, suite: &Suite) -> Result<bool> {
        let with_ignored = suite.full && self.tier == Tier::Full;
        let lines =
            if self.has_nextest { suite.nextest(with_ignored) } else { suite.cargo_test(with_ignored) };
        let mut ok = true;
        for line in lines {
            let mut command = workspace::cargo();
            command.args(words(&line));
            ok &= self.run_command(command, &format!("cargo {line}"))?;
        }
        Ok(ok)
    }

    fn run_tool(&self, tool: &Tool) -> Result<bool> {
        if !succeeds(tool.probe) {
            let (what, ci) = (&tool.line, is_ci());
            eprintln!("WARNING: `{}` fails here, so `{what}` is SKIPPED", tool.probe);
            eprintln!("WARNING: to install the tool: {}", tool.install);
            return Ok(!ci);
        }
        self.run_command(command(&tool.line), &tool.line)
    }

    fn run_command(&self, mut command: Command, line: &str) -> Result<bool> {
        command.current_dir(inputs::root());
        // The tests run this very program instead of having cargo look for changes each time.
        if let Ok(xtask) = std::env::current_exe() {
            command.env("CODEX_APPSERVER_TEST_XTASK", xtask);
        }
        if let Some(codex) = &self.codex {
            command.env("CODEX_APPSERVER_TEST_CODEX", codex);
        }
        eprintln!("$ {line}");
        let status = command.status().with_context(|| format!("cannot run `{line}`"))?;
        Ok(status.success())
    }
}

/// The real codex. Where `install` is false, only one that is installed already. Without it tests are skipped,
/// which is an error in CI.
pub fn find_codex(install: bool) -> Result<Option<PathBuf>> {
    let found = if install { codex::pinned() } else { codex::installed() };
    match found {
        Ok(codex) => Ok(Some(codex.path().to_owned())),
        Err(error) if is_ci() => Err(error),
        Err(error) => {
            eprintln!("WARNING: {error:#}");
            eprintln!("WARNING: the tests that need the real codex are SKIPPED");
            Ok(None)
        }
    }
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true")
}

/// A command by its line. No argument of ours has a space.
fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// Whether a command runs and succeeds; what it prints is not shown.
fn succeeds(line: &str) -> bool {
    let status = command(line).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn fresh_target() -> Result<tempfile::TempDir> {
    let parent = inputs::root().join("target");
    std::fs::create_dir_all(&parent).with_context(|| format!("cannot create {}", parent.display()))?;
    tempfile::tempdir_in(&parent).with_context(|| format!("cannot write in {}", parent.display()))
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
