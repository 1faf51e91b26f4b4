//! Calls cargo the same way whoever asks, and reads what it compiled.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How many lines of cargo's own words an error repeats.
const SHOWN_LINES: usize = 20;

/// Variables that would change what is measured. The wrappers are emptied rather than removed: only so do
/// they outrank a configuration file.
const SET: [(&str, &str); 5] = [
    ("CARGO_INCREMENTAL", "0"),
    // Crates from a registry are built like this; without it path dependencies would pay for lints.
    ("RUSTFLAGS", "--cap-lints=allow"),
    ("RUSTC_WRAPPER", ""),
    ("RUSTC_WORKSPACE_WRAPPER", ""),
    ("CARGO_TERM_COLOR", "never"),
];
const REMOVED: [&str; 6] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "MAKEFLAGS",
    "MFLAGS",
];

/// A workspace and the folder its builds go to.
pub struct Cargo {
    /// The folder of the workspace.
    pub workspace: PathBuf,
    /// The target folder.
    pub target: PathBuf,
}

impl Cargo {
    /// Builds or checks, one job at a time, and returns the targets that were not fresh, by their crate names.
    pub fn build(&self, arguments: &[&str]) -> Result<BTreeSet<String>> {
        let (verb, rest) = arguments.split_first().context("a cargo call needs a verb")?;
        let mut all = vec![*verb, "--jobs=1", "--message-format=json"];
        all.extend(rest);
        let output = self.run(&all)?;
        let messages =
            String::from_utf8(output.stdout).context("cargo printed messages that are not UTF-8")?;
        Ok(messages.lines().filter_map(compiled).collect())
    }

    /// Removes what was built of these packages.
    pub fn clean(&self, profile: &str, packages: &[&str]) -> Result<()> {
        let mut arguments = vec!["clean", "--profile", profile];
        arguments.extend(packages.iter().flat_map(|package| ["--package", package]));
        self.run(&arguments).map(drop)
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(arguments).arg("--target-dir").arg(&self.target).current_dir(&self.workspace);
        command.envs(SET);
        let profiles = std::env::vars_os().map(|(key, _)| key);
        let profiles =
            profiles.filter(|key| key.to_str().is_some_and(|key| key.starts_with("CARGO_PROFILE_")));
        for key in profiles.chain(REMOVED.map(Into::into)) {
            command.env_remove(key);
        }
        let line = format!("cargo {}", arguments.join(" "));
        let output = command.output().with_context(|| format!("cannot run `{line}`"))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let lines: Vec<&str> = words.lines().collect();
            let last = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
            bail!("`{line}` in {} failed:\n{last}", self.workspace.display());
        }
        Ok(output)
    }
}

/// The crate that a message of cargo says was compiled.
fn compiled(message: &str) -> Option<String> {
    let message: Value = serde_json::from_str(message).ok()?;
    let artifact = message["reason"] == "compiler-artifact" && message["fresh"] == false;
    artifact.then(|| message["target"]["name"].as_str().map(|name| name.replace('-', "_")))?
}

#[cfg(test)]
mod tests {
    use super::compiled;

    #[test]
    fn only_what_was_compiled_counts() {
        let artifact =
            |fresh| format!(r#"{{"reason":"compiler-artifact","target":{{"name":"a-b"}},"fresh":{fresh}}}"#);
        assert_eq!(compiled(&artifact(false)).as_deref(), Some("a_b"));
        assert_eq!(compiled(&artifact(true)), None);
        assert_eq!(compiled(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(compiled("no JSON"), None);
    }
}
