//! Asks cargo about the packages of the repository, and runs cargo for the packages under test.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::inputs;

/// The manifests of the workspaces that are checked: that of the crates, and that of this program.
pub const MANIFESTS: [&str; 2] = ["Cargo.toml", "xtask/Cargo.toml"];

/// Cargo without the variables that cargo sets for this program: they are not for the crates under test.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for key in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"] {
        command.env_remove(key);
    }
    command.current_dir(inputs::root());
    command
}

/// The packages of a workspace as `cargo metadata` describes them.
pub fn packages(manifest: &str) -> Result<Vec<Value>> {
    let line = format!("metadata --no-deps --format-version 1 --manifest-path {manifest}");
    let output =
        cargo().args(line.split(' ')).output().with_context(|| format!("cannot run `cargo {line}`"))?;
    if !output.status.success() {
        bail!("`cargo {line}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let mut metadata: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("`cargo {line}` did not print JSON"))?;
    match metadata["packages"].take() {
        Value::Array(packages) => Ok(packages),
        _ => bail!("`cargo {line}` named no packages"),
    }
}
