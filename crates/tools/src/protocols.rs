//! The protocol of a codex: what a binary says of itself, or what a version is known to have.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use codex_appserver_bindgen::{Prose, Schema, Source};
use codex_appserver_runtime::{Codex, Surface};
use sha2::{Digest, Sha256};

use crate::codex;
use crate::inputs::{self, Origin, Provenance};
use crate::tree::write_whole;

/// The canonical schema below the root.
pub const PINNED: &str = "schema/app-server.json";

/// The canonical schema of a codex, and where it comes from.
pub fn of_codex(codex: &Codex, prose: Prose) -> Result<(Schema, Provenance)> {
    let version = codex.version().context("cannot ask codex for its version")?;
    let (stable, stable_origin) = bundle(codex, Surface::Stable)?;
    let (experimental, experimental_origin) = bundle(codex, Surface::Experimental)?;
    let schema = Schema::from_bundles(
        &Source { name: "the stable bundle", bytes: &stable },
        Some(&Source { name: "the experimental bundle", bytes: &experimental }),
        prose,
    )?
    .with_codex_version(&version);
    let provenance =
        Provenance { codex_version: version, stable: stable_origin, experimental: experimental_origin };
    Ok((schema, provenance))
}

fn bundle(codex: &Codex, surface: Surface) -> Result<(Vec<u8>, Origin)> {
    let bytes = codex.json_schema(surface).context("cannot ask codex for its schema")?;
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, Origin { command: codex.schema_command(surface), sha256 }))
}

/// A codex version: a fixture, the pinned schema, what an earlier run kept, or asked of codex itself.
pub fn of_version(version: &str) -> Result<(Schema, Option<String>)> {
    let name = format!("{version}.json");
    let fixture = inputs::checkout().map(|root| root.join("tests/fixtures/protocols").join(&name));
    if let Some(fixture) = fixture.filter(|fixture| fixture.is_file()) {
        return Ok((canonical(&fixture)?, None));
    }
    if Provenance::read()?.codex_version == version {
        return Ok((inputs::pinned_schema()?, inputs::checkout().map(|_| PINNED.to_owned())));
    }
    let kept = inputs::cache_dir()?.join("protocols").join(&name);
    if !kept.is_file() {
        ask_codex(version, &kept)?;
    }
    Ok((canonical(&kept)?, None))
}

fn canonical(path: &Path) -> Result<Schema> {
    let bytes = inputs::read(path)?;
    Ok(Schema::from_canonical(&Source { name: &inputs::shown(path), bytes: &bytes })?)
}

/// Asks a codex for its protocol and keeps the answer. The program itself, 170 MB, goes again unless
/// somebody installed it before.
fn ask_codex(version: &str, keep: &Path) -> Result<()> {
    let home = inputs::cache_dir()?;
    let (codex, _temporary) = if home.join(format!("codex/codex-{version}")).is_dir() {
        (codex::install(version)?, None)
    } else {
        std::fs::create_dir_all(&home).with_context(|| format!("cannot create {}", inputs::shown(&home)))?;
        let temporary = tempfile::Builder::new().prefix("diff-").tempdir_in(&home);
        let temporary = temporary.with_context(|| format!("cannot write in {}", inputs::shown(&home)))?;
        let codex = codex::install_into(temporary.path(), version).map_err(in_one_line)?;
        (codex, Some(temporary))
    };
    let (schema, _) = of_codex(&codex, Prose::Drop)?;
    let parent = keep.parent().unwrap_or(&home);
    std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", inputs::shown(parent)))?;
    write_whole(keep, schema.to_canonical_json().as_bytes())
}

/// What npm says of a version that it does not find, without its advice.
fn in_one_line(error: anyhow::Error) -> anyhow::Error {
    let Some(codex_appserver_runtime::Error::NpmFailed { version, stderr, .. }) = error.downcast_ref() else {
        return error;
    };
    let lines = stderr
        .lines()
        .map(|line| line.trim().trim_start_matches("npm error ").trim_start_matches("notarget "));
    let reason = lines.filter(|line| !line.starts_with("code ")).find(|line| !line.is_empty());
    anyhow!("cannot install codex {version}: {}", reason.unwrap_or("npm does not say why"))
}
