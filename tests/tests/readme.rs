//! The README tells the truth: every command in it is known here and runs.

use std::collections::BTreeSet;
use std::fs;

use codex_appserver_tests::repo::{cargo, root, text, xtask};

/// The commands of the `sh` blocks.
fn commands() -> BTreeSet<String> {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README is there");
    let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_command_is_run_by_a_test() {
    let tested_here = [
        "cargo xtask codegen",
        "cargo xtask codegen --check",
        "cargo xtask codegen --schema tests/fixtures/protocols/0.135.0.json --out target/codex-0.135",
        // The command that runs these tests.
        "cargo xtask test",
        "git diff schema",
    ];
    // Run in tests/versions.rs, with another output.
    let tested_elsewhere = ["cargo xtask schema sync --version 0.169.0"];
    let known: BTreeSet<String> =
        tested_here.iter().chain(&tested_elsewhere).map(|line| (*line).to_owned()).collect();
    assert_eq!(commands(), known);

    for line in tested_here.iter().filter(|line| line.starts_with("cargo xtask codegen")) {
        let output = xtask(line.split(' ').skip(2));
        assert!(output.status.success(), "{line}: {}", text(&output));
    }
    let output = xtask(["test", "--list"]);
    assert!(output.status.success() && text(&output).contains("clippy"), "{}", text(&output));
}

/// The alias itself, as people type it.
#[test]
fn every_verb_has_help_with_an_example() {
    for verb in [&["codegen"][..], &["schema"], &["schema", "sync"], &["test"], &["bench"]] {
        let output =
            cargo().arg("xtask").args(verb).arg("--help").current_dir(root()).output().expect("cargo runs");
        let help = text(&output);
        assert!(output.status.success() && help.contains("Example: cargo xtask "), "{verb:?}: {help}");
    }
}

#[test]
fn the_numbers_in_the_readme_are_those_of_the_schema() {
    let readme =
        fs::read_to_string(root().join("README.md")).expect("the README is there").replace("\n  ", " ");
    let output = xtask(["codegen", "--dry-run"]);
    let report = text(&output);
    for line in
        ["112 stable, 75 experimental", "10 stable, 1 experimental", "88 from the server, 1 from the client"]
    {
        assert!(report.contains(line), "{report}");
    }
    assert!(
        readme.contains("187 requests (75 of them experimental), 88 notifications and 11 server requests")
    );
}
