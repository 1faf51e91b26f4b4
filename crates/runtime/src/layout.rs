//! Where npm puts the native binary. The folder names change between versions of codex, the depth
//! does not: `node_modules/@openai/PACKAGE/vendor/TARGET/FOLDER/codex`.

use std::env::consts::{ARCH, EXE_SUFFIX, OS};
use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// The native binary in a folder that npm installed into.
///
/// npm has already picked the package for this machine, so a lone binary is the one, whatever its
/// target is called. Only where several targets lie side by side must the name of the target
/// decide.
pub(crate) fn find_binary(root: &Path) -> Result<PathBuf, Error> {
    let mut found = Vec::new();
    for package in subfolders(&root.join("node_modules").join("@openai")) {
        for target in subfolders(&package.join("vendor")) {
            for folder in subfolders(&target) {
                let binary = folder.join(format!("codex{EXE_SUFFIX}"));
                if binary.is_file() {
                    found.push((is_for_this_machine(&target), binary));
                }
            }
        }
    }
    if found.len() > 1 && found.iter().any(|(fits, _)| *fits) {
        found.retain(|(fits, _)| *fits);
    }
    let mut binaries: Vec<_> = found.into_iter().map(|(_, binary)| binary).collect();
    match binaries.len() {
        0 => Err(Error::BinaryMissing { root: root.to_path_buf() }),
        1 => Ok(binaries.remove(0)),
        _ => Err(Error::BinaryAmbiguous { candidates: binaries }),
    }
}

/// The folders directly below a folder, in a fixed order; none if it cannot be read.
pub(crate) fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Compares a folder named like `x86_64-unknown-linux-musl` with the machine this program was built
/// for.
fn is_for_this_machine(target: &Path) -> bool {
    let os = if OS == "macos" { "darwin" } else { OS };
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(ARCH) && name.contains(os)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with a binary in each of the folders, which are given below `node_modules/@openai`.
    fn tree(folders: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a temporary folder");
        for folder in folders {
            let folder = root.path().join("node_modules/@openai").join(folder);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(format!("codex{EXE_SUFFIX}")), "").expect("a binary");
        }
        root
    }

    #[test]
    fn finds_the_binary_in_old_and_new_layouts() {
        let layouts = [
            "codex-linux-x64/vendor/x86_64-unknown-linux-musl/codex",
            "codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin",
            "codex-darwin-arm64/vendor/aarch64-apple-darwin/bin",
            "codex-win32-arm64/vendor/aarch64-pc-windows-msvc/bin",
        ];
        for layout in layouts {
            let root = tree(&[layout]);
            // What else lies around is no candidate.
            let target = root.path().join("node_modules/@openai").join(layout).join("..");
            fs::create_dir_all(target.join("codex-path")).expect("a folder");
            fs::write(target.join("codex-path/rg"), "").expect("a file");
            fs::create_dir_all(root.path().join("node_modules/@openai/codex/bin")).expect("a folder");
            fs::write(root.path().join("node_modules/@openai/codex/bin/codex.js"), "").expect("a file");

            let expected =
                root.path().join("node_modules/@openai").join(layout).join(format!("codex{EXE_SUFFIX}"));
            assert_eq!(find_binary(root.path()).expect(layout), expected);
        }
    }

    #[test]
    fn picks_this_machine_where_all_targets_lie_side_by_side() {
        let root = tree(&[
            "codex/vendor/aarch64-apple-darwin/codex",
            "codex/vendor/aarch64-pc-windows-msvc/codex",
            "codex/vendor/aarch64-unknown-linux-musl/codex",
            "codex/vendor/x86_64-apple-darwin/codex",
            "codex/vendor/x86_64-pc-windows-msvc/codex",
            "codex/vendor/x86_64-unknown-linux-musl/codex",
        ]);
        let binary = find_binary(root.path()).expect("one binary");
        assert!(binary.to_string_lossy().contains(ARCH), "{}", binary.display());
    }

    #[test]
    fn names_the_folder_when_there_is_no_binary() {
        let root = tree(&[]);
        let error = find_binary(root.path()).expect_err("no binary").to_string();
        assert!(error.starts_with("failed to find the codex binary"), "{error}");
        assert!(error.contains(&*root.path().to_string_lossy()), "{error}");
    }

    #[test]
    fn names_all_binaries_when_none_stands_out() {
        let (one, other) = ("a/vendor/x/bin", "b/vendor/x/bin");
        let root = tree(&[one, other]);
        let Err(Error::BinaryAmbiguous { candidates }) = find_binary(root.path()) else {
            panic!("expected several candidates");
        };
        assert_eq!(candidates.len(), 2);
    }
}
