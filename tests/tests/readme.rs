//! The README tells the truth: every command in it is known here and runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use codex_appserver_shapes::CODEX_VERSION;
use codex_appserver_tests::repo::{cargo, real_codex, root, text, xtask};

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
        "cargo xtask diff 0.150.0 0.166.0",
        "cargo xtask diff 0.150.0 0.166.0 --stable-only --out target/diff.html",
        // The command that runs these tests.
        "cargo xtask test",
    ];
    let tested_elsewhere = [
        // In tests/versions.rs, with the pinned version.
        "cargo xtask upgrade latest",
        // In crates/tools/tests/installed.rs, but for the installation, and with the codex that is installed.
        "cargo install --locked --path crates/tools",
        "codex-appserver schema sync --version 0.166.0 --out app-server.json",
        "codex-appserver codegen --schema app-server.json --out bindings",
        // A step of its own, measuring less.
        "cargo xtask bench decode",
        // In crates/client/tests/example.rs, and in tests/client.
        "cargo run -p codex-appserver-client --example approve -- \"list the files here\"",
        "cargo run -p codex-appserver-client --features experimental --example all_methods",
        // In crates/codex/tests/examples.rs.
        "cargo run --example quickstart -- \"what is in this folder?\"",
        "cargo run --example quickstart -- --offline",
        // Below.
        "cargo xtask replay tests/fixtures/recorded/chat.jsonl",
        "cargo xtask trace tests/fixtures/recorded/approval-accept.jsonl",
        "cargo xtask record --redact --out target/session.jsonl -- codex app-server",
    ];
    let known: BTreeSet<String> =
        tested_here.iter().chain(&tested_elsewhere).map(|line| (*line).to_owned()).collect();
    assert_eq!(commands(), known);

    for line in tested_here {
        run(line);
    }
    let output = xtask(["test", "--list"]);
    assert!(output.status.success() && text(&output).contains("clippy"), "{}", text(&output));
}

/// Runs a command of the README that begins with `cargo xtask`.
fn run(line: &str) {
    let codes: &[i32] = match line.split(' ').nth(2) {
        Some("codegen" | "schema" | "trace") => &[0],
        // What breaks between those two versions is a finding, unless the waivers of the repository accept it.
        Some("diff") => &[0, 1],
        // The client of the replay closes at once.
        Some("replay") => &[1],
        _ => return,
    };
    let output = xtask(line.split(' ').skip(2));
    let code = output.status.code().unwrap_or(-1);
    assert!(codes.contains(&code), "{line}: {}", text(&output));
}

#[test]
#[ignore = "full tier: it builds the trace checker in release mode"]
fn the_trace_command_runs() {
    let trace: Vec<_> =
        commands().into_iter().filter(|line| line.starts_with("cargo xtask trace ")).collect();
    assert_eq!(trace.len(), 1);
    run(&trace[0]);
    run("cargo xtask replay tests/fixtures/recorded/chat.jsonl");
}

/// What runs there is what stands here.
#[test]
fn the_example_is_the_one_that_is_tested() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect(path);
    let example = read("crates/client/examples/approve.rs");
    let code = &example[example.find("use ").expect("it uses something")..];
    assert!(read("README.md").contains(code), "the README shows another program than examples/approve.rs");
}

/// With a client that closes at once.
#[test]
#[ignore = "full tier: it builds the recorder in release mode"]
fn the_recorder_stands_before_the_real_codex() {
    let Some(codex) = real_codex("the_recorder_stands_before_the_real_codex") else { return };
    let trace = root().join("target/session.jsonl");
    let _ = fs::remove_file(&trace);
    let folder = codex.parent().expect("a folder").as_os_str().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([PathBuf::from(folder)].into_iter().chain(std::env::split_paths(&path)));
    let home = tempfile::tempdir().expect("a temporary folder");
    let output = cargo()
        .args("xtask record --redact --out target/session.jsonl -- codex app-server".split(' '))
        .current_dir(root())
        .env("PATH", path.expect("a PATH"))
        .env("CODEX_HOME", home.path())
        .stdin(Stdio::null())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", text(&output));
    let header = fs::read_to_string(&trace).expect("the trace is there");
    assert!(header.starts_with("{\"v\":1"), "{header}");
}

/// What the pages for contributors link to is there, and the verbs of xtask that they name are known.
#[test]
fn the_pages_for_contributors_name_what_is_there() {
    let help = text(&xtask(["--help"]));
    for page in ["CONTRIBUTING.md", "RELEASING.md", "SECURITY.md", "CHANGELOG.md", "ARCHITECTURE.md"] {
        let prose = fs::read_to_string(root().join(page)).expect(page);
        for link in prose.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            assert!(link.contains("://") || root().join(link).exists(), "{page}: {link} is not there");
        }
        for rest in prose.split("cargo xtask ").skip(1) {
            let verb = rest.split([' ', '`', '\n', ':']).next().unwrap_or_default();
            let known = ["VERB", "<verb>"].contains(&verb) || help.contains(&format!("\n  {verb} "));
            assert!(known, "{page}: `cargo xtask {verb}` is not known");
        }
    }
}

#[test]
fn every_verb_has_help_with_an_example() {
    for verb in [
        &["schema"][..],
        &["schema", "sync"],
        &["schema", "history"],
        &["diff"],
        &["test"],
        &["test", "quick"],
        &["release-check"],
        &["bench"],
        &["bench", "decode"],
        &["bench", "build"],
        &["bench", "diff"],
        &["bench", "relay"],
    ] {
        assert_helps(verb, xtask(verb.iter().chain(&["--help"])));
    }
    // The alias itself, as people type it.
    let output =
        cargo().args(["xtask", "codegen", "--help"]).current_dir(root()).output().expect("cargo runs");
    assert_helps(&["codegen"], output);
}

#[test]
#[ignore = "full tier: it builds the recorder and the trace checker in release mode"]
fn the_programs_behind_verbs_have_help_with_an_example() {
    for verb in ["record", "replay", "trace"] {
        assert_helps(&[verb], xtask([verb, "--help"]));
    }
}

fn assert_helps(verb: &[&str], output: Output) {
    let help = text(&output);
    assert!(output.status.success() && help.contains("Example: cargo xtask "), "{verb:?}: {help}");
}

#[test]
fn the_numbers_in_the_readme_are_those_of_the_schema() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README is there");
    let report = text(&xtask(["codegen", "--dry-run"]));
    let numbers = |line: &str| -> Vec<usize> {
        let line =
            report.lines().find(|text| text.trim_start().starts_with(line)).expect("a line of the report");
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
    };
    let (requests, asked, told) =
        (numbers("requests "), numbers("server requests "), numbers("notifications "));
    let counts = format!(
        "codex {CODEX_VERSION}: {} requests ({} of them experimental), {} notifications and {} server\n",
        requests[0] + requests[1],
        requests[1],
        told[0],
        asked[0] + asked[1],
    );
    assert!(readme.contains(&counts), "`{counts}` is not in the README; `cargo xtask upgrade` writes it");
}
