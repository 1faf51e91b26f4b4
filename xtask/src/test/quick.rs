//! `cargo xtask test quick`: lints, and the tests of the crates that changed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::call::{Runner, find_codex, offline_tests, tests_of};
use super::steps::Step;
use super::tier::Tier;
use super::{Log, steps};
use crate::{Outcome, git, inputs, workspace};

/// The package of this program, which is in a workspace of its own.
const XTASK: &str = "xtask";
/// The package with the tests of the workspace as a whole.
const WORKSPACE_TESTS: &str = "codex-appserver-tests";
/// What a package name may be given without.
const PREFIX: &str = "codex-appserver-";

/// Check the crates that changed: what to run before a commit. The first run in a clone builds the whole workspace.
///
/// Checks formatting and lints, and runs the tests of the crates that changed. Changed is what differs from the merge
/// base with origin/main, or from HEAD where there is no such branch; files that git does not know yet count.
///
/// Example: cargo xtask test quick client
#[derive(clap::Args)]
pub struct Args {
    /// Check these crates instead: package names, with or without `codex-appserver-`, or folders.
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
        workspace.plan_for(args.crates.iter().map(String::as_str))?
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
    for step in steps::steps() {
        let is_wanted = match step.name {
            "fmt" => true,
            "codegen" => plan.codegen,
            // Cargo checks what changed and what depends on it; the rest is fresh.
            "clippy" => !plan.test.is_empty(),
            _ => false,
        };
        // What comes next takes minutes, and formatting changes lines.
        if is_wanted && !log.run(&runner, &step)? && step.name == "fmt" {
            return Ok(log.finish());
        }
    }
    let (xtask, packages): (Vec<String>, Vec<String>) = plan.test.into_iter().partition(|name| name == XTASK);
    let mut suites = Vec::new();
    if !packages.is_empty() {
        suites.push(tests_of(packages));
    }
    if !xtask.is_empty() {
        suites.push(offline_tests(steps::XTASK));
    }
    if !suites.is_empty() {
        log.run(&runner, &Step::new("tests", Tier::Default, "tests of what changed", suites))?;
    }
    Ok(log.finish())
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

/// The packages of the repository and their folders below the root.
struct Workspace(BTreeMap<String, String>);

impl Workspace {
    fn read() -> Result<Self> {
        let root = format!("{}/", inputs::root().display());
        let mut folders = BTreeMap::new();
        for manifest in workspace::MANIFESTS {
            for package in workspace::packages(manifest)? {
                let (name, manifest) = (package["name"].as_str(), package["manifest_path"].as_str());
                let folder = manifest.and_then(|path| path.strip_prefix(&root)?.strip_suffix("Cargo.toml"));
                if let (Some(name), Some(folder)) = (name, folder) {
                    folders.insert(name.to_owned(), folder.to_owned());
                }
            }
        }
        Ok(Self(folders))
    }

    /// What to check when a user names packages: as if all of their files had changed.
    fn plan_for<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<Plan> {
        let folders = names.map(|name| Ok(self.0[&self.package_named(name)?].clone()));
        Ok(self.plan(&folders.collect::<Result<_>>()?))
    }

    /// The package that a user means.
    fn package_named(&self, name: &str) -> Result<String> {
        let known = |name: &String| self.0.contains_key(name);
        let name = name.trim_end_matches('/');
        let names = [name.to_owned(), format!("{PREFIX}{name}")];
        if let Some(found) = names.into_iter().find(known) {
            return Ok(found);
        }
        let is_at = |folder: &str| folder == name || folder.rsplit('/').next() == Some(name);
        match self.0.iter().find(|(_, folder)| is_at(folder.trim_end_matches('/'))) {
            Some((package, _)) => Ok(package.clone()),
            None => {
                let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
                bail!(
                    "there is no crate `{name}`; the crates are {}, and `{PREFIX}` may be left out",
                    known.join(", ")
                )
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
                None => uncovered.push(file.clone()),
            }
            // The generator is tested with the schema and its tables.
            if file.starts_with("schema/") {
                packages.insert(format!("{PREFIX}bindgen"));
                uncovered.retain(|uncovered| uncovered != file);
            }
            // Generated crates have no tests of their own, and pages are compiled there.
            let is_page = file.ends_with(".md") && (file.starts_with("docs/") || !file.contains('/'));
            if file.starts_with("generated/") || is_page {
                packages.insert(WORKSPACE_TESTS.to_owned());
                uncovered.retain(|uncovered| uncovered != file);
            }
        }
        Plan { codegen, test: packages, uncovered }
    }

    /// The package that a file belongs to: the one with the longest folder.
    fn package_of(&self, file: &str) -> Option<&str> {
        let owners = self.0.iter().filter(|(_, folder)| file.starts_with(folder.as_str()));
        owners.max_by_key(|(_, folder)| folder.len()).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        let folders = [
            ("codex-appserver", "crates/codex/"),
            ("codex-appserver-client", "crates/client/"),
            ("codex-appserver-bindgen", "crates/bindgen/"),
            ("codex-appserver-types", "generated/types/"),
            (WORKSPACE_TESTS, "tests/"),
            (XTASK, "xtask/"),
        ];
        Workspace(folders.map(|(name, folder)| (name.to_owned(), folder.to_owned())).into())
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn plan(files: &[&str]) -> Plan {
        workspace().plan(&set(files))
    }

    #[test]
    fn a_changed_file_tests_its_crate() {
        let plan = plan(&["crates/client/src/lib.rs"]);
        assert_eq!(plan.test, set(&["codex-appserver-client"]));
        assert!(!plan.codegen && plan.uncovered.is_empty());
    }

    #[test]
    fn the_schema_and_the_generated_crates_are_compared() {
        let plan = plan(&["schema/docs.toml", "generated/types/src/lib.rs"]);
        assert!(plan.codegen);
        assert_eq!(plan.test, set(&["codex-appserver-bindgen", "codex-appserver-types", WORKSPACE_TESTS]));
    }

    #[test]
    fn pages_are_tested_and_the_rest_is_named() {
        let plan = plan(&["README.md", "docs/guide/faq.md", "Cargo.toml", ".ci/run"]);
        assert_eq!(plan.test, set(&[WORKSPACE_TESTS]));
        assert_eq!(plan.uncovered, [".ci/run", "Cargo.toml"]);
    }

    #[test]
    fn crates_that_are_named_are_checked_as_if_they_had_changed() {
        let plan = workspace().plan_for(["bindgen", "types"].into_iter()).expect("they are known");
        assert!(plan.codegen);
        assert_eq!(plan.test, set(&["codex-appserver-bindgen", "codex-appserver-types", WORKSPACE_TESTS]));
        assert!(!workspace().plan_for(["client"].into_iter()).expect("it is known").codegen);
    }

    #[test]
    fn crates_have_short_names() {
        let workspace = workspace();
        for (short, long) in [
            ("client", "codex-appserver-client"),
            ("codex-appserver-client", "codex-appserver-client"),
            ("codex", "codex-appserver"),
            ("crates/codex", "codex-appserver"),
            ("crates/client/", "codex-appserver-client"),
            ("tests", WORKSPACE_TESTS),
            ("xtask", XTASK),
        ] {
            assert_eq!(workspace.package_named(short).expect("it is known"), long);
        }
        let error = workspace.package_named("clint").expect_err("there is none");
        assert!(error.to_string().contains("codex-appserver-client"), "{error}");
    }
}
