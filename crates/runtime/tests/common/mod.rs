//! Fake programs for the tests: shell scripts in a temporary folder.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes a shell script and returns its path.
///
/// A shell of its own does the writing. Were the file open for writing in this process, a test that
/// starts a program at that moment would hand it down and running the script would fail as "busy".
pub fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    let status = Command::new("sh")
        .args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod +x \"$0\""])
        .arg(&path)
        .arg(text)
        .status()
        .expect("a shell");
    assert!(status.success(), "failed to write {}", path.display());
    path
}
