//! Builds a program of the workspace and runs it in place of this one.
//!
//! `xtask` must not depend on crates of the workspace that could be broken, so it launches them.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{Outcome, inputs};

/// A program and its package.
pub struct Program {
    package: &'static str,
    name: &'static str,
    features: &'static str,
}

/// Stands between a client and a server and writes down what they say.
pub const RECORDER: Program =
    Program { package: "codex-appserver-record", name: "codex-appserver-record", features: "" };

/// Plays the server's side of what was written down.
pub const REPLAY: Program =
    Program { package: "codex-appserver-record", name: "codex-appserver-replay", features: "" };

/// Decodes what was written down.
pub const TRACE: Program =
    Program { package: "codex-appserver-trace", name: "codex-appserver-trace", features: "experimental" };

/// What a program is given, as it is: it has its own options and its own help.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    #[arg(value_name = "ARGUMENTS", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Program {
    /// Builds the program in release mode and runs it where the user stands. It gets our standard streams:
    /// nothing but its own words goes to standard output.
    pub fn run(&self, args: &Args) -> Result<Outcome> {
        let all: Vec<OsString> = std::env::args_os().collect();
        let mut command = Command::new(self.build()?);
        command.args(with_escape(&all, &args.arguments));
        without_cargo(&mut command);
        replace(command)
    }

    /// Builds the program; cargo says where it is, whichever target folder is set.
    fn build(&self) -> Result<PathBuf> {
        let Self { package, name, features } = self;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--release", "--message-format=json-render-diagnostics"]);
        // The first build takes a minute: people see that it goes on.
        if !std::io::stderr().is_terminal() {
            command.arg("--quiet");
        }
        command.args(["--package", package, "--bin", name, "--features", features]);
        command.current_dir(inputs::root());
        without_cargo(&mut command);
        let line = format!("cargo build --release --package {package} --bin {name}");
        // What waits in our standard input is for the program.
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("cannot run `{line}`"))?;
        if !output.status.success() {
            bail!("`{line}` failed; what is wrong stands above");
        }
        let messages =
            String::from_utf8(output.stdout).context("cargo printed messages that are not UTF-8")?;
        messages.lines().find_map(|message| executable(message, name)).with_context(|| {
            format!("`{line}` built no program; has the package a binary target of this name?")
        })
    }
}

/// The arguments behind the verb as the user wrote them: clap takes a `--` that comes first for itself.
fn with_escape(all: &[OsString], parsed: &[OsString]) -> Vec<OsString> {
    let escape = all.len().checked_sub(parsed.len() + 1).and_then(|at| all.get(at));
    let escape = escape.filter(|argument| *argument == OsStr::new("--"));
    escape.into_iter().chain(parsed).cloned().collect()
}

/// The program, where a message of cargo tells of it.
fn executable(message: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_program = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
    is_program.then(|| message["executable"].as_str().map(PathBuf::from))?
}

/// What cargo sets for xtask is not for others.
fn without_cargo(command: &mut Command) {
    let is_ours = |key: &str| key.starts_with("CARGO_PKG_") || key.starts_with("CARGO_MANIFEST_");
    let keys = std::env::vars_os().map(|(key, _)| key);
    for key in keys.filter(|key| key.to_str().is_some_and(is_ours)) {
        command.env_remove(key);
    }
}

/// The program takes the place of this process: signals and streams are its own.
#[cfg(unix)]
fn replace(mut command: Command) -> Result<Outcome> {
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    Err(error).with_context(|| format!("cannot run {}", command.get_program().display()))
}

#[cfg(not(unix))]
fn replace(mut command: Command) -> Result<Outcome> {
    let program = command.get_program().display().to_string();
    let status = command.status().with_context(|| format!("cannot run {program}"))?;
    std::process::exit(status.code().unwrap_or(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_escape_that_clap_takes_is_put_back() {
        let given = |all, parsed| with_escape(&words(all), &words(parsed));
        assert_eq!(given("xtask record -- cat -n", "cat -n"), words("-- cat -n"));
        assert_eq!(given("xtask record --redact -- cat", "--redact -- cat"), words("--redact -- cat"));
        assert_eq!(given("xtask record", ""), words(""));
        assert_eq!(given("xtask record --", ""), words("--"));
    }

    #[test]
    fn the_program_is_found_among_the_messages() {
        let message = |name, executable| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"{name}"}},"executable":{executable}}}"#
            )
        };
        assert_eq!(executable(&message("a-b", r#""/t/a-b""#), "a-b"), Some(PathBuf::from("/t/a-b")));
        assert_eq!(executable(&message("a_b", "null"), "a-b"), None);
        assert_eq!(executable(&message("a-b", "null"), "a-b"), None);
        assert_eq!(executable("no JSON", "a-b"), None);
    }
}
