//! Earlier threads: they are listed in pages, and resumed with the end of their history.

use std::path::PathBuf;
use std::process::{Child, Stdio};

use codex_appserver::{Codex, Process};
use codex_appserver_testkit::{CodexHome, MockModel, Reply};

use crate::app::App;
use crate::codex::codex;

/// A home with a mock, in which codex is started more than once.
struct Stage {
    _model: MockModel,
    home: CodexHome,
    codex: PathBuf,
}

impl Stage {
    fn set() -> Option<Self> {
        let codex = codex()?;
        let model = MockModel::start().expect("a mock model");
        model.answer_with(|request| match request.last_user_text() {
            _ if request.follows_a_tool() => Reply::text("It is made."),
            Some("make a file") => Reply::command_to_approve("touch made", "to have it"),
            text => Reply::text(format!("You say: {}", text.unwrap_or_default())),
        });
        let home = CodexHome::builder(&model).build().expect("a home");
        Some(Self { _model: model, home, codex })
    }

    /// Runs turns with these words on a new thread.
    async fn talk<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> String {
        let process = Process::new().program(&self.codex).env_clear().envs(self.home.environment());
        let builder = Codex::builder().process(|_| process.current_dir(self.home.workspace()));
        let codex = builder.start().await.expect("a codex");
        let thread = codex.thread_start().await.expect("a thread");
        for words in words {
            thread.run(words).await.expect("a result");
        }
        let id = thread.id().to_owned();
        codex.close().await;
        id
    }

    fn app(&self, arguments: &[&str]) -> App {
        App::in_home(&self.home, &self.codex, arguments)
    }
}

#[tokio::test]
async fn threads_are_listed_in_pages_and_one_is_resumed_by_its_number() {
    let Some(stage) = Stage::set() else { return };
    for number in 1..=11 {
        stage.talk([format!("Number {number}.\n").repeat(9).as_str()]).await;
    }
    let mut app = stage.app(&[]);
    app.type_in("/threads\n");
    app.see("1: Number 11. Number 11. Number 11. ");
    let rest = app.see(" (just now, ");
    assert!(rest.ends_with('…') && rest.len() < 40, "{rest}");
    app.see("10: Number 2.");
    app.see(")\n/more shows more.\n");
    app.type_in("/more\n/more\n");
    let before = app.see("11: Number 1.");
    assert!(!before.contains("Number 2."), "{before}");
    app.see(")\nThere are no more threads.\n");
    app.type_in("/resume 11\n");
    app.see("This is thread ");
    app.see("> Number 1.\n> Number 1.\n");
    app.see("You say: Number 1.\n");
    app.type_in("And now?\n");
    app.see("You say: And now?\n[completed; 15 tokens, 15 in all]\n");
    app.type_in("/resume 12\n/resume\n");
    app.see("failed to ");
    app.see("/resume NUMBER or THREAD: go on with one");
    app.end_input();
    assert!(app.ends().success());
}

#[tokio::test]
async fn only_the_end_of_a_long_history_is_shown() {
    let Some(stage) = Stage::set() else { return };
    let id = stage.talk(["one", "two", "three", "four", "five", "six", "seven"]).await;
    let mut app = stage.app(&["--resume", &id]);
    app.see(&format!(
        "This is thread {id}.\n(what was before is not shown)\n> three\nYou say: three\n> four\n"
    ));
    app.see("> seven\nYou say: seven\n");
    app.type_in("eight\n/new\nnine\n");
    app.see("You say: eight\n[completed; 15 tokens, 15 in all]\nThis is thread ");
    app.see("You say: nine\n[completed; 15 tokens, 30 in all]\n");
    app.end_input();
    assert!(app.ends().success());
}

#[tokio::test]
async fn a_turn_of_a_server_that_has_ended_is_interrupted_and_asks_no_more() {
    let Some(stage) = Stage::set() else { return };
    let id = stage.talk(["one"]).await;
    let mut app = stage.app(&["--resume", &id]);
    app.type_in("make a file\n");
    app.see("stop the turn: ");
    drop(app);
    let mut app = stage.app(&["--resume", &id]);
    app.see("> make a file\n");
    app.type_in("Hello.\n");
    let before = app.see("You say: Hello.\n[completed; ");
    assert!(!before.contains("Allow it?"), "{before}");
    app.end_input();
    assert!(app.ends().success());
    assert!(!stage.home.workspace().join("made").exists());
}

#[tokio::test]
async fn an_open_approval_of_a_shared_server_is_asked_again() {
    let Some(stage) = Stage::set() else { return };
    let id = stage.talk(["one"]).await;
    let server = Shared::start(&stage);
    let arguments = ["--connect", &server.address, "--resume", &id];
    let mut app = stage.app(&arguments);
    app.see("You say: one\n");
    app.type_in("make a file\n");
    app.see("stop the turn: ");
    drop(app);
    let mut app = stage.app(&arguments);
    app.see("> make a file\n");
    app.see("  command: /bin/bash -lc 'touch made'\n");
    app.see("stop the turn: ");
    app.type_in("y\n");
    app.see("$ /bin/bash -lc 'touch made': completed\nIt is made.\n[completed; ");
    app.end_input();
    assert!(app.ends().success());
    assert!(stage.home.workspace().join("made").exists());
}

/// A codex that listens on a Unix socket. It is killed when this is dropped.
struct Shared {
    child: Child,
    address: String,
}

impl Shared {
    fn start(stage: &Stage) -> Self {
        let socket = stage.home.tmp().join("socket");
        let address = format!("unix://{}", socket.to_str().expect("temporary folders have UTF-8 names"));
        let mut command = stage.home.command(&stage.codex);
        command.args(["--listen", &address]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("the server starts");
        let begun = std::time::Instant::now();
        while !socket.exists() {
            assert!(begun.elapsed() < crate::app::PATIENCE, "the server does not listen");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Self { child, address }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
