//! Bytes, as they are.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{Relay, listen, socket};

/// Does this with one connection.
fn serve(script: impl FnOnce(UnixStream) + Send + 'static) -> (TempDir, String, JoinHandle<()>) {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = listen(&folder);
    let address = format!("unix://{}", socket(&folder).display());
    let thread = thread::spawn(move || script(listener.accept().expect("a client").0));
    (folder, address, thread)
}

#[test]
fn the_end_of_the_input_is_passed_on_and_the_rest_is_read() {
    let (_folder, address, server) = serve(|mut socket| {
        let mut seen = Vec::new();
        socket.read_to_end(&mut seen).expect("the client writes");
        assert_eq!(seen, b"any\xff bytes\n\n");
        thread::sleep(Duration::from_millis(100));
        socket.write_all(b"one\ntwo\nno line break").expect("the client reads");
    });
    let mut relay = Relay::start(["--raw", &address]);
    relay.write(b"any\xff bytes\n\n");
    let ended = relay.finish();
    ended.expect_code(0);
    assert_eq!(ended.lines, ["one", "two", "no line break"]);
    assert_eq!(ended.errors, "");
    server.join().expect("a server");
}

#[test]
fn much_goes_both_ways_at_once() {
    const LENGTH: usize = 64 << 20;
    let (_folder, address, server) = serve(|mut socket| {
        let mut writer = socket.try_clone().expect("a copy");
        let writing = thread::spawn(move || {
            writer.write_all(&vec![b'y'; LENGTH]).expect("the client reads");
            writer.shutdown(Shutdown::Write).expect("the client is there");
        });
        let mut seen = Vec::new();
        socket.read_to_end(&mut seen).expect("the client writes");
        assert!(seen.len() == LENGTH && seen.iter().all(|byte| *byte == b'x'));
        writing.join().expect("a thread");
    });
    let mut relay = Relay::start(["--raw", &address]);
    relay.write(vec![b'x'; LENGTH]);
    let ended = relay.finish();
    ended.expect_code(0);
    assert!(ended.lines.len() == 1 && ended.lines[0].len() == LENGTH, "{} lines", ended.lines.len());
    server.join().expect("a server");
}

/// The server may be gone before the input has ended, or while it is written.
#[test]
fn a_server_that_closes_first_is_a_good_end() {
    for reads in [true, false] {
        let (_folder, address, server) = serve(move |mut socket| {
            if reads {
                socket.read_exact(&mut [0; 4]).expect("the client writes");
            }
            socket.write_all(b"bye\n").expect("the client reads");
            // What is not read resets the connection.
        });
        let mut relay = Relay::start(["--raw", &address]);
        relay.write("ask\nand more\n");
        assert_eq!(relay.hear(), "bye");
        server.join().expect("a server");
        let ended = relay.finish();
        ended.expect_code(0);
        assert_eq!(ended.errors, "", "{reads}");
    }
}

#[test]
fn an_end_without_a_word_is_an_end() {
    let (_folder, address, server) = serve(drop);
    let mut relay = Relay::start(["--raw", &address]);
    assert_eq!(relay.wait().code(), Some(0));
    relay.finish();
    server.join().expect("a server");
}

#[test]
fn what_failed_is_named() {
    let (_folder, address, server) = serve(|socket| {
        // The client has written, and nothing of it is read.
        thread::sleep(Duration::from_millis(200));
        drop(socket);
    });
    let mut relay = Relay::start(["--raw", &address]);
    relay.write("ask\n");
    assert_eq!(relay.wait().code(), Some(1));
    relay.finish().expect_error("failed to read from the socket: Connection reset by peer");
    server.join().expect("a server");
    let mut relay = Relay::start(["--raw", "ws://127.0.0.1:1"]);
    assert_eq!(relay.wait().code(), Some(1));
    relay.finish().expect_error("--raw needs a Unix socket");
    let mut relay = Relay::start(["--raw", "unix:///no/such/socket"]);
    assert_eq!(relay.wait().code(), Some(1));
    relay.finish().expect_error("failed to find the socket /no/such/socket");
}

#[test]
fn sigterm_lets_the_server_end() {
    let (_folder, address, server) = serve(|mut socket| {
        socket.write_all(b"hello\n").expect("the client reads");
        let mut seen = Vec::new();
        socket.read_to_end(&mut seen).expect("the client closes its half");
        socket.write_all(b"last\n").expect("the client reads");
    });
    let mut relay = Relay::start(["--raw", &address]);
    assert_eq!(relay.hear(), "hello");
    relay.terminate();
    assert_eq!(relay.hear(), "last");
    assert_eq!(relay.wait().code(), Some(0));
    relay.finish();
    server.join().expect("a server");
}
