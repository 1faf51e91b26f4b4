//! What becomes of messages.

use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::{Bytes, Message};

use crate::support::{Relay, Server, echo, echo_all, next, request, say};

#[test]
fn lines_are_messages_however_they_end() {
    let server = Server::once(|mut peer| {
        let mut seen = Vec::new();
        while let Some(text) = next(&mut peer) {
            if seen.len() == 3 {
                echo(&mut peer, &text);
            }
            seen.push(text);
        }
        let separator = json!({"method": "n", "params": "a\u{2028}b"}).to_string();
        assert!(separator.contains('\u{2028}'), "{separator}");
        assert_eq!(seen[..3], [r#"{"method":"one"}"#, r#"{"method":"two"}"#, &separator]);
        assert_eq!(seen.len(), 4);
    });
    let mut relay = Relay::start([server.address()]);
    relay.write("{\"method\":\"one\"}\n\n  \n{\"method\":\"two\"}\r\n\r\n");
    relay.write("{\"method\":\"n\",\"params\":\"a\u{2028}b\"}\n");
    relay.write(request(7));
    let ended = relay.finish();
    ended.expect_code(0);
    assert_eq!(ended.lines, [r#"{"id":7,"result":{"x":1}}"#]);
    assert_eq!(ended.errors, "");
    server.join();
}

#[test]
fn a_message_with_line_breaks_is_one_line() {
    let server = Server::once(|mut peer| {
        next(&mut peer).expect("a request");
        say(&mut peer, "{\n  \"id\": 1,\r\n  \"result\": \"a\u{2028}b\"\n}\n");
        next(&mut peer);
    });
    let mut relay = Relay::start([server.address()]);
    relay.say(request(1));
    let line = relay.hear();
    let answer: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(answer, json!({"id": 1, "result": "a\u{2028}b"}));
    relay.finish().expect_code(0);
    server.join();
}

/// The app-server refuses frames of more than 16 MiB, as the server of this test does.
#[test]
fn long_messages_go_both_ways_in_parts() {
    const LENGTH: usize = 64 << 20;
    let server = Server::once(|mut peer| {
        let text = next(&mut peer).expect("a request");
        let request: Value = serde_json::from_str(&text).expect("JSON");
        let data = request["params"].as_str().expect("a text");
        assert!(data.len() == LENGTH && data.bytes().all(|byte| byte == b'x'));
        let answer = format!(r#"{{"id":1,"result":"{}"}}"#, "y".repeat(LENGTH));
        let parts: Vec<_> = answer.as_bytes().chunks(5 << 20).collect();
        for (number, part) in parts.iter().enumerate() {
            let kind = if number == 0 { Data::Text } else { Data::Continue };
            let frame =
                Frame::message(Bytes::copy_from_slice(part), OpCode::Data(kind), number + 1 == parts.len());
            peer.send(Message::Frame(frame)).expect("the client is there");
        }
        next(&mut peer);
    });
    // The app-server takes no message of more than 64 MiB; this one is longer by its head.
    let mut relay = Relay::start(["--max-line=100000000", &server.address()]);
    relay.say(format!(r#"{{"id":1,"method":"m","params":"{}"}}"#, "x".repeat(LENGTH)));
    let answer = relay.hear_json();
    let data = answer["result"].as_str().expect("a text");
    assert!(data.len() == LENGTH && data.bytes().all(|byte| byte == b'y'));
    relay.finish().expect_code(0);
    server.join();
}

#[test]
fn a_line_beyond_the_limit_is_refused_and_the_next_one_goes_on() {
    let server = Server::once(echo_all);
    let mut relay = Relay::start(["--max-line=1000", &server.address()]);
    relay.say(request(1));
    assert_eq!(relay.hear_json()["id"], 1);
    let long = json!({"text": "x".repeat(200_000)});
    relay.say(format!(r#"{{"id":2,"method":"m","params":{long}}}"#));
    let refused = relay.hear_json();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(2), &json!(-32600)));
    let message = refused["error"]["message"].as_str().expect("a message");
    assert!(message.starts_with("line 2 has 200042 bytes, more than 1000; "), "{message}");
    relay.say(request(3));
    assert_eq!(relay.hear_json()["id"], 3);
    let ended = relay.finish();
    ended
        .expect_code(0)
        .expect_error("line 2 has 200042 bytes, more than 1000; raise the limit with --max-line");
    server.join();
}

#[test]
fn a_message_beyond_the_limit_fails_its_request_alone() {
    let server = Server::once(|mut peer| {
        next(&mut peer).expect("a request");
        say(&mut peer, format!(r#"{{"id":1,"result":"{}"}}"#, "y".repeat(200_000)));
        say(&mut peer, r#"{"method":"told"}"#);
        echo_all(peer);
    });
    let mut relay = Relay::start(["--max-message", "1000", &server.address()]);
    relay.say(request(1));
    let failed = relay.hear_json();
    assert_eq!(failed["id"], 1);
    assert!(failed["error"]["message"].as_str().is_some_and(|text| text.contains("more than 1000 bytes")));
    assert_eq!(relay.hear(), r#"{"method":"told"}"#);
    relay.say(request(2));
    assert_eq!(relay.hear_json()["result"]["x"], 1);
    relay
        .finish()
        .expect_code(0)
        .expect_error("it has more than 1000 bytes; raise the limit with --max-message");
    server.join();
}

/// As a message they would end the connection.
#[test]
fn bytes_that_are_no_text_are_refused_by_their_line() {
    let server = Server::once(echo_all);
    let mut relay = Relay::start([server.address()]);
    relay.say(request(1));
    relay.write(b"{\"id\":2,\"method\":\"m\",\"params\":\"\xff\"}\n");
    relay.say(request(3));
    let mut ids: Vec<_> = (0..3).map(|_| relay.hear_json()).collect();
    ids.sort_by_key(|answer| answer["id"].as_i64());
    assert!(ids[0]["result"].is_object() && ids[2]["result"].is_object(), "{ids:?}");
    let message = ids[1]["error"]["message"].as_str().expect("a message");
    assert!(message.contains("line 2 is not UTF-8"), "{message}");
    relay.finish().expect_code(0).expect_error("line 2 is not UTF-8");
    server.join();
}

/// A server that waits for the answer before it reads on gets it between the parts of a message, and one that asks while
/// nothing else is sent gets it as well.
#[test]
fn pings_are_answered_during_a_long_write_and_without_one() {
    let server = Server::once(|mut peer| {
        peer.send(Message::Ping(Bytes::from_static(b"idle"))).expect("the client is there");
        assert_eq!(peer.read().expect("a pong"), Message::Pong(Bytes::from_static(b"idle")));
        say(&mut peer, r#"{"method":"go"}"#);
        // The client writes, and is stuck, since nothing is read.
        std::thread::sleep(Duration::from_millis(200));
        peer.send(Message::Ping(Bytes::from_static(b"busy"))).expect("the client is there");
        std::thread::sleep(Duration::from_millis(200));
        let first = peer.read().expect("a message");
        assert_eq!(
            first,
            Message::Pong(Bytes::from_static(b"busy")),
            "the long message was read before the pong"
        );
        echo_all(peer);
    });
    let mut relay = Relay::start([server.address()]);
    assert_eq!(relay.hear(), r#"{"method":"go"}"#);
    relay.say(format!(r#"{{"id":1,"method":"m","params":"{}"}}"#, "x".repeat(32 << 20)));
    assert_eq!(relay.hear_json()["id"], 1);
    relay.finish().expect_code(0);
    server.join();
}

/// The answer of a client that is not read must not cost memory, nor be lost.
#[test]
fn a_slow_client_slows_the_server_down() {
    const MESSAGES: usize = 2000;
    let server = Server::once(|mut peer| {
        let text = format!(r#"{{"method":"n","params":"{}"}}"#, "z".repeat(32 << 10));
        for _ in 0..MESSAGES {
            say(&mut peer, text.clone());
        }
        next(&mut peer);
    });
    let mut command = crate::support::command([server.address()]);
    let mut child = command.spawn().expect("the program starts");
    std::thread::sleep(Duration::from_millis(500));
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    if let Some(line) = status.lines().find(|line| line.starts_with("VmRSS:")) {
        let kilobytes: u64 =
            line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect(line);
        assert!(kilobytes < 16 << 10, "{line} while 64 MiB wait");
    }
    let mut output = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    for number in 0..MESSAGES {
        line.clear();
        std::io::BufRead::read_line(&mut output, &mut line).expect("a line");
        assert_eq!(line.len(), (32 << 10) + 27, "message {number}");
    }
    drop(child.stdin.take());
    assert_eq!(child.wait().expect("a child").code(), Some(0));
    server.join();
}
