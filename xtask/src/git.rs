//! Asks git about the repository.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::inputs;

/// What a git command prints, run in the root of the repository.
pub fn run(arguments: &[&str]) -> Result<String> {
    let describe = || format!("cannot run `git {}`", arguments.join(" "));
    let output =
        Command::new("git").args(arguments).current_dir(inputs::root()).output().with_context(describe)?;
    if !output.status.success() {
        bail!("{}: {}", describe(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
