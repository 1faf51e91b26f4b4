//! The pinned codex binary, installed when it is missing.

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Result};
use codex_appserver_runtime::{Codex, Installer, Progress};

use crate::inputs::{self, Provenance};

/// The binary at `path`, else the pinned version out of the git-ignored cache.
pub fn find(path: Option<&Path>) -> Result<Codex> {
    match path {
        Some(path) => Codex::at(path).with_context(|| format!("cannot use {}", path.display())),
        None => pinned(),
    }
}

/// The pinned version, installed through npm when it is missing.
pub fn pinned() -> Result<Codex> {
    install(&Provenance::read()?.codex_version)
}

/// Any version, installed through npm when it is missing.
pub fn install(version: &str) -> Result<Codex> {
    let cache = inputs::root().join(".cache/codex");
    Installer::new(cache).progress(show).install(version).with_context(|| format!("cannot install codex {version}"))
}

fn show(progress: Progress) {
    let terminal = std::io::stderr().is_terminal();
    let line = match &progress {
        Progress::Downloading { version, bytes_so_far, elapsed } => {
            if !terminal && elapsed.as_secs() % 10 != 0 {
                return;
            }
            format!("installing codex {version} through npm: {} MB, {} s", bytes_so_far / 1_000_000, elapsed.as_secs())
        }
        Progress::Waiting { version } => format!("codex {version}: waiting for another installation to finish"),
        Progress::Done { version } => format!("codex {version} is installed"),
    };
    let done = matches!(progress, Progress::Done { .. });
    if terminal {
        eprint!("\r\x1b[2K{line}{}", if done { "\n" } else { "" });
        let _ = std::io::stderr().flush();
    } else {
        eprintln!("{line}");
    }
}
