//! From the script that npm puts in the place of codex to the native binary that it starts.
//!
//! The script is JavaScript, `@openai/codex/bin/codex.js`. npm puts a symbolic link to it into the folder for
//! programs; on Windows, and where pnpm installs, that is a small shell script which names it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::layout::find_binary;

/// What the package calls its script.
const SCRIPT: &str = "@openai/codex/bin/codex.js";

/// Shell scripts that name it have less than two thousand bytes.
const LARGEST_SHELL_SCRIPT: u64 = 1 << 14;

/// The native binary that a program starts; none where the program is no such script, or where it leads nowhere.
pub(crate) fn native_behind(program: &Path) -> Option<PathBuf> {
    let script = script_behind(program)?;
    // As node looks for packages: nested ones first, then beside the package, then further up.
    script.parent()?.parent()?.ancestors().find_map(|folder| find_binary(folder).ok())
}

/// The native binary of the package `@openai/codex` in `node_modules` below a folder.
pub(crate) fn installed_in(folder: &Path) -> Option<PathBuf> {
    native_behind(&folder.join("node_modules").join(SCRIPT)).or_else(|| find_binary(folder).ok())
}

fn script_behind(program: &Path) -> Option<PathBuf> {
    let target = real(program)?;
    if target.ends_with(SCRIPT) {
        return Some(target);
    }
    if fs::metadata(&target).ok()?.len() > LARGEST_SHELL_SCRIPT {
        return None;
    }
    let text = String::from_utf8_lossy(&fs::read(&target).ok()?).replace('\\', "/");
    let script = program.parent()?.join(script_in(&text)?);
    real(&script).filter(|script| script.is_file())
}

/// The path in a shell script: quoted, from the folder of the shell script or absolute.
fn script_in(text: &str) -> Option<&str> {
    let end = text.find(SCRIPT)? + SCRIPT.len();
    let start = text[..end].rfind('"')? + 1;
    let path = &text[start..end];
    let folder = ["$basedir/", "%dp0%/", "%~dp0/", "%~dp0"];
    Some(folder.iter().find_map(|folder| path.strip_prefix(folder)).unwrap_or(path))
}

/// Where links lead to. Windows would answer with a path that not every program takes, and has few links.
pub(crate) fn real(path: &Path) -> Option<PathBuf> {
    if cfg!(windows) { Some(path.to_path_buf()) } else { fs::canonicalize(path).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that matter of what package managers write; of the third, npm on Windows, with its slashes turned.
    const SHELL_SCRIPTS: [(&str, &str); 4] = [
        ("  exec node  \"$basedir/../@openai/codex/bin/codex.js\" \"$@\"", "../@openai/codex/bin/codex.js"),
        (
            "export NODE_PATH=\"/s/@openai/codex/bin/node_modules\"\n  exec node  \
             \"$basedir/../5/node_modules/@openai/codex/bin/codex.js\" \"$@\"",
            "../5/node_modules/@openai/codex/bin/codex.js",
        ),
        (
            "title %COMSPEC% & \"%_prog%\"  \"%dp0%/node_modules/@openai/codex/bin/codex.js\" %*",
            "node_modules/@openai/codex/bin/codex.js",
        ),
        ("node \"/opt/a b/@openai/codex/bin/codex.js\"", "/opt/a b/@openai/codex/bin/codex.js"),
    ];

    #[test]
    fn reads_the_path_out_of_shell_scripts() {
        for (text, path) in SHELL_SCRIPTS {
            assert_eq!(script_in(text), Some(path), "{text}");
        }
        for text in
            ["", "exec codex \"$@\"", "node @openai/codex/bin/codex.js", "\"@openai/codex/bin/codex.mjs\""]
        {
            assert_eq!(script_in(text), None, "{text}");
        }
    }
}
