//! The pinned codex binary, installed when it is missing.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use codex_appserver_runtime::{Codex, Installer, Progress};

use crate::inputs::{self, Provenance};

/// The npm package of codex.
pub const PACKAGE: &str = "@openai/codex";

/// The binary at `path`, else the pinned version out of the git-ignored cache.
pub fn find(path: Option<&Path>) -> Result<Codex> {
    match path {
        Some(path) => Ok(Codex::at(path)?),
        None => pinned(),
    }
}

/// The pinned version, installed through npm when it is missing.
pub fn pinned() -> Result<Codex> {
    install(&Provenance::read()?.codex_version)
}

/// The pinned version where it is installed already.
pub fn installed() -> Result<Codex> {
    let version = Provenance::read()?.codex_version;
    let found = Installer::new(cache()?).installed(&version);
    found.with_context(|| format!("codex {version} is not installed; `cargo xtask test` installs it"))
}

/// Any version, installed through npm when it is missing.
pub fn install(version: &str) -> Result<Codex> {
    install_into(&cache()?, version)
}

/// The newest version on npm.
pub fn latest() -> Result<String> {
    Ok(Installer::new(cache()?).latest()?)
}

fn cache() -> Result<PathBuf> {
    Ok(inputs::cache_dir()?.join("codex"))
}

/// The same in a folder of the caller's.
pub fn install_into(cache: &Path, version: &str) -> Result<Codex> {
    Ok(Installer::new(cache).progress(show).install(version)?)
}

/// On a terminal one line that changes, elsewhere a line every ten seconds.
fn show(progress: &Progress) {
    let terminal = std::io::stderr().is_terminal();
    let done = matches!(progress, Progress::Done { .. });
    if terminal {
        eprint!("\r\x1b[2K{progress}{}", if done { "\n" } else { "" });
        // Progress that cannot be shown is no reason to stop.
        let _ = std::io::stderr().flush();
        return;
    }
    let seconds = match progress {
        Progress::Waiting { elapsed, .. } | Progress::Downloading { elapsed, .. } => elapsed.as_secs(),
        _ => 0,
    };
    if seconds % 10 == 0 {
        eprintln!("{progress}");
    }
}
