//! The tests of the client and of the SDK against the real codex, with the relay in between.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The test programs that drive the real codex.
const PROGRAMS: [&str; 6] = ["all_methods", "cli_mini_app", "client", "example", "examples", "real"];

/// What cannot be the same through a relay.
const DIFFERENT: [&str; 5] = [
    // They shut codex down in the middle of a call and want it to exit with 0 at once, but the relay waits for the answers
    // to open requests, as it should.
    "nothing_is_left_of_a_shutdown",
    // Its server has to end with its client, which is killed. Behind a relay the server goes on, until `codex.sh` sees
    // that the client is gone; the thread is open in it until then.
    "a_turn_of_a_server_that_has_ended_is_interrupted_and_asks_no_more",
    // They kill their child, which is the relay, and want its server to be gone.
    "a_killed_server_is_followed_by_another_one",
    "a_turn_of_a_killed_server_was_interrupted",
    // Its stand-in for codex is started by the relay, so that a kill hits what the test does not see.
    "kill_matrix",
];

/// Runs the suite with a program in the place of codex.
fn run(way: &str) {
    let Some(codex) = crate::codex::codex() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("codex");
    let text = include_str!("programs/codex.sh")
        .replace("@CODEX@", codex.to_str().expect("a UTF-8 path"))
        .replace("@RELAY@", env!("CARGO_BIN_EXE_codex-relay"))
        .replace("@WAY@", way);
    fs::write(&program, text).expect("a file");
    fs::set_permissions(&program, Permissions::from_mode(0o700)).expect("a mode");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The features of the default tier, so that all is built already.
    cargo.current_dir(root).args(["test", "--workspace", "--all-features", "--no-fail-fast"]);
    cargo.args(PROGRAMS.iter().flat_map(|program| ["--test", program]));
    cargo.arg("--").args(DIFFERENT.iter().flat_map(|test| ["--skip", test]));
    let output = cargo.env("CODEX_APPSERVER_TEST_CODEX", &program).output().expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    // It did run tests, and they found the program.
    let passed = text.lines().filter(|line| line.starts_with("test ") && line.ends_with(" ok")).count();
    assert!(passed > 100, "{passed} tests passed: {text}");
}

#[test]
#[ignore = "full tier: it runs the tests of the client and of the SDK against the real codex"]
fn the_suite_passes_through_standard_input_and_output() {
    run("stdio");
}

#[test]
#[ignore = "full tier: it runs the tests of the client and of the SDK against the real codex"]
fn the_suite_passes_through_a_socket_of_lines() {
    run("listen");
}
