//! The replay program: its exit codes, its words, its socket.
#![cfg(unix)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tungstenite::{Message, WebSocket};

const TRACE: &str = r#"{"v":1}
{"t":0,"dir":"c2s","line":"{\"method\":\"a\",\"id\":1}"}
{"t":0.3,"dir":"s2c","line":"{\"id\":1,\"result\":{}}"}
"#;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codex-appserver-replay"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program on a trace with this input.
fn run(trace: &str, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t.jsonl"), trace).unwrap();
    let mut child = program().arg("t.jsonl").args(arguments).current_dir(&folder).spawn().unwrap();
    // One that could not run does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    ended(&child.wait_with_output().unwrap())
}

fn ended(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn help_has_an_example() {
    let (code, help, _) = ended(&program().arg("--help").output().unwrap());
    assert_eq!(code, Some(0));
    assert!(help.contains("Example: cargo xtask replay trace.jsonl"), "{help}");
}

#[test]
fn exit_codes_tell_how_it_went() {
    let request = "{\"method\":\"a\",\"id\":5}\n";
    let (code, output, told) = run(TRACE, &["app-server", "--listen", "stdio://"], request);
    assert_eq!((code, output.as_str()), (Some(0), "{\"id\":5,\"result\":{}}\n"));
    assert_eq!(told, "replay of t.jsonl: the client sent 1 of 1 messages and got 1 of 1\n");

    let (code, output, told) = run(TRACE, &[], "{\"method\":\"b\",\"id\":5}\n");
    assert_eq!(code, Some(1));
    assert!(output.contains("it expects the request `a` (t.jsonl:2) next"), "{output}");
    assert!(told.contains("t.jsonl: unexpected: the request `b`"), "{told}");
    assert!(told.contains("t.jsonl:2: missing: the request `a`"), "{told}");

    let (code, output, told) = run(&format!("{TRACE}oops\n"), &[], request);
    assert_eq!((code, output.as_str()), (Some(2), ""));
    assert!(told.starts_with("error: t.jsonl:4: failed to read a line that is no JSON object"), "{told}");
    let (code, _, told) = run(TRACE, &["--listen", "ftp://x"], request);
    assert_eq!(code, Some(2));
    assert!(told.contains("the address is neither `stdio://` nor `unix://PATH`"), "{told}");
}

#[test]
fn a_session_is_chosen_by_its_number() {
    let two = format!("{TRACE}{}", TRACE.replace("result\\\":{}", "result\\\":2"));
    let request = "{\"method\":\"a\",\"id\":5}\n";
    let (code, _, told) = run(&two, &[], request);
    assert_eq!(code, Some(2));
    assert!(told.contains("it holds 2 sessions (1: from line 2, 2: from line 5)"), "{told}");
    let (code, output, _) = run(&two, &["--session", "2"], request);
    assert_eq!((code, output.as_str()), (Some(0), "{\"id\":5,\"result\":2}\n"));
    assert_eq!(run(&two, &["--session", "3"], request).0, Some(2));
}

#[test]
fn recorded_times_are_kept_on_demand() {
    let request = "{\"method\":\"a\",\"id\":5}\n";
    let begun = Instant::now();
    assert_eq!(run(TRACE, &["--timing"], request).0, Some(0));
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

/// The request that came too early is refused as soon as patience ends, while the client still listens.
#[test]
fn patience_ends() {
    let trace = format!(
        "{}{}",
        r#"{"dir":"c2s","line":"{\"method\":\"first\"}"}
"#,
        TRACE.replace("{\"v\":1}\n", "")
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t.jsonl"), trace).unwrap();
    let mut child = program().args(["t.jsonl", "--patience", "1"]).current_dir(&folder).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    stdin.write_all(b"{\"method\":\"a\",\"id\":5}\n").unwrap();
    let mut answer = vec![0; 16];
    stdout.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"{\"error\":"), "{answer:?}");
    drop(stdin);
    let (code, _, told) = ended(&child.wait_with_output().unwrap());
    assert_eq!(code, Some(1));
    assert!(told.contains("t.jsonl:1: too late: the notification `first`"), "{told}");
}

/// A program that listens, and its folder.
fn listen(trace: &str, folder: &Path) -> Child {
    fs::write(folder.join("t.jsonl"), trace).unwrap();
    let socket = folder.join("socket");
    let child = program().args(["t.jsonl", "--listen", "unix://socket"]).current_dir(folder).spawn().unwrap();
    let begun = Instant::now();
    while UnixStream::connect(&socket).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody listens");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn connect(folder: &Path) -> WebSocket<UnixStream> {
    let stream = UnixStream::connect(folder.join("socket")).unwrap();
    tungstenite::client("ws://localhost/", stream).unwrap().0
}

#[test]
fn the_socket_speaks_websocket_and_each_connection_gets_a_session() {
    let folder = tempfile::tempdir().unwrap();
    // One that a process left behind.
    drop(UnixListener::bind(folder.path().join("socket")).unwrap());
    let two = format!("{TRACE}{}", TRACE.replace("result\\\":{}", "result\\\":2"));
    let child = listen(&two, folder.path());
    let mode = fs::metadata(folder.path().join("socket")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // Lines of JSON are no WebSocket: the connection closes, and no session is lost.
    let mut raw = UnixStream::connect(folder.path().join("socket")).unwrap();
    raw.write_all(b"{\"method\":\"a\",\"id\":5}\r\n\r\n").unwrap();
    let mut nothing = Vec::new();
    let _ = raw.read_to_end(&mut nothing);
    assert!(!nothing.starts_with(b"{"), "{nothing:?}");

    for (result, id) in [("{}", 5), ("2", 6)] {
        let mut socket = connect(folder.path());
        socket.send(Message::Ping("there?".into())).unwrap();
        assert_eq!(socket.read().unwrap(), Message::Pong("there?".into()));
        socket.send(Message::text(format!("{{\"method\":\"a\",\"id\":{id}}}"))).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text(format!("{{\"id\":{id},\"result\":{result}}}")));
        socket.close(None).unwrap();
        assert!(matches!(socket.read(), Ok(Message::Close(_))));
    }
    let (code, _, told) = ended(&child.wait_with_output().unwrap());
    assert_eq!((code, told.lines().count()), (Some(0), 2), "{told}");
    assert!(!folder.path().join("socket").exists(), "the socket is left behind");
}

#[test]
fn one_of_several_connections_that_goes_wrong_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let child = listen(TRACE, folder.path());
    // It hangs up without a goodbye.
    drop(connect(folder.path()));
    let (code, _, told) = ended(&child.wait_with_output().unwrap());
    assert_eq!(code, Some(1));
    assert!(told.contains("missing: the request `a`"), "{told}");
}

#[test]
fn a_socket_that_is_in_use_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let _listener = UnixListener::bind(folder.path().join("socket")).unwrap();
    fs::write(folder.path().join("t.jsonl"), TRACE).unwrap();
    let mut command = program();
    command.args(["t.jsonl", "--listen", "unix://socket"]).current_dir(&folder);
    let (code, _, told) = ended(&command.output().unwrap());
    assert_eq!(code, Some(2));
    assert!(told.contains("failed to listen on socket: ") && told.contains("--listen"), "{told}");
}
