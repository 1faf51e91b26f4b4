//! Every byte passes unchanged in both directions, and the trace holds them all.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::Write;
use std::thread;

use codex_appserver_record::{Content, Direction};
use common::{Numbers, Recorder, lines};

const MEGABYTES: usize = 12;

/// A child that writes one file while it reads another: different bytes each way, at once.
#[test]
fn a_flood_in_both_directions_at_once() {
    let to_server = Numbers(7).traffic(MEGABYTES << 20);
    let to_client = Numbers(11).traffic(MEGABYTES << 20);
    let script = r#"exec 3<&0; until [ -e "$1/go" ]; do :; done; cat <&3 >"$1/got" & cat "$1/give"; wait"#;
    let mut recorder = Recorder::sh(script);
    let folder = recorder.folder.path().to_owned();
    fs::write(folder.join("give"), &to_client).unwrap();
    fs::write(folder.join("go"), "").unwrap();

    let mut input = recorder.input.take().unwrap();
    let sent = to_server.clone();
    let writer = thread::spawn(move || {
        let (mut numbers, mut rest) = (Numbers(3), &sent[..]);
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at((1 + numbers.below(100_000)).min(rest.len()));
            input.write_all(chunk).expect("the recorder takes it");
            rest = after;
        }
    });
    let received = recorder.read_all();
    writer.join().unwrap();
    assert!(received == to_client, "{} bytes of {}", received.len(), to_client.len());
    assert!(fs::read(folder.join("got")).unwrap() == to_server, "the server got something else");

    let ended = recorder.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.sent(Direction::ServerToClient) == to_client);
    assert!(ended.sent(Direction::ClientToServer) == to_server);
    let rows = ended.rows();
    assert!(rows.iter().any(|row| matches!(row.content, Content::Bytes(_))));
    assert!(rows.iter().all(|row| row.t.is_some_and(|t| (0.0..600.0).contains(&t))));
    for direction in [Direction::ClientToServer, Direction::ServerToClient] {
        let times: Vec<_> = rows.iter().filter(|row| row.dir == direction).filter_map(|row| row.t).collect();
        assert!(times.is_sorted());
    }
}

/// Each message reaches the other side before the next one is sent: nothing is held back for a buffer.
#[test]
fn messages_pass_at_once_and_no_answer_stands_before_its_question() {
    let mut recorder = Recorder::sh("cat");
    for number in 0..200 {
        let message = format!("{{\"id\":{number}}}");
        // Without an end of line as well.
        recorder.write(message.as_bytes());
        assert_eq!(recorder.read_until(&message), message);
        recorder.write(b"\n");
        recorder.read_until("\n");
    }
    drop(recorder.input.take());
    let ended = recorder.wait();
    assert_eq!(ended.code, Some(0));
    let rows = ended.rows();
    assert_eq!(rows.len(), 400);
    for pair in rows.chunks(2) {
        assert_eq!((pair[0].dir, pair[1].dir), (Direction::ClientToServer, Direction::ServerToClient));
        assert_eq!(pair[0].content, pair[1].content);
    }
}

#[test]
fn lines_stay_as_they_are() {
    let mut recorder = Recorder::sh("cat");
    recorder.write(b"crlf\r\n\n \nbroken \xff\nlast");
    drop(recorder.input.take());
    assert_eq!(recorder.read_all(), b"crlf\r\n\n \nbroken \xff\nlast");
    let ended = recorder.wait();
    let rows = ended.rows();
    let of_server = rows.iter().filter(|row| row.dir == Direction::ServerToClient);
    let contents: Vec<Content> = of_server.map(|row| row.content.clone()).collect();
    let line = |text: &str| Content::Line(text.to_owned());
    let broken = Content::Bytes(b"broken \xff".to_vec());
    assert_eq!(contents, [line("crlf\r"), line(""), line(" "), broken, line("last")]);
    let text = fs::read_to_string(&ended.trace).unwrap();
    let without_end: Vec<&str> = text.lines().filter(|line| line.contains("\"eol\":false")).collect();
    assert_eq!(without_end.len(), 2);
    assert!(without_end.iter().all(|line| line.contains("\"line\":\"last\"")), "{without_end:?}");
}

#[test]
fn a_line_of_a_hundred_megabytes() {
    let mut recorder = Recorder::sh(r#"head -c 100000000 /dev/zero | tr '\0' x; echo"#);
    let received = recorder.read_all();
    assert_eq!(received.len(), 100_000_001);
    let ended = recorder.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines = lines(&ended.rows(), Direction::ServerToClient);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].len() == 100_000_000 && lines[0].bytes().all(|byte| byte == b'x'));
}

#[test]
fn what_is_masked_in_the_trace_passes_unmasked() {
    let secret = "{\"params\":{\"apiKey\":\"hunter-two\",\"mail\":\"ann@corp.example\"}}\n";
    let mut recorder = Recorder::with(&["--redact", "--codex", "0.150.0"], "cat");
    recorder.write(secret.as_bytes());
    drop(recorder.input.take());
    assert_eq!(recorder.read_all(), secret.as_bytes());
    let ended = recorder.wait();
    let text = fs::read_to_string(&ended.trace).unwrap();
    assert!(text.starts_with("{\"v\":1,\"codex\":\"0.150.0\"}\n"), "{text}");
    assert!(!text.contains("hunter") && !text.contains("ann@"), "{text}");
    let masked = r#"{"params":{"apiKey":"[redacted]","mail":"user@example.com"}}"#;
    assert_eq!(lines(&ended.rows(), Direction::ClientToServer), [masked]);
}
