//! Where the inputs of codegen are, and how they are read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use codex_appserver_bindgen::history::History;
use codex_appserver_bindgen::{Boxes, Schema, Source, TableSources, Tables};
use serde::{Deserialize, Serialize};

use crate::program::command;
use crate::tree;

const BOXES: &str = "boxes.toml";

static ROOT: OnceLock<Option<PathBuf>> = OnceLock::new();
static EMBEDDED: OnceLock<Embedded> = OnceLock::new();

/// What a program brings along for work without a checkout of the repository.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Returns a file of the folder `schema/` by its name.
    pub schema_file: fn(&str) -> Option<&'static str>,
    /// The files below `crates/wire/src`: path and text.
    pub wire: &'static [(&'static str, &'static str)],
    /// Finds the folder for caches of the user.
    pub user_cache: fn() -> Option<PathBuf>,
}

/// Uses the files that the program brings along wherever there is no checkout; the first call counts.
pub fn set_embedded(embedded: Embedded) {
    EMBEDDED.get_or_init(|| embedded);
}

/// Works on another checkout; the first call counts.
pub fn set_root(root: &Path) -> Result<()> {
    let found = root.canonicalize().ok().filter(|root| root.join("schema").is_dir());
    let Some(found) = found else {
        bail!("{} is no checkout of the codex-appserver repository", root.display())
    };
    ROOT.get_or_init(|| Some(found));
    Ok(())
}

/// Works on the checkout at `root`, which the caller knows to be one; the first call counts.
pub fn assume_root(root: &Path) {
    ROOT.get_or_init(|| Some(root.to_owned()));
}

/// The root of the checkout: the one that was set, or else the one around the current folder.
pub fn checkout() -> Option<&'static Path> {
    let is_checkout = |folder: &&Path| {
        ["schema/provenance.toml", "crates/wire/Cargo.toml"].iter().all(|file| folder.join(file).is_file())
    };
    let around = || std::env::current_dir().ok()?.ancestors().find(is_checkout).map(Path::to_owned);
    ROOT.get_or_init(around).as_deref()
}

/// The root of the checkout for what cannot be done without one. `what` begins the sentence of the error, and
/// `instead` says what else can be done.
pub fn need_checkout(what: &str, instead: &str) -> Result<&'static Path> {
    checkout().with_context(|| {
        format!(
            "{what} needs a checkout of the codex-appserver repository; run this in one, name one with --root, \
             or {instead}"
        )
    })
}

/// The root of the checkout, or the current folder where there is none.
pub fn root() -> PathBuf {
    checkout().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The folder of the canonical schema and its tables.
pub fn schema_dir() -> PathBuf {
    root().join("schema")
}

/// Where installed codex versions and their schemas are kept: in the checkout, or else with the user's caches.
pub fn cache_dir() -> Result<PathBuf> {
    if let Some(root) = checkout() {
        return Ok(root.join(".cache"));
    }
    let user_cache = EMBEDDED.get().and_then(|embedded| (embedded.user_cache)());
    let user_cache = user_cache.context("there is no folder for caches; set HOME or XDG_CACHE_HOME")?;
    Ok(user_cache.join("codex-appserver"))
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
        let (name, bytes) = schema_file("provenance.toml")?;
        let text = String::from_utf8(bytes).with_context(|| format!("{name} is not UTF-8"))?;
        toml::from_str(&text).with_context(|| {
            format!("{name} does not parse; write it again with `{}`", command("schema sync"))
        })
    }
}

/// Reads the canonical schema.
pub fn pinned_schema() -> Result<Schema> {
    let (name, bytes) = schema_file("app-server.json")?;
    Ok(Schema::from_canonical(&Source { name: &name, bytes: &bytes })?)
}

/// Reads the tables beside it.
pub fn tables() -> Result<Tables> {
    let (overrides, docs, typify, extra) = (
        schema_file("overrides.toml")?,
        schema_file("docs.toml")?,
        schema_file("typify.toml")?,
        schema_file("extra.json")?,
    );
    fn source(file: &(String, Vec<u8>)) -> Source<'_> {
        Source { name: &file.0, bytes: &file.1 }
    }
    Ok(Tables::parse(&TableSources {
        overrides: source(&overrides),
        docs: source(&docs),
        typify: source(&typify),
        extra: source(&extra),
    })?
    .with_history(pinned_history()?)
    .with_boxes(boxes()?))
}

/// `schema/boxes.toml`: which types codegen boxes.
pub fn boxes_path() -> PathBuf {
    schema_dir().join(BOXES)
}

/// Reads what codegen boxed before; where there is no file, every type is new.
fn boxes() -> Result<Boxes> {
    if checkout().is_some() && !boxes_path().exists() {
        return Ok(Boxes::default());
    }
    let (name, bytes) = schema_file(BOXES)?;
    Ok(Boxes::parse(&Source { name: &name, bytes: &bytes })?)
}

/// `schema/history.json`: in which releases each name exists.
pub fn history_path() -> PathBuf {
    schema_dir().join("history.json")
}

/// Reads the history of the protocol, which an installed program brings along.
pub fn pinned_history() -> Result<History> {
    if checkout().is_some() {
        return history(&history_path());
    }
    let (name, bytes) = schema_file("history.json")?;
    Ok(History::parse(&Source { name: &name, bytes: &bytes })?)
}

/// Reads a history; where there is no file, no release has been read yet.
pub fn history(path: &Path) -> Result<History> {
    if !path.exists() {
        return Ok(History::default());
    }
    Ok(History::parse(&Source { name: &shown(path), bytes: &read(path)? })?)
}

/// Reads a file of `schema/`, in the checkout or else as the program brings it along: what people call it, and its
/// bytes.
fn schema_file(name: &str) -> Result<(String, Vec<u8>)> {
    let shown = format!("schema/{name}");
    if let Some(root) = checkout() {
        return Ok((shown, read(&root.join("schema").join(name))?));
    }
    let embedded = EMBEDDED.get().and_then(|embedded| (embedded.schema_file)(name));
    let text = embedded
        .with_context(|| format!("cannot read {shown}: there is no checkout; name one with --root"))?;
    Ok((shown, text.into()))
}

/// The files below `src` of the crate `codex-appserver-wire`: path and bytes, sorted by path.
pub fn wire_sources() -> Result<Vec<(String, Vec<u8>)>> {
    if let Some(root) = checkout() {
        let folder = root.join("crates/wire/src");
        let mut files = Vec::new();
        for path in tree::walk(&folder)? {
            let name = path.strip_prefix(&folder)?.to_string_lossy().replace('\\', "/");
            files.push((name, read(&path)?));
        }
        files.sort();
        return Ok(files);
    }
    let embedded =
        EMBEDDED.get().context("cannot read crates/wire: there is no checkout; name one with --root")?;
    Ok(embedded.wire.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_owned())).collect())
}

/// Reads a file; the error names it.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", shown(path)))
}

/// A path as people write it: below the root without the root.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
