//! Every way in which it ends.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{INITIALIZE, Relay, Server, command, echo, echo_all, next, request, say};

#[test]
fn answers_are_awaited_after_the_end_of_the_input() {
    let server = Server::once(|mut peer| {
        let asked: Vec<_> = (0..3).map(|_| next(&mut peer).expect("a request")).collect();
        // In any order, and with other messages between them.
        for request in asked.iter().rev() {
            thread::sleep(Duration::from_millis(100));
            say(&mut peer, r#"{"method":"told"}"#);
            echo(&mut peer, request);
        }
        assert_eq!(next(&mut peer), None);
    });
    let mut relay = Relay::start([server.address()]);
    relay.write([request(1), request("1"), request(2)].join("\n"));
    let ended = relay.finish();
    ended.expect_code(0);
    assert_eq!(ended.lines.iter().filter(|line| line.contains("result")).count(), 3, "{:?}", ended.lines);
    assert!(ended.took >= Duration::from_millis(300));
    server.join();
}

#[test]
fn waiting_for_answers_has_an_end() {
    let server = Server::once(|mut peer| while next(&mut peer).is_some() {});
    let mut relay = Relay::start(["--wait=0.2", &server.address()]);
    relay.write([request(1), request(2)].join("\n"));
    let ended = relay.finish();
    ended
        .expect_code(1)
        .expect_error("2 requests had no answer 200ms after the end of the input; see --wait");
    server.join();
}

#[test]
fn no_input_is_no_error() {
    let server = Server::once(echo_all);
    Relay::start([server.address()]).finish().expect_code(0);
    server.join();
}

/// What was written last arrives, although the program ends at once.
#[test]
fn notifications_at_the_end_arrive() {
    let server = Server::once(|mut peer| {
        assert_eq!(next(&mut peer).as_deref(), Some(r#"{"method":"initialized"}"#));
        assert_eq!(next(&mut peer), None);
    });
    let mut relay = Relay::start([server.address()]);
    relay.write(r#"{"method":"initialized"}"#);
    relay.finish().expect_code(0);
    server.join();
}

#[test]
fn a_server_that_closes_at_once_is_told_with_code_and_reason() {
    let server = Server::once(|mut peer| {
        let frame = CloseFrame { code: CloseCode::Policy, reason: "no clients today".into() };
        peer.close(Some(frame)).expect("the client is there");
        while peer.read().is_ok() {}
    });
    let mut relay = Relay::start([server.address()]);
    assert_eq!(relay.wait().code(), Some(1));
    let ended = relay.finish();
    ended.expect_error("the server closed the connection at once: close code 1008, `no clients today`");
    server.join();
}

#[test]
fn a_server_that_goes_away_is_told() {
    for open in [0, 1] {
        let server = Server::once(move |mut peer| {
            let first = next(&mut peer).expect("a request");
            echo(&mut peer, &first);
            (0..open).for_each(|_| drop(next(&mut peer)));
        });
        let mut relay = Relay::start([server.address()]);
        relay.say(request(1));
        relay.hear();
        (0..open).for_each(|_| relay.say(request(2)));
        assert_eq!(relay.wait().code(), Some(75));
        let ended = relay.finish();
        ended.expect_error("the server is gone: the connection was closed");
        assert_eq!(ended.errors.contains("1 request may have been executed"), open == 1, "{}", ended.errors);
        server.join();
    }
}

/// A server that goes away while the last answers are awaited.
#[test]
fn a_server_that_goes_away_after_the_end_of_the_input_is_told() {
    let server = Server::once(|mut peer| {
        let first = next(&mut peer).expect("a request");
        echo(&mut peer, &first);
        next(&mut peer).expect("a request");
    });
    let mut relay = Relay::start(["--reconnect", &server.address()]);
    relay.write([request(1), request(2)].join("\n"));
    let ended = relay.finish();
    ended.expect_code(75).expect_error("1 request may have been executed");
    server.join();
}

#[test]
fn an_output_that_is_not_read_ends_it_like_sigpipe() {
    for speaks in [false, true] {
        let server = Server::once(move |mut peer| {
            if speaks {
                let first = next(&mut peer).expect("a request");
                echo(&mut peer, &first);
            }
            while next(&mut peer).is_some() {}
        });
        let mut command = command([server.address()]);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut child = command.stdout(writer).spawn().expect("the program starts");
        drop(command);
        drop(reader);
        // It stays open: the end of the input is an end of its own.
        let mut input = child.stdin.take().expect("a pipe");
        if speaks {
            // It may see that the output is gone before it reads this.
            let _ = input.write_all((request(1) + "\n").as_bytes());
        }
        let begun = Instant::now();
        let status = child.wait().expect("a child");
        assert_eq!(status.signal(), Some(13), "{status}");
        drop(input);
        assert!(begun.elapsed() < Duration::from_secs(5));
        drop(server);
    }
}

/// A client that writes and leaves has said it; what it would have been answered is of no use any more.
#[test]
fn a_client_that_leaves_is_heard_and_not_waited_for() {
    let server = Server::once(|mut peer| {
        for number in 0..200 {
            let text = next(&mut peer).expect("a message");
            assert!(text.starts_with(&format!(r#"{{"method":"n","params":"{number} "#)), "{text:.40}");
        }
        assert!(next(&mut peer).is_some_and(|text| text.contains(r#""id":1"#)));
        assert_eq!(next(&mut peer), None);
    });
    let mut command = command([server.address()]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut child = command.stdout(writer).spawn().expect("the program starts");
    drop(command);
    let mut input = child.stdin.take().expect("a pipe");
    for number in 0..200 {
        let text = format!("{{\"method\":\"n\",\"params\":\"{number} {}\"}}\n", "x".repeat(30_000));
        input.write_all(text.as_bytes()).expect("the program reads");
    }
    input.write_all(request(1).as_bytes()).expect("the program reads");
    drop((reader, input));
    let begun = Instant::now();
    assert_eq!(child.wait().expect("a child").signal(), Some(13));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    server.join();
}

#[test]
fn sigterm_lets_answers_come() {
    let server = Server::once(|mut peer| {
        let first = next(&mut peer).expect("a request");
        say(&mut peer, r#"{"method":"started"}"#);
        thread::sleep(Duration::from_millis(300));
        echo(&mut peer, &first);
        assert_eq!(next(&mut peer), None);
    });
    let mut relay = Relay::start([server.address()]);
    relay.say(request(1));
    relay.hear();
    relay.terminate();
    assert_eq!(relay.wait().code(), Some(0));
    assert_eq!(relay.finish().lines, [r#"{"id":1,"result":{"x":1}}"#]);
    server.join();
}

#[test]
fn sigterm_waits_for_two_seconds_at_most() {
    let server = Server::once(|mut peer| {
        next(&mut peer).expect("a request");
        say(&mut peer, r#"{"method":"started"}"#);
        while next(&mut peer).is_some() {}
    });
    let mut relay = Relay::start([server.address()]);
    relay.say(request(1));
    relay.hear();
    let begun = Instant::now();
    relay.terminate();
    assert_eq!(relay.wait().signal(), Some(15));
    let took = begun.elapsed();
    assert!((Duration::from_millis(1900)..Duration::from_millis(2900)).contains(&took), "{took:?}");
    relay.finish().expect_error("ended by a signal; 1 request had no answer");
    server.join();
}

/// A server that does not read cannot hold it.
#[test]
fn a_write_that_is_stuck_has_an_end() {
    let server = Server::once(|mut peer| {
        say(&mut peer, r#"{"method":"go"}"#);
        thread::sleep(Duration::from_secs(4));
    });
    let mut relay = Relay::start([server.address()]);
    relay.hear();
    // More than the socket holds.
    relay.say(request("x".repeat(2 << 20)));
    thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    relay.terminate();
    assert_eq!(relay.wait().signal(), Some(15));
    assert!(begun.elapsed() < Duration::from_millis(3000), "{:?}", begun.elapsed());
}

/// `printf … | codex-relay unix://`, which finds the server by `CODEX_HOME`.
#[test]
fn the_default_socket_is_found_in_codex_home() {
    let server = Server::once(echo_all);
    let control = server.path().parent().expect("a folder").join("app-server-control");
    std::fs::create_dir(&control).expect("a folder");
    std::os::unix::fs::symlink(server.path(), control.join("app-server-control.sock")).expect("a link");
    let mut command = command(["unix://"]);
    command.env("CODEX_HOME", server.path().parent().expect("a folder")).stdin(Stdio::piped());
    let mut relay = Relay::from(command);
    relay.say(INITIALIZE);
    let ended = relay.finish();
    ended.expect_code(0);
    assert_eq!(ended.lines.len(), 1);
    server.join();
}
