//! The example of the README drives a turn of the real codex, with the model played by the mock.

use std::path::PathBuf;
use std::process::Command;

use codex_appserver_testkit::{CodexHome, MockModel, Reply};

/// The codex of `cargo xtask test`. Without one the test is skipped, which CI does not take.
fn codex() -> Option<PathBuf> {
    let codex = std::env::var_os("CODEX_APPSERVER_TEST_CODEX").map(PathBuf::from);
    if codex.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CODEX_APPSERVER_TEST_CODEX is not set");
        eprintln!("SKIPPED: CODEX_APPSERVER_TEST_CODEX is not set; `cargo xtask test` sets it");
    }
    codex
}

/// Cargo builds the examples of a package with all of its tests, in a folder beside theirs; not so when only
/// some tests are asked for.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("deps is in the folder of the profile");
    let example = folder.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(example.is_file(), "no {}; run `cargo build --examples` first", example.display());
    example
}

#[test]
fn drives_a_turn_and_declines_a_command() {
    let Some(codex) = codex() else { return };
    let model = MockModel::scripted([
        Reply::command_to_approve("touch made-by-codex", "to make a file"),
        Reply::text_chunks(["I was not ", "allowed to."]),
    ])
    .expect("a mock model");
    let home = CodexHome::builder(&model).build().expect("a home");
    let server = home.command(&codex);
    let mut command = Command::new(example("approve"));
    for (name, value) in server.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("CODEX_BIN", &codex).current_dir(server.get_current_dir().expect("a workspace"));
    let output = command.args(["make", "a file"]).output().expect("the example runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.contains("Not this time: ") && text.contains("touch made-by-codex"), "{text}");
    assert!(text.ends_with("I was not allowed to.\ncompleted\n"), "{text}");
    assert_eq!(model.requests()[0].last_user_text(), Some("make a file"));
    assert!(!server.get_current_dir().expect("a workspace").join("made-by-codex").exists());
}
