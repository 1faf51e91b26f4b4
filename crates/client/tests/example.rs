//! The example of the README drives a turn of the real codex, with the model played by the mock.

mod programs;

use std::process::Command;

use codex_appserver_testkit::{CodexHome, MockModel, Reply};
use programs::{codex, example};

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
