//! The real codex on a Unix socket, its model played by the mock.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use codex_appserver_testkit::{CodexHome, MockModel, Reply};

use crate::support::{INITIALIZE, PATIENCE, Relay, command};

/// A codex that listens. It is killed when this is dropped.
pub struct Codex {
    model: MockModel,
    home: CodexHome,
    child: Child,
}

impl Codex {
    /// Listens on its default socket. Without a codex the test is skipped, which CI does not take.
    pub fn listen() -> Option<Self> {
        let program = crate::codex::codex()?;
        let model = MockModel::start().expect("a mock of the model");
        let home = CodexHome::builder(&model).build().expect("a home");
        let child = Self::start(&home, program);
        Some(Self { model, home, child })
    }

    fn start(home: &CodexHome, program: PathBuf) -> Child {
        let mut command = home.command(program);
        command.args(["--listen", "unix://"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("the server starts");
        let socket = home.codex_home().join("app-server-control/app-server-control.sock");
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(begun.elapsed() < PATIENCE, "the server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    }

    /// The program, in the home of this codex.
    pub fn relay(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        self.home.set_environment(&mut command);
        command
    }
}

impl Drop for Codex {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_printed_initialize_is_answered() {
    let Some(codex) = Codex::listen() else { return };
    let mut relay = Relay::from(codex.relay(&["unix://"]));
    relay.say(INITIALIZE);
    let ended = relay.finish();
    ended.expect_code(0);
    assert_eq!(ended.errors, "");
    let answer: serde_json::Value = serde_json::from_str(&ended.lines[0]).expect("JSON");
    assert!(answer["id"] == "i" && answer["result"]["userAgent"].is_string(), "{answer}");
}

/// 20 MiB, which is more than a frame of the app-server holds.
#[test]
fn long_messages_go_there_and_back() {
    let Some(codex) = Codex::listen() else { return };
    let mut relay = Relay::from(codex.relay(&["unix://"]));
    relay.say(INITIALIZE);
    relay.say(r#"{"method":"initialized"}"#);
    let data = "AAAA".repeat(5 << 20);
    let path = codex.home.workspace().join("long");
    let path = serde_json::json!(path);
    relay.say(format!(
        r#"{{"id":1,"method":"fs/writeFile","params":{{"path":{path},"dataBase64":"{data}"}}}}"#
    ));
    assert!(answer(&relay, 1)["result"].is_object());
    relay.say(format!(r#"{{"id":2,"method":"fs/readFile","params":{{"path":{path}}}}}"#));
    assert!(answer(&relay, 2)["result"]["dataBase64"].as_str() == Some(&data), "something else came back");
    relay.finish().expect_code(0);
}

/// The app-server ends the connection over a message of more than 64 MiB.
#[test]
fn a_line_that_is_too_long_for_the_server_is_refused_and_the_connection_goes_on() {
    const LIMIT: usize = 64 << 20;
    let Some(codex) = Codex::listen() else { return };
    let mut relay = Relay::from(codex.relay(&["unix://"]));
    relay.say(INITIALIZE);
    relay.say(r#"{"method":"initialized"}"#);
    for (id, length) in [(1, LIMIT), (2, LIMIT + 1)] {
        let begin = format!(r#"{{"id":{id},"method":"account/read","params":{{"#);
        relay.say(format!("{begin}{}}}}}", " ".repeat(length - begin.len() - 2)));
    }
    relay.say(r#"{"id":3,"method":"account/read","params":{}}"#);
    let mut answers = std::collections::BTreeMap::new();
    while answers.len() < 3 {
        let message = relay.hear_json();
        if let Some(id) = message["id"].as_i64() {
            answers.insert(id, message);
        }
    }
    assert!(answers[&1]["result"].is_object() && answers[&3]["result"].is_object(), "{answers:?}");
    let refused = answers[&2]["error"]["message"].as_str().expect("an error");
    assert!(refused.contains("has 67108865 bytes"), "{refused}");
    relay.finish().expect_code(0).expect_error("line 4 has 67108865 bytes, more than 67108864");
}

/// The answer to a request; what comes before it is passed over.
fn answer(relay: &Relay, id: i64) -> serde_json::Value {
    loop {
        let message = relay.hear_json();
        if message["id"] == id && message.get("method").is_none() {
            return message;
        }
    }
}

/// Whether there is a Python. Without one the test is skipped, which CI does not take.
fn has_python() -> bool {
    let has_python = Command::new("python3").arg("--version").output().is_ok();
    if !has_python {
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!ci, "there is no python3");
        eprintln!("SKIPPED: there is no python3");
    }
    has_python
}

/// A client that knows of child processes only completes a turn on a server that others use as well.
#[test]
fn a_plain_python_client_completes_a_turn_on_a_shared_server() {
    let Some(codex) = Codex::listen().filter(|_| has_python()) else { return };
    // Another client of the same server.
    let mut other = Relay::from(codex.relay(&["unix://"]));
    other.say(INITIALIZE);
    assert!(other.hear_json()["result"].is_object());
    for text in ["Hello there.", "Hello again."] {
        codex.model.push(Reply::text_chunks(text.split_inclusive(' ')));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/relay/programs/turn.py");
        let mut python = Command::new("python3");
        codex.home.set_environment(&mut python);
        python.arg(script).arg(codex.home.workspace()).args([env!("CARGO_BIN_EXE_codex-relay"), "unix://"]);
        let output = python.output().expect("python3 runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{text}\ncompleted\n"), "{errors}");
    }
    other.finish().expect_code(0);
}

/// The commands of the guide and of the README of this crate, one after the other, but for those that install something
/// or start the server, which runs already.
#[test]
fn the_commands_of_the_docs_run() {
    let Some(codex) = Codex::listen().filter(|_| has_python()) else { return };
    (0..2).for_each(|_| codex.model.push(Reply::text("Hello.")));
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_codex-relay"));
    let path = std::env::join_paths(
        std::iter::once(program.parent().expect("a folder").to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))),
    );
    let run = |line: &str| {
        let mut shell = Command::new("sh");
        codex.home.set_environment(&mut shell);
        shell.args(["-c", line]).current_dir(root).env("PATH", path.as_ref().expect("a PATH"));
        shell
    };
    let (mut listening, mut ran) = (Vec::new(), 0);
    for page in ["docs/guide/relay.md", "crates/relay/README.md"] {
        let text = std::fs::read_to_string(format!("{root}/{page}")).expect(page);
        let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
        for line in blocks.flat_map(str::lines) {
            if line.starts_with("cargo install") || line.starts_with("codex app-server --listen unix://") {
                continue;
            }
            ran += 1;
            if let Some(line) = line.strip_suffix(" &") {
                listening.push(run(&format!("exec {line}")).spawn().expect("a shell"));
                let socket = codex.home.user_home().join("codex-lines.sock");
                let begun = Instant::now();
                while !socket.exists() {
                    assert!(begun.elapsed() < PATIENCE, "`{line}` does not listen");
                    std::thread::sleep(Duration::from_millis(5));
                }
                continue;
            }
            let output = run(line).output().expect("a shell");
            let [out, errors] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
            assert!(output.status.success(), "{page}: `{line}`: {errors}");
            assert!(out.contains("\"result\"") || out == "Hello.\ncompleted\n", "{page}: `{line}`: {out}");
        }
    }
    assert!(ran >= 5 && listening.len() == 1, "{ran} commands");
    for mut child in listening {
        child.kill().expect("it runs");
        child.wait().expect("a child");
    }
}
