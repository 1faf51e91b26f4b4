//! Approvals in the terminal: turns that ask at once, and questions that are withdrawn.

use std::io::{self, BufReader, PipeReader, PipeWriter, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use codex_appserver::generic::{Codex, Terminal};
use codex_appserver_testkit::scripted::{Answer, Ask, Scenario, ScriptedServer, Step};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::{started, telling};
use crate::support::{Kit, PATIENCE, thread};

both!(
    turns_that_ask_at_once_take_turns,
    a_withdrawn_question_gives_the_terminal_back,
    what_was_typed_before_a_question_is_no_answer,
    the_end_of_the_input_declines,
    a_secret_from_a_pipe_is_read_as_it_is,
);

/// What a terminal prints.
struct Screen(Sender<String>);

impl Write for Screen {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(String::from_utf8_lossy(text).into_owned());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The keys that were pressed. It reports each time when more are wanted: then all before are read.
struct Keyboard(PipeReader, Sender<()>);

impl Read for Keyboard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let _ = self.1.send(());
        self.0.read(buffer)
    }
}

/// The other side of a terminal.
struct User {
    keys: PipeWriter,
    screen: Receiver<String>,
    wanted: Receiver<()>,
}

impl User {
    fn new<R: Kit>(is_interactive: bool) -> (Self, Terminal<R>) {
        let (input, keys): (PipeReader, PipeWriter) = io::pipe().expect("a pipe");
        let (send, screen) = channel();
        let (want, wanted) = channel();
        let input = BufReader::new(Keyboard(input, want));
        (Self { keys, screen, wanted }, Terminal::new(input, Screen(send), is_interactive))
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it reads");
    }

    /// Reads on until the screen has shown this.
    fn see(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = String::new();
        while !seen.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            seen += &self.screen.recv_timeout(left).unwrap_or_else(|_| panic!("{text:?} is not in {seen:?}"));
        }
    }
}

fn asks(command: &str) -> Step {
    let params = json!({
        "threadId": "thread-1", "turnId": "turn-1", "itemId": command, "startedAtMs": 1, "command": command,
    });
    Step::Request(Ask::new("item/commandExecution/requestApproval", params))
}

/// The decisions by the number of the request.
fn words(server: &ScriptedServer) -> Vec<Value> {
    let mut answers = server.answers();
    answers.sort_by_key(|answer| answer.id.as_i64());
    answers.into_iter().map(|answer| answer.result.unwrap_or_default()["decision"].clone()).collect()
}

/// A turn that asks these at once; a question is withdrawn when the thread gets a name.
fn asking(commands: &[&str]) -> Scenario {
    let withdrawn = Step::notify("serverRequest/resolved", json!({"threadId": "thread-1", "requestId": 0}));
    telling([started()].into_iter().chain(commands.iter().map(|command| asks(command))))
        .answer("thread/name/set", Answer::result(json!({})).then([withdrawn]))
}

async fn turns_that_ask_at_once_take_turns<R: Kit>() {
    let (mut user, terminal) = User::new::<R>(true);
    let builder = Codex::builder().approvals(R::in_terminal(terminal));
    let (server, thread) = thread::<R>(builder, asking(&["one", "two", "three"])).await;
    let _turn = R::send(thread.turn("go")).await.expect("a turn");
    for n in 1..=3 {
        user.see("[q] stop the turn: ");
        // The others wait.
        assert!(user.screen.try_recv().is_err());
        user.press("perhaps\n");
        user.see("[q] stop the turn: ");
        user.press("y\n");
        server.wait_for_answers(n, PATIENCE).expect("an answer");
    }
    assert_eq!(words(&server), ["accept", "accept", "accept"]);
}

async fn a_withdrawn_question_gives_the_terminal_back<R: Kit>() {
    let (mut user, terminal) = User::new::<R>(true);
    let builder = Codex::builder().approvals(R::in_terminal(terminal.clone()));
    let (server, thread) = thread::<R>(builder, asking(&["one"])).await;
    let _turn = R::send(thread.turn("go")).await.expect("a turn");
    user.see("  command: one\n");
    let prompt = R::spawn(async move { R::ask_terminal(&terminal, "> ").await });
    R::send(thread.set_name("now")).await.expect("it is named");
    user.see("The question was withdrawn.\n");
    user.see("> ");
    user.press("Hello.\n");
    assert_eq!(prompt.await.as_deref(), Some("Hello."));
    assert!(server.answers().is_empty(), "{:?}", server.answers());
}

async fn what_was_typed_before_a_question_is_no_answer<R: Kit>() {
    for (is_interactive, word) in [(true, "decline"), (false, "accept")] {
        let (mut user, terminal) = User::new::<R>(is_interactive);
        user.wanted.recv_timeout(PATIENCE).expect("it reads");
        user.press("y\n");
        user.wanted.recv_timeout(PATIENCE).expect("it has read");
        let builder = Codex::builder().approvals(R::in_terminal(terminal));
        let (server, thread) = thread::<R>(builder, asking(&["one"])).await;
        let _turn = R::send(thread.turn("go")).await.expect("a turn");
        user.see("[q] stop the turn: ");
        user.press("n\n");
        server.wait_for_answers(1, PATIENCE).expect("an answer");
        assert_eq!(words(&server), [word]);
    }
}

async fn the_end_of_the_input_declines<R: Kit>() {
    let (user, terminal) = User::new::<R>(false);
    drop(user.keys);
    let builder = Codex::builder().approvals(R::in_terminal(terminal.clone()));
    let (server, thread) = thread::<R>(builder, asking(&["one", "two"])).await;
    let _turn = R::send(thread.turn("go")).await.expect("a turn");
    server.wait_for_answers(2, PATIENCE).expect("both are declined");
    assert_eq!(words(&server), ["decline", "decline"]);
    assert_eq!(R::ask_terminal(&terminal, "> ").await, None);
}

async fn a_secret_from_a_pipe_is_read_as_it_is<R: Kit>() {
    let (mut user, terminal) = User::new::<R>(false);
    user.press(" swordfish \nHello.\n");
    assert_eq!(R::ask_secret(&terminal, "Password: ").await.as_deref(), Some(" swordfish "));
    assert_eq!(R::ask_terminal(&terminal, "> ").await.as_deref(), Some("Hello."));
    user.see("Password: > ");
}
