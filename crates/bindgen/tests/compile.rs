//! Compiles what every fixture becomes and runs its samples through the generated codecs.
//!
//! One package holds the crates of all fixtures as modules, `FIXTURE::types` for `codex-appserver-types`:
//! two builds, without and with the feature `experimental`, are enough for all of them. That the crates
//! build as the crates they are is tested with one fixture that has something in each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use codex_appserver_bindgen::{Codecs, Config, Layout, Output as Generated};
use serde_json::Value;

mod support;

use support::Fixture;

const RUNNER: &str = include_str!("support/runner.rs");

#[test]
fn samples_of_every_fixture_decode_and_encode() {
    let mut project = Project::new("fixtures");
    let mut lib = String::from("//! The generated crates of every fixture.\n\n");
    let (mut modules, mut calls) = (String::new(), String::new());
    for fixture in all_fixtures() {
        let name = &fixture.name;
        project.add_crates_as_modules(&fixture, fixture.generate(Layout::Workspace));
        lib.push_str(&format!("/// {}\npub mod {name};\n", fixture.about));
        modules.push_str(&format!("mod {name};\n"));
        calls.push_str(&format!("    {name}::all(run);\n"));
        project.file(&format!("src/table/{name}.rs"), &table_of(&fixture));
    }
    project.file("src/lib.rs", &lib);
    project.file("src/main.rs", RUNNER);
    let table = format!("{modules}\npub(crate) fn all(run: &mut crate::Run) {{\n{calls}}}\n");
    project.file("src/table/mod.rs", &table);
    project.file("Cargo.toml", &manifest("fixtures"));
    project.write();
    for features in [&[][..], &["--features", "experimental"]] {
        let folder = support::folder();
        let output = project.cargo(&["run", "--quiet"], features, &["--", &folder.to_string_lossy()]);
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // The runner prints its findings, each with the fixture's name; a compiler's go to stderr.
        let broken = fixtures_in(&stderr);
        assert!(broken.is_empty(), "{features:?}: fixtures that do not compile: {broken:?}\n{stderr}");
        assert!(stdout.ends_with(" samples checked, 0 failed\n"), "{features:?}:\n{stdout}{stderr}");
    }
}

#[test]
fn a_stand_alone_workspace_builds_by_itself() {
    let mut project = Project::new("stand-alone");
    let wire = wire_crate().to_string_lossy().into_owned();
    for (path, bytes) in Fixture::read(&support::folder().join("experimental_methods.json"))
        .generate(Layout::StandAlone { wire })
        .files
    {
        project.file(&path, &String::from_utf8(bytes).expect("generated files are text"));
    }
    project.write();
    for features in [&[][..], &["--all-features"]] {
        let output = project.cargo(&["check", "--quiet", "--workspace"], features, &[]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let complaints = ["enums", "types", "requests", "notifications", "methods"]
            .iter()
            .any(|folder| stderr.contains(&format!("--> {folder}/")));
        assert!(output.status.success() && !complaints, "{features:?}: {stderr}");
    }
}

#[test]
fn types_with_serde_derive_compile() {
    let mut project = Project::new("derived");
    let mut lib = String::from("//! The generated crates of every fixture, with serde's derive.\n\n");
    for fixture in all_fixtures() {
        let config = Config { codecs: Codecs::SerdeDerive, ..Config::default() };
        let generated = fixture.generate_with(config);
        let no_codec = |(path, bytes): &(String, Vec<u8>)| {
            let text = String::from_utf8_lossy(bytes);
            path.ends_with(".rs") && text.contains("wire::de::")
        };
        assert!(!generated.files.iter().any(no_codec), "fixture `{}` has a written codec", fixture.name);
        project.add_crates_as_modules(&fixture, generated);
        lib.push_str(&format!("/// {}\npub mod {};\n", fixture.about, fixture.name));
    }
    project.file("src/lib.rs", &lib);
    project.file("Cargo.toml", &manifest("fixtures_derived"));
    project.write();
    let output = project.cargo(&["check", "--quiet"], &["--all-features"], &[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "do not compile: {:?}\n{stderr}", fixtures_in(&stderr));
}

/// Upstream's descriptions are Markdown, but were not written for rustdoc.
#[test]
fn docs_of_upstream_have_no_warnings() {
    let mut project = Project::new("docs");
    let fixture = Fixture::read(&support::folder().join("upstream_docs.json"));
    project.add_crates_as_modules(&fixture, fixture.generate(Layout::Workspace));
    project.file("src/lib.rs", &format!("//! Docs.\n\n/// {}\npub mod {};\n", fixture.about, fixture.name));
    project.file("Cargo.toml", &manifest("fixture_docs"));
    project.write();
    // A test in the docs would be run, and fail.
    for command in [&["rustdoc", "--quiet", "--", "-D", "warnings"][..], &["test", "--quiet", "--doc"]] {
        let output = project.cargo(command, &[], &[]);
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command:?}: {stdout}{stderr}");
        assert!(!stdout.contains("running ") || stdout.contains("running 0 tests"), "{stdout}");
    }
}

fn all_fixtures() -> Vec<Fixture> {
    let files = std::fs::read_dir(support::folder()).expect("the folder is there");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).collect();
    paths.sort();
    paths.iter().map(|path| Fixture::read(path)).collect()
}

fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository is there")
}

fn wire_crate() -> PathBuf {
    repository().join("crates/wire")
}

/// The projects share a target folder, in which cargo cannot tell packages of one name apart.
///
/// Warnings are errors.
fn manifest(package: &str) -> String {
    let wire = Value::from(wire_crate().to_string_lossy());
    format!(
        "[package]\nname = \"{package}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [workspace]\n\n[features]\nexperimental = []\ntesting = [\"codex-appserver-wire/testing\"]\n\n\
         [dependencies]\ncodex-appserver-wire = {{ path = {wire} }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\nserde_json = \"1\"\n\n\
         [lints.rust]\nwarnings = {{ level = \"deny\", priority = -1 }}\nmissing_docs = \"deny\"\nunsafe_code = \"forbid\"\n"
    )
}

/// The module that checks the samples of one fixture, type by type.
fn table_of(fixture: &Fixture) -> String {
    let name = &fixture.name;
    let list = |list: &str| fixture.samples.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    let gated = |sample: &Value| sample["experimental"] == true;
    let mut types: BTreeMap<String, bool> = BTreeMap::new();
    for sample in ["valid", "tolerated", "invalid"].into_iter().flat_map(list) {
        let ty = sample["type"].as_str().unwrap_or_else(|| panic!("{name}: a sample without a type"));
        *types.entry(ty.to_owned()).or_insert(true) &= gated(&sample);
    }
    let gate = |gated: bool| if gated { "    #[cfg(feature = \"experimental\")]\n" } else { "" };
    let samples = types
        .iter()
        .map(|(ty, gated)| format!("{}    run.samples::<{ty}>({name:?}, {ty:?});\n", gate(*gated)));
    let built = list("built");
    let built = built.iter().enumerate().map(|(index, sample)| {
        let rust = sample["rust"].as_str().unwrap_or_else(|| panic!("{name}: built[{index}] has no `rust`"));
        format!("{}    run.built({name:?}, {index}, &({rust}));\n", gate(gated(sample)))
    });
    let calls: String = samples.chain(built).collect();
    format!(
        "#![allow(unused_imports)]\n\nuse codex_appserver_wire as wire;\n\n\
         use fixtures::{name}::{{enums::*, methods::*, notifications::*, requests::*, types::*}};\n\
         use fixtures::{name}::{{notifications::method as notification_method, requests::method as request_method}};\n\n\
         pub(crate) fn all(run: &mut crate::Run) {{\n{calls}}}\n"
    )
}

/// The fixtures whose files the compiler complains about.
fn fixtures_in(stderr: &str) -> BTreeSet<&str> {
    let places = stderr.lines().filter_map(|line| line.trim_start().strip_prefix("--> src/"));
    let modules = places.map(|place| place.strip_prefix("table/").unwrap_or(place));
    modules.filter_map(|module| module.split(['/', '.', ':']).next()).collect()
}

/// A cargo workspace under the target folder, kept from run to run so that only what changed is built.
struct Project {
    root: PathBuf,
    files: BTreeMap<PathBuf, String>,
}

impl Project {
    fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let lock = std::fs::read_to_string(repository().join("Cargo.lock")).expect("the lock file is there");
        Self { files: BTreeMap::from([(root.join("Cargo.lock"), lock)]), root }
    }

    fn file(&mut self, path: &str, text: &str) {
        self.files.insert(self.root.join(path), text.to_owned());
    }

    /// `types/src/stable/unions.rs` becomes `src/FIXTURE/types/stable/unions.rs`, and its paths with it.
    fn add_crates_as_modules(&mut self, fixture: &Fixture, generated: Generated) {
        let name = &fixture.name;
        let mut crates = BTreeSet::new();
        for (path, bytes) in generated.files {
            let Some((folder, module)) = path.split_once("/src/") else { continue };
            crates.insert(folder.to_owned());
            let mut text = String::from_utf8(bytes).expect("generated files are text");
            text = text.replace("crate::", &format!("crate::{name}::{folder}::"));
            for other in ["enums", "types", "requests", "notifications"] {
                for package in ["codex_appserver", "derived"] {
                    text = text.replace(&format!("{package}_{other}"), &format!("crate::{name}::{other}"));
                }
            }
            let module = if module == "lib.rs" { "mod.rs" } else { module };
            self.file(&format!("src/{name}/{folder}/{module}"), &text);
        }
        let declarations: String = crates.iter().map(|folder| format!("pub mod {folder};\n")).collect();
        self.file(&format!("src/{name}/mod.rs"), &format!("//! {}\n\n{declarations}", fixture.about));
    }

    /// Writes what differs from the last run and removes what is no more.
    fn write(&self) {
        let mut old = BTreeSet::new();
        collect(&self.root.join("src"), &mut old);
        for orphan in old.iter().filter(|path| !self.files.contains_key(*path)) {
            std::fs::remove_file(orphan).expect("the file can be removed");
        }
        for (path, text) in &self.files {
            if std::fs::read_to_string(path).ok().as_ref() != Some(text) {
                std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("writable");
                std::fs::write(path, text).expect("writable");
            }
        }
    }

    /// Runs cargo here. All projects share one target folder, so that the dependencies are built once.
    fn cargo(&self, command: &[&str], features: &[&str], rest: &[&str]) -> Output {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Command::new(cargo)
            .args(command)
            .args(features)
            .args(rest)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("target"))
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .output()
            .expect("cargo starts")
    }
}

fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path);
        }
    }
}
