//! Every step of the search for a codex, and which one comes first.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use codex_appserver_runtime::{Codex, Error, Search};

use common::script;

mod common;

/// A file system with a place for every step, and the variables that lead there.
struct World {
    root: tempfile::TempDir,
    variables: BTreeMap<&'static str, OsString>,
}

/// Where npm 10 puts the native binary, from the folder of the package for one machine.
const VENDOR: &str = "vendor/some-target/bin";

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let mut world = Self { root, variables: BTreeMap::new() };
        world.set("PATH", world.path("usr/bin"));
        world.set("HOME", world.path("home"));
        world
    }

    /// Without links, as the search answers.
    fn path(&self, path: &str) -> PathBuf {
        self.root.path().canonicalize().expect("it is there").join(path)
    }

    fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.variables.insert(name, value.into());
    }

    fn program(&self, path: &str) -> PathBuf {
        let path = self.path(path);
        let (folder, name) = (path.parent().expect("a folder"), path.file_name().expect("a name"));
        fs::create_dir_all(folder).expect("a folder");
        script(folder, &name.to_string_lossy(), "exit 0")
    }

    /// The package with its script, and the native binary where the package manager puts it, both from a folder
    /// with `node_modules`.
    fn install(&self, folder: &str, version: &str, native: &str) -> PathBuf {
        let package = format!("{folder}/node_modules/@openai/codex");
        self.program(&format!("{package}/bin/codex.js"));
        let manifest = format!(r#"{{"name":"@openai/codex","version":"{version}"}}"#);
        fs::write(self.path(&package).join("package.json"), manifest).expect("a file");
        self.program(&format!("{folder}/node_modules/@openai/{native}/{VENDOR}/codex"))
    }

    fn install_in_npx(&self, key: &str, version: &str) -> PathBuf {
        self.install(&format!("home/.npm/_npx/{key}"), version, "codex-some-machine")
    }

    /// As `npm install -g` does it: what the package needs is inside it.
    fn install_globally(&self, folder: &str) -> PathBuf {
        self.install(folder, "0.150.0", "codex/node_modules/@openai/codex-some-machine")
    }

    fn link(&self, from: &str, to: &str) -> PathBuf {
        let from = self.path(from);
        fs::create_dir_all(from.parent().expect("a folder")).expect("a folder");
        symlink(self.path(to), &from).expect("a link");
        from
    }

    fn search(&self) -> Search {
        Search::from_variables(|name| self.variables.get(name).cloned())
    }

    #[track_caller]
    fn finds(&self, path: &Path) {
        assert_eq!(self.search().find().expect("a codex").path(), path);
    }
}

#[test]
fn each_step_is_tried_when_those_before_it_lead_nowhere() {
    let mut world = World::new();
    // From the last to the first: what is added wins over all that is there.
    world.program("usr/bin/npm");
    let global = world.install_globally("usr/lib");
    world.finds(&global);
    let npx = world.install_in_npx("0a1b", "0.1.0");
    world.finds(&npx);
    let on_path = world.program("usr/bin/codex");
    world.finds(&on_path);
    let named = world.program("opt/my-codex");
    world.set("CODEX_BIN", &named);
    world.finds(&named);
    let explicit = world.program("opt/their-codex");
    assert_eq!(world.search().explicit(&explicit).find().expect("a codex").path(), explicit);
}

#[test]
fn what_is_named_and_not_there_is_an_error_whatever_else_there_is() {
    let mut world = World::new();
    world.program("usr/bin/codex");
    let missing = world.path("opt/no-codex");
    let error = world.search().explicit(&missing).find().expect_err("no file");
    assert!(matches!(&error, Error::NoSuchFile { path } if *path == missing), "{error:?}");
    world.set("CODEX_BIN", &missing);
    let error = world.search().find().expect_err("no file");
    assert!(matches!(&error, Error::CodexBinMissing { path } if *path == missing), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("CODEX_BIN") && text.contains(&*missing.to_string_lossy()), "{text}");
    // A folder is no file.
    world.set("CODEX_BIN", world.path("usr/bin"));
    assert!(matches!(world.search().find(), Err(Error::CodexBinMissing { .. })));
}

#[test]
fn an_empty_variable_is_not_set() {
    let mut world = World::new();
    let on_path = world.program("usr/bin/codex");
    world.set("CODEX_BIN", "");
    world.set("npm_config_cache", "");
    world.finds(&on_path);
    fs::remove_file(&on_path).expect("it was there");
    let npx = world.install_in_npx("0a1b", "0.150.0");
    world.finds(&npx);
}

#[test]
fn of_what_npx_keeps_the_newest_is_taken() {
    let world = World::new();
    world.install_in_npx("a", "0.99.0");
    world.finds(&world.install_in_npx("b", "0.170.0-alpha.9"));
    world.finds(&world.install_in_npx("c", "0.170.0-alpha.10"));
    world.finds(&world.install_in_npx("0", "0.170.0"));
    let last = world.path("home/.npm/_npx/0");
    // Neither what tells no version nor what lacks the binary comes before one that is whole.
    world.install_in_npx("d", "newest");
    let incomplete = world.install_in_npx("e", "0.152.0");
    fs::remove_file(incomplete).expect("it was there");
    fs::create_dir_all(world.path("home/.npm/_npx/f/node_modules/prettier")).expect("a folder");
    assert!(world.search().find().expect("a codex").path().starts_with(last));
}

#[test]
fn a_variable_moves_the_cache_of_npm() {
    for name in ["npm_config_cache", "NPM_CONFIG_CACHE"] {
        let mut world = World::new();
        world.install_in_npx("0a1b", "0.150.0");
        world.set(name, world.path("cache"));
        assert!(matches!(world.search().find(), Err(Error::NotFound { .. })));
        let moved = world.install("cache/_npx/0a1b", "0.150.0", "codex-some-machine");
        world.finds(&moved);
    }
}

#[test]
fn global_packages_are_looked_for_where_node_itself_is() {
    let world = World::new();
    world.program("versions/node-22/bin/node");
    world.link("usr/bin/node", "versions/node-22/bin/node");
    let native = world.install_globally("versions/node-22/lib");
    world.finds(&native);
}

#[test]
fn the_script_of_npm_is_followed_to_the_native_binary() {
    let mut world = World::new();
    let global = world.install_globally("usr/lib");
    let link = world.link("usr/bin/codex", "usr/lib/node_modules/@openai/codex/bin/codex.js");
    world.finds(&global);
    assert_eq!(world.search().explicit(&link).find().expect("a codex").path(), global);
    // A project's own: what the package needs is beside it.
    let local = world.install("project", "0.150.0", "codex-some-machine");
    let link =
        world.link("project/node_modules/.bin/codex", "project/node_modules/@openai/codex/bin/codex.js");
    world.set("CODEX_BIN", link);
    world.finds(&local);
    // As older versions have it: the binary is in the package itself.
    let old = world.install("old", "0.99.0", "codex");
    world.set("CODEX_BIN", world.path("old/node_modules/@openai/codex/bin/codex.js"));
    world.finds(&old);
}

#[test]
fn a_shell_script_that_starts_the_script_is_followed_as_well() {
    let world = World::new();
    // As pnpm has it: the package is a link into its store, and what it needs is beside it there.
    let store = "pnpm/.pnpm/@openai+codex@0.150.0";
    let native = world.install(store, "0.150.0", "codex-some-machine");
    let package = format!("{store}/node_modules/@openai/codex");
    world.link("pnpm/node_modules/@openai/codex", &package);
    let text = r#"exec node "$basedir/../../pnpm/node_modules/@openai/codex/bin/codex.js" "$@""#;
    fs::create_dir_all(world.path("usr/bin")).expect("a folder");
    script(&world.path("usr/bin"), "codex", text);
    world.finds(&native);
}

#[test]
fn a_script_without_its_binary_is_taken_as_it_is() {
    let world = World::new();
    let native = world.install("project", "0.150.0", "codex-some-machine");
    let link = world.link("usr/bin/codex", "project/node_modules/@openai/codex/bin/codex.js");
    fs::remove_file(native).expect("it was there");
    world.finds(&link);
}

#[test]
fn the_error_lists_every_place_and_what_to_do() {
    let mut world = World::new();
    world.program("usr/bin/node");
    let Err(error) = world.search().find() else { panic!("there is no codex") };
    let text = error.to_string();
    for place in ["usr/bin", "home/.npm/_npx/*/node_modules/@openai", "usr/lib/node_modules/@openai"] {
        assert!(text.contains(&*world.path(place).to_string_lossy()), "{place} is not in: {text}");
    }
    for part in ["CODEX_BIN: not set", "npm install -g @openai/codex", "set CODEX_BIN", "pass the path"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    // Not a place, but why there is none.
    world.variables.clear();
    let text = world.search().find().expect_err("there is no codex").to_string();
    for part in ["PATH: not set", "no variable tells", "no folder in PATH holds node or npm"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

/// The variables of this process may say anything; a path that is given comes before them.
#[test]
fn the_codex_of_an_explicit_path_is_found_in_any_environment() {
    let world = World::new();
    let explicit = world.program("opt/codex");
    assert_eq!(Codex::find(Some(&explicit)).expect("a codex").path(), explicit);
}
