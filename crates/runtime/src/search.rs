//! Where to look for a codex that is already there, and in which order.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use semver::Version;

use crate::layout::subfolders;
use crate::wrapper::{installed_in, native_behind, real};
use crate::{Codex, Error};

/// Looks for a codex that is already there, in this order:
///
/// 1. the path given to [`explicit`](Self::explicit);
/// 2. the variable `CODEX_BIN`;
/// 3. the folders of `PATH`;
/// 4. what `npx` keeps: `_npx/*` in npm's cache (`npm_config_cache`, else `~/.npm`, on Windows
///    `%LocalAppData%\npm-cache`), the newest version of codex first;
/// 5. the packages that npm installs globally: those of the `node` and the `npm` in `PATH`, on Windows those in
///    `%AppData%\npm` as well.
///
/// What 1 or 2 names has to be a file: if it is none, that is an error and nothing else is tried. A variable that
/// is empty counts as one that is not set. Nothing is run.
///
/// npm installs a script that starts the native binary. With older versions of node, and on Windows, it stays as
/// the parent of that binary, and killing it leaves the binary behind. So where one of the first three steps ends
/// at that script, the native binary beside it is taken; the script is, where there is no such binary. The script
/// does no more than to tell codex, in variables, how it was installed.
///
/// ```no_run
/// use codex_appserver_runtime::Search;
///
/// # fn main() -> Result<(), codex_appserver_runtime::Error> {
/// // As `Codex::find(None)`, with a `PATH` of one's own.
/// let codex = Search::from_variables(|name| match name {
///     "PATH" => Some("/opt/codex/bin".into()),
///     name => std::env::var_os(name),
/// })
/// .find()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Search {
    explicit: Option<PathBuf>,
    codex_bin: Option<PathBuf>,
    path: OsString,
    npm_cache: Option<PathBuf>,
    app_data: Option<PathBuf>,
}

impl Search {
    /// A search that goes by the variables of this process.
    pub fn from_env() -> Self {
        Self::from_variables(|name| env::var_os(name))
    }

    /// A search that goes by these variables.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let folder = |name: &str| set(name).map(PathBuf::from);
        let default_cache = || match cfg!(windows) {
            true => folder("LOCALAPPDATA").map(|folder| folder.join("npm-cache")),
            false => folder("HOME").map(|folder| folder.join(".npm")),
        };
        let npm_cache = folder("npm_config_cache").or_else(|| folder("NPM_CONFIG_CACHE"));
        Self {
            explicit: None,
            codex_bin: folder("CODEX_BIN"),
            path: set("PATH").unwrap_or_default(),
            npm_cache: npm_cache.or_else(default_cache),
            app_data: folder("APPDATA").filter(|_| cfg!(windows)),
        }
    }

    /// Takes the codex at this path and no other.
    #[must_use]
    pub fn explicit(mut self, path: impl Into<PathBuf>) -> Self {
        self.explicit = Some(path.into());
        self
    }

    /// The first codex there is.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchFile`], [`Error::CodexBinMissing`], or [`Error::NotFound`] with all places that were looked
    /// at.
    pub fn find(&self) -> Result<Codex, Error> {
        if let Some(path) = &self.explicit {
            return Codex::at(path).map(native);
        }
        if let Some(path) = &self.codex_bin {
            return Codex::at(path).map_err(|_| Error::CodexBinMissing { path: path.clone() }).map(native);
        }
        if let Some(path) = codex_in(&self.path) {
            return Codex::at(path).map(native);
        }
        let npx = self.npm_cache.as_ref().map(|cache| cache.join("_npx"));
        let kept = npx.as_deref().and_then(newest_kept);
        let installed = || self.global_folders().iter().find_map(|folder| installed_in(folder));
        match kept.or_else(installed) {
            Some(path) => Codex::at(path),
            None => Err(Error::NotFound { looked_at: self.places(npx.as_deref()) }),
        }
    }

    /// The folders whose `node_modules` npm fills with `npm install -g`.
    fn global_folders(&self) -> Vec<PathBuf> {
        let beside = |program: &Path| -> Option<PathBuf> {
            let folder = program.parent()?;
            if cfg!(windows) { Some(folder.to_path_buf()) } else { Some(folder.parent()?.join("lib")) }
        };
        let program = |unix, windows| find_in(&self.path, &[if cfg!(windows) { windows } else { unix }]);
        let (node, npm) = (program("node", "node.exe"), program("npm", "npm.cmd"));
        // npm goes by where the program node itself is.
        let real_node = node.as_deref().and_then(real);
        let programs = [real_node, node, npm].into_iter().flatten();
        let mut folders: Vec<PathBuf> = programs.filter_map(|program| beside(&program)).collect();
        folders.extend(self.app_data.as_ref().map(|folder| folder.join("npm")));
        let mut seen = BTreeSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        folders
    }

    /// A line for every place that was looked at in vain.
    fn places(&self, npx: Option<&Path>) -> Vec<String> {
        let packages = |folder: &Path| folder.join("node_modules/@openai").display().to_string();
        let folders: Vec<String> =
            folders_of(&self.path).map(|folder| folder.display().to_string()).collect();
        let mut places = vec!["the variable CODEX_BIN: not set".to_owned()];
        places.push(match &*folders {
            [] => "the variable PATH: not set".to_owned(),
            folders => format!("PATH: {}", folders.join(", ")),
        });
        places.push(match npx {
            Some(npx) => format!("what npx keeps: {}", packages(&npx.join("*"))),
            None => "what npx keeps: no variable tells where npm's cache is".to_owned(),
        });
        let global = self.global_folders();
        places.extend(global.iter().map(|folder| format!("npm's global packages: {}", packages(folder))));
        if global.is_empty() {
            places.push("npm's global packages: no folder in PATH holds node or npm".to_owned());
        }
        places
    }
}

/// The native binary where `codex` is the script that starts it, else `codex` itself.
fn native(codex: Codex) -> Codex {
    native_behind(codex.path()).and_then(|path| Codex::at(path).ok()).unwrap_or(codex)
}

/// The newest codex among the folders of `npx`. One that does not tell its version comes last.
fn newest_kept(npx: &Path) -> Option<PathBuf> {
    let kept = subfolders(npx).into_iter();
    let kept = kept.filter_map(|folder| Some((version_in(&folder), installed_in(&folder)?)));
    kept.max().map(|(_, path)| path)
}

/// The version of the package `@openai/codex` in `node_modules` below a folder.
fn version_in(folder: &Path) -> Option<Version> {
    let manifest = fs::read(folder.join("node_modules/@openai/codex/package.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).ok()?;
    Version::parse(manifest["version"].as_str()?).ok()
}

/// The first codex that may be run in the folders of a `PATH` variable.
pub(crate) fn codex_in(path: &OsStr) -> Option<PathBuf> {
    find_in(path, if cfg!(windows) { &["codex.exe", "codex.cmd"] } else { &["codex"] })
}

/// The first program of one of these names in the folders of a `PATH` variable.
fn find_in(path: &OsStr, names: &[&str]) -> Option<PathBuf> {
    folders_of(path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|candidate| is_program(candidate))
}

fn folders_of(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    // An empty entry means the current folder to a shell; a program lying around there is not meant.
    env::split_paths(path).filter(|folder| !folder.as_os_str().is_empty())
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn takes_the_first_program_in_path() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let folders = ["empty", "no-program", "first", "second"].map(|name| root.path().join(name));
        for folder in &folders {
            fs::create_dir(folder).expect("a folder");
        }
        for (folder, mode) in folders[1..].iter().zip([0o644, 0o755, 0o755]) {
            fs::write(folder.join("codex"), "").expect("a file");
            fs::set_permissions(folder.join("codex"), fs::Permissions::from_mode(mode)).expect("permissions");
        }
        let path = env::join_paths(&folders).expect("a PATH");
        assert_eq!(codex_in(&path), Some(folders[2].join("codex")));
        assert_eq!(codex_in(OsStr::new("")), None);
    }
}
