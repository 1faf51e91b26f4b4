//! Where the inputs of codegen are, and how they are read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use codex_appserver_bindgen::{Schema, Source, TableSources, Tables};
use serde::{Deserialize, Serialize};

use crate::program::command;

static ROOT: OnceLock<PathBuf> = OnceLock::new();

/// Works on another checkout; the first call counts.
pub fn set_root(root: &Path) -> Result<()> {
    let found = root.canonicalize().ok().filter(|root| root.join("schema").is_dir());
    let Some(found) = found else { bail!("{} is no checkout of this repository", root.display()) };
    ROOT.get_or_init(|| found);
    Ok(())
}

/// Works on the checkout at `root`, which the caller knows to be one; the first call counts.
pub fn assume_root(root: &Path) {
    ROOT.get_or_init(|| root.to_owned());
}

/// The root of the repository: that of the checkout around the current folder, unless another one was set.
pub fn root() -> PathBuf {
    let around = || {
        let here = std::env::current_dir().unwrap_or_default();
        here.ancestors()
            .find(|folder| folder.join("schema/provenance.toml").is_file())
            .unwrap_or(&here)
            .to_owned()
    };
    ROOT.get_or_init(around).clone()
}

/// The folder of the canonical schema and its tables.
pub fn schema_dir() -> PathBuf {
    root().join("schema")
}

/// `schema/provenance.toml`: where the canonical schema comes from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The pinned codex version.
    pub codex_version: String,
    /// How the stable bundle was made.
    pub stable: Origin,
    /// How the experimental bundle was made.
    pub experimental: Origin,
}

/// One input of the merge.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The command that prints it.
    pub command: String,
    /// SHA-256 of what it printed.
    pub sha256: String,
}

impl Provenance {
    /// Reads the file.
    pub fn read() -> Result<Self> {
        let path = schema_dir().join("provenance.toml");
        toml::from_str(&read_text(&path)?).with_context(|| {
            format!("{} does not parse; write it again with `{}`", shown(&path), command("schema sync"))
        })
    }
}

/// Reads the canonical schema.
pub fn pinned_schema() -> Result<Schema> {
    let path = schema_dir().join("app-server.json");
    let bytes = read(&path)?;
    Ok(Schema::from_canonical(&Source { name: &shown(&path), bytes: &bytes })?)
}

/// Reads the tables beside it.
pub fn tables() -> Result<Tables> {
    let file = |name: &str| -> Result<(String, Vec<u8>)> {
        let path = schema_dir().join(name);
        Ok((shown(&path), read(&path)?))
    };
    let (overrides, docs, typify, extra) =
        (file("overrides.toml")?, file("docs.toml")?, file("typify.toml")?, file("extra.json")?);
    fn source(file: &(String, Vec<u8>)) -> Source<'_> {
        Source { name: &file.0, bytes: &file.1 }
    }
    Ok(Tables::parse(&TableSources {
        overrides: source(&overrides),
        docs: source(&docs),
        typify: source(&typify),
        extra: source(&extra),
    })?)
}

/// Reads a file; the error names it.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", shown(path)))
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", shown(path)))
}

/// A path as people write it: below the root without the root.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
