//! The two protocols to compare: from files, revisions or codex versions to models.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use codex_appserver_bindgen::model::Model;
use codex_appserver_bindgen::{Boxes, Config, Generator, Prose, Schema, Source, Tables};

use super::repository_path;
use crate::protocols::{self, PINNED};
use crate::{codegen, inputs};

/// What codegen boxed.
const BOXES: &str = "schema/boxes.toml";

/// One protocol.
pub struct Side {
    /// What the user called it.
    pub name: String,
    /// Its file in this repository, where it is one.
    pub file: Option<String>,
    /// What it says.
    pub model: Model,
}

impl Side {
    /// Reads what the user named. The tables apply to either side where they fit: what they say of one
    /// version holds for its neighbours, and a side without them would differ from one that has them.
    pub fn read(name: &str, tables: &Tables) -> Result<Self> {
        let (schema, file) = read_schema(name)?;
        let mut tables = tables.clone();
        if let Some(boxes) = name.strip_prefix("git:").map(boxes_at_revision).transpose()?.flatten() {
            tables = tables.with_boxes(boxes);
        }
        let config = Config { tables, ..Config::default() };
        let model = Generator::new(config, schema).model();
        Ok(Self { name: name.to_owned(), file, model: model.with_context(|| name.to_owned())? })
    }
}

fn read_schema(name: &str) -> Result<(Schema, Option<String>)> {
    if let Some(revision) = name.strip_prefix("git:") {
        return Ok((at_revision(revision)?, Some(PINNED.to_owned())));
    }
    if is_version(name) {
        return protocols::of_version(name);
    }
    if name.contains(['/', '\\', ',']) || Path::new(name).exists() {
        return Ok((codegen::read_schema(name, None, Prose::Drop)?, repository_path(Path::new(name))));
    }
    bail!("`{name}` is no file, no git:REV and no codex version such as 0.150.0");
}

/// The canonical schema as it was committed.
fn at_revision(revision: &str) -> Result<Schema> {
    if revision.is_empty() || revision.starts_with('-') {
        bail!("git:{revision} names no revision; write git:HEAD or git:origin/main");
    }
    let object = format!("{revision}:{PINNED}");
    let bytes = git(revision, &["show", &object])?;
    Ok(Schema::from_canonical(&Source { name: &object, bytes: &bytes })?)
}

/// What codegen boxed at a revision; `None` where it did not remember that yet.
fn boxes_at_revision(revision: &str) -> Result<Option<Boxes>> {
    if git(revision, &["ls-tree", "--name-only", revision, BOXES])?.is_empty() {
        return Ok(None);
    }
    let object = format!("{revision}:{BOXES}");
    let bytes = git(revision, &["show", &object])?;
    Ok(Some(Boxes::parse(&Source { name: &object, bytes: &bytes })?))
}

/// What a git command prints in the checkout.
fn git(revision: &str, arguments: &[&str]) -> Result<Vec<u8>> {
    let root = inputs::need_checkout(&format!("git:{revision}"), "name a codex version or a file")?;
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output();
    let output = output.with_context(|| format!("cannot run `git {}`", arguments.join(" ")))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        let reason = reason.lines().next().unwrap_or("git says nothing").trim_start_matches("fatal: ");
        bail!("git:{revision}: {reason}");
    }
    Ok(output.stdout)
}

/// Whether this is written like a codex version.
pub fn is_version(name: &str) -> bool {
    let core = name.split('-').next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    numbers.len() == 3 && numbers.iter().all(is_number) && name.chars().all(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_files() {
        for version in ["0.150.0", "0.170.0-alpha.3", "1.2.3"] {
            assert!(is_version(version), "{version}");
        }
        for other in ["0.150", "0.150.0.json", "./0.150.0", "v0.150.0", "0.150.0-a/b", "main", "0.1.2_x"] {
            assert!(!is_version(other), "{other}");
        }
    }
}
