//! `cargo xtask test quick`: the crates that changed, and what depends on them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde_json::Value;

use super::Log;
use super::call::{Runner, cargo, find_codex, offline_tests, tests};
use super::tier::Tier;
use crate::{Outcome, git, inputs, workspace};

/// The package of this program, which is in a workspace of its own.
const XTASK: &str = "xtask";
/// The arguments of cargo that select it.
const XTASK_MANIFEST: &str = "--manifest-path xtask/Cargo.toml";
/// The package with the tests of the workspace as a whole.
const WORKSPACE_TESTS: &str = "codex-appserver-tests";
/// What a package name may be given without.
const PREFIX: &str = "codex-appserver-";

/// Check the crates that changed, in less than three minutes: what to run before a commit.
///
/// Checks formatting, lints the crates that changed and all that depend on them, and runs the tests of those that
/// changed. Changed is what differs from the merge base with origin/main, or from HEAD where there is no such
/// branch; files that git does not know yet count.
///
/// Example: cargo xtask test quick client
#[derive(clap::Args)]
pub struct Args {
    /// Check these crates instead: package names, with or without `codex-appserver-`.
    #[arg(value_name = "CRATE")]
    crates: Vec<String>,
}

/// What is checked.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    /// Whether the generated crates are compared with the schema.
    codegen: bool,
    /// The packages whose tests run.
    test: BTreeSet<String>,
    /// The packages that are linted: those above and all that depend on them.
    lint: BTreeSet<String>,
    /// Changed files that no quick check covers.
    uncovered: Vec<String>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<Outcome> {
    let workspace = Workspace::read()?;
    let plan = if args.crates.is_empty() {
        let (base, files) = changed_files()?;
        eprintln!("{} files differ from {base}", files.len());
        workspace.plan(&files)
    } else {
        let names = args.crates.iter().map(|name| workspace.package_named(name)).collect::<Result<_>>()?;
        workspace.plan_for(names)
    };
    for file in &plan.uncovered {
        eprintln!("{file}: not covered by `quick`, run `cargo xtask test` as well");
    }
    if plan.test.is_empty() {
        eprintln!("no crate has changed");
    }
    let codex = if plan.test.is_empty() { None } else { find_codex(false)? };
    let runner = Runner::new(Tier::Default, codex);
    let mut log = Log::default();
    log.step("fmt", "formatting", || {
        let all = runner.run(&cargo("fmt --all --check").into())?;
        Ok(runner.run(&cargo("fmt --manifest-path xtask/Cargo.toml --check").into())? && all)
    })?;
    if plan.codegen {
        log.step("codegen", "the generated crates are what codegen makes of the schema", || {
            runner.run(&cargo("run --quiet --manifest-path xtask/Cargo.toml -- codegen --check").into())
        })?;
    }
    for (name, about, packages) in [
        ("clippy", "lints of what changed and of what depends on it", &plan.lint),
        ("tests", "tests of what changed", &plan.test),
    ] {
        for select in selections(packages) {
            let call = match name {
                "clippy" => cargo(&format!("clippy --quiet {select} --all-targets -- -D warnings")).into(),
                // A program alone has no doc tests.
                _ if select == XTASK_MANIFEST => offline_tests(&select),
                _ => tests(&select),
            };
            log.step(name, about, || runner.run(&call))?;
        }
    }
    Ok(log.finish())
}

/// The arguments of cargo that select packages: those of the workspace, and those of xtask's.
fn selections(packages: &BTreeSet<String>) -> Vec<String> {
    let (xtask, others): (Vec<&str>, Vec<&str>) =
        packages.iter().map(String::as_str).partition(|name| *name == XTASK);
    let mut selections = Vec::new();
    if !others.is_empty() {
        selections.push(format!("-p {} --all-features", others.join(" -p ")));
    }
    if !xtask.is_empty() {
        selections.push(XTASK_MANIFEST.to_owned());
    }
    selections
}

/// Files that differ, relative to the root, and from what.
fn changed_files() -> Result<(String, BTreeSet<String>)> {
    let base = match git::run(&["merge-base", "HEAD", "origin/main"]) {
        Ok(base) => base.trim().to_owned(),
        Err(_) => "HEAD".to_owned(),
    };
    let changed = git::run(&["diff", "--name-only", "-z", &base, "--"])?;
    let untracked = git::run(&["ls-files", "--others", "--exclude-standard", "-z"])?;
    let files = changed.split('\0').chain(untracked.split('\0')).filter(|file| !file.is_empty());
    Ok((base, files.map(str::to_owned).collect()))
}

/// The packages of the repository: where each is, and which it depends on.
struct Workspace {
    /// The folder of each package below the root.
    folders: BTreeMap<String, String>,
    /// The packages of the repository that a package depends on, in any way.
    dependencies: BTreeMap<String, BTreeSet<String>>,
}

impl Workspace {
    fn read() -> Result<Self> {
        let mut workspace = Self { folders: BTreeMap::new(), dependencies: BTreeMap::new() };
        let root = format!("{}/", inputs::root().display());
        for manifest in workspace::MANIFESTS {
            workspace.add(&workspace::packages(manifest)?, &root);
        }
        Ok(workspace)
    }

    fn add(&mut self, packages: &[Value], root: &str) {
        for package in packages {
            let (Some(name), Some(manifest)) = (package["name"].as_str(), package["manifest_path"].as_str())
            else {
                continue;
            };
            let folder = manifest.strip_prefix(root).and_then(|path| path.strip_suffix("Cargo.toml"));
            self.folders.insert(name.to_owned(), folder.unwrap_or(manifest).to_owned());
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            let ours = dependencies.filter(|dependency| dependency["path"].is_string());
            let names = ours.filter_map(|dependency| dependency["name"].as_str().map(str::to_owned));
            self.dependencies.insert(name.to_owned(), names.collect());
        }
    }

    /// The package that a user means.
    fn package_named(&self, name: &str) -> Result<String> {
        let known = |name: &String| self.folders.contains_key(name);
        let names = [name.to_owned(), format!("{PREFIX}{name}")];
        if let Some(found) = names.into_iter().find(known) {
            return Ok(found);
        }
        let by_folder = self
            .folders
            .iter()
            .find(|(_, folder)| folder.trim_end_matches('/').ends_with(&format!("/{name}")));
        match by_folder {
            Some((package, _)) => Ok(package.clone()),
            None => {
                let known: Vec<&str> = self.folders.keys().map(String::as_str).collect();
                bail!("there is no crate `{name}`; the crates are {}", known.join(", "))
            }
        }
    }

    /// What to check when these files have changed.
    fn plan(&self, files: &BTreeSet<String>) -> Plan {
        let (mut packages, mut uncovered, mut codegen) = (BTreeSet::new(), Vec::new(), false);
        for file in files {
            codegen |=
                ["schema/", "generated/", "crates/bindgen/"].iter().any(|start| file.starts_with(start));
            match self.package_of(file) {
                Some(package) => {
                    packages.insert(package.to_owned());
                }
                None if file.starts_with("schema/") => {
                    packages.insert(format!("{PREFIX}bindgen"));
                }
                None => uncovered.push(file.clone()),
            }
            // Generated crates have no tests of their own, and pages are compiled there.
            let is_page = file.ends_with(".md") && (file.starts_with("docs/") || !file.contains('/'));
            if file.starts_with("generated/") || is_page {
                packages.insert(WORKSPACE_TESTS.to_owned());
                uncovered.retain(|uncovered| uncovered != file);
            }
        }
        Plan { codegen, uncovered, ..self.plan_for(packages) }
    }

    /// What to check when these packages have changed.
    fn plan_for(&self, test: BTreeSet<String>) -> Plan {
        let mut lint = test.clone();
        loop {
            let depends =
                |name: &&String| self.dependencies.get(*name).is_some_and(|on| !on.is_disjoint(&lint));
            let more: Vec<String> = self.folders.keys().filter(depends).cloned().collect();
            let before = lint.len();
            lint.extend(more);
            if lint.len() == before {
                return Plan { test, lint, ..Plan::default() };
            }
        }
    }

    /// The package that a file belongs to: the one with the longest folder.
    fn package_of(&self, file: &str) -> Option<&str> {
        let owners = self.folders.iter().filter(|(_, folder)| file.starts_with(folder.as_str()));
        owners.max_by_key(|(_, folder)| folder.len()).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `sdk -> client -> wire`, the tests on top, and xtask beside them.
    fn workspace() -> Workspace {
        let mut workspace = Workspace { folders: BTreeMap::new(), dependencies: BTreeMap::new() };
        let package = |name: &str, folder: &str, on: &[&str]| {
            let on: Vec<_> = on.iter().map(|name| json!({"name": name, "path": "/r"})).collect();
            json!({"name": name, "manifest_path": format!("/r/{folder}/Cargo.toml"), "dependencies": on})
        };
        let packages = [
            package("codex-appserver", "crates/codex", &["codex-appserver-client"]),
            package("codex-appserver-client", "crates/client", &["codex-appserver-wire"]),
            package("codex-appserver-wire", "crates/wire", &[]),
            package("codex-appserver-bindgen", "crates/bindgen", &[]),
            package(WORKSPACE_TESTS, "tests", &["codex-appserver"]),
            package(XTASK, "xtask", &["codex-appserver-bindgen"]),
        ];
        workspace.add(&packages, "/r/");
        workspace
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn plan(files: &[&str]) -> Plan {
        workspace().plan(&set(files))
    }

    #[test]
    fn a_changed_file_tests_its_crate_and_lints_what_depends_on_it() {
        let plan = plan(&["crates/client/src/lib.rs"]);
        assert_eq!(plan.test, set(&["codex-appserver-client"]));
        assert_eq!(plan.lint, set(&["codex-appserver", "codex-appserver-client", WORKSPACE_TESTS]));
        assert!(!plan.codegen && plan.uncovered.is_empty());
    }

    #[test]
    fn the_schema_and_the_generated_crates_are_compared() {
        let plan = plan(&["schema/docs.toml", "generated/types/src/lib.rs"]);
        assert!(plan.codegen);
        assert_eq!(plan.test, set(&["codex-appserver-bindgen", WORKSPACE_TESTS]));
        assert!(plan.lint.contains(XTASK));
    }

    #[test]
    fn pages_are_tested_and_the_rest_is_named() {
        let plan = plan(&["README.md", "docs/guide/faq.md", "Cargo.toml", ".ci/run"]);
        assert_eq!(plan.test, set(&[WORKSPACE_TESTS]));
        assert_eq!(plan.uncovered, [".ci/run", "Cargo.toml"]);
    }

    #[test]
    fn crates_have_short_names() {
        let workspace = workspace();
        for (short, long) in [
            ("client", "codex-appserver-client"),
            ("codex-appserver-client", "codex-appserver-client"),
            ("codex", "codex-appserver"),
            ("tests", WORKSPACE_TESTS),
            ("xtask", XTASK),
        ] {
            assert_eq!(workspace.package_named(short).expect("it is known"), long);
        }
        let error = workspace.package_named("clint").expect_err("there is none");
        assert!(error.to_string().contains("codex-appserver-client"), "{error}");
    }

    #[test]
    fn xtask_is_selected_by_its_manifest() {
        assert_eq!(
            selections(&set(&["a", "b", XTASK])),
            ["-p a -p b --all-features", "--manifest-path xtask/Cargo.toml"]
        );
        assert!(selections(&BTreeSet::new()).is_empty());
    }
}
