//! The client against a server that is a script on a pipe.

use std::io::{PipeReader, PipeWriter, Read as _, Write as _, pipe};
use std::time::Duration;

use codex_appserver_methods::Methods as _;
use codex_appserver_notifications::ServerNotification;
use codex_appserver_wire::RpcError;

use super::Client;
use crate::sessions::trace::Direction;

const ARCHIVED: &str = r#"{"method":"thread/archived","params":{"threadId":"t-1"},"emittedAtMs":1}"#;
const ASKED: &str = r#"{"method":"attestation/generate","id":0,"params":{}}"#;

/// A client, what it reads, and what it wrote.
fn client(patience: Duration) -> (Client, PipeWriter, PipeReader) {
    let (from_server, says) = pipe().expect("a pipe");
    let (hears, to_server) = pipe().expect("a pipe");
    (Client::with_patience(to_server, from_server, patience), says, hears)
}

/// A client of a server that has said these lines and is gone.
fn after(lines: &[&str]) -> (Client, PipeReader) {
    let (client, mut says, hears) = client(Duration::from_secs(30));
    writeln!(says, "{}", lines.join("\n")).expect("the pipe is open");
    (client, hears)
}

fn archived(notification: &ServerNotification) -> Option<String> {
    match notification {
        ServerNotification::ThreadArchived(archived) => Some(archived.thread_id.clone()),
        _ => None,
    }
}

#[test]
fn what_was_waited_for_is_taken_and_still_told() {
    let (client, _hears) = after(&[ARCHIVED]);
    assert_eq!(client.expect("thread/archived", archived).expect("it came"), "t-1");
    let error = client.expect("thread/archived", archived).expect_err("it came once");
    assert!(error.to_string().starts_with("the server ended before thread/archived; the last of 1 lines:"));
    assert!(error.to_string().contains(ARCHIVED), "{error}");
    assert_eq!(client.told(archived), ["t-1"]);
    assert_eq!(client.finish().expect("nothing is open").len(), 1);
}

#[test]
fn what_does_not_come_is_an_error_that_names_it() {
    let (client, mut says, _hears) = client(Duration::from_millis(1));
    writeln!(says, "{ASKED}").expect("the pipe is open");
    let error = client.expect("a word", archived).expect_err("nothing came");
    assert!(error.to_string().starts_with("a word did not come within 1ms"), "{error}");
}

#[test]
fn a_line_that_does_not_decode_fails_the_session() {
    let (client, _hears) = after(&[r#"{"method":"thread/archived","params":{}}"#, ARCHIVED]);
    let error = client.expect("thread/archived", archived).expect_err("the first line is broken");
    assert!(error.to_string().contains("params: missing field `threadId`"), "{error}");
}

#[test]
fn a_request_of_the_server_must_be_taken() {
    let (client, _hears) = after(&[ASKED]);
    let error = client.finish().expect_err("nobody answered");
    assert!(error.to_string().contains("asked `attestation/generate` and nobody answered"), "{error}");

    let (client, mut hears) = after(&[ASKED]);
    let (id, ()) = client.expect_request("a request", |_| Some(())).expect("it came");
    client.answer(id, serde_json::json!({"token": "x"})).expect("the pipe is open");
    let rows = client.finish().expect("it was answered");
    assert_eq!(
        (rows[0].direction, rows[1].direction),
        (Direction::ServerToClient, Direction::ClientToServer)
    );
    let mut heard = String::new();
    hears.read_to_string(&mut heard).expect("it is text");
    assert_eq!(heard, "{\"id\":0,\"result\":{\"token\":\"x\"}}\n");
    assert_eq!(rows[1].line, heard.trim_end());
}

#[test]
fn calls_get_the_answer_with_their_id() {
    let (client, mut says, _hears) = client(Duration::from_secs(30));
    writeln!(says, r#"{{"id":2,"result":{{"data":[]}}}}"#).expect("the pipe is open");
    writeln!(says, r#"{{"error":{{"code":-32600,"message":"no"}},"id":1}}"#).expect("the pipe is open");
    let error = client.thread_list().call().expect_err("the first call is refused");
    assert_eq!(error.downcast::<RpcError>().expect("by the server").message, "no");
    assert!(client.thread_loaded_list().call().expect("the second is not").data.is_empty());
}
