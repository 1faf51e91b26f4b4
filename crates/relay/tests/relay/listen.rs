//! JSON lines on a Unix socket.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{PATIENCE, Relay, Script, Server, echo, echo_all, next, request, say};

/// The program, listening on a socket of its own.
struct Listening {
    relay: Relay,
    folder: TempDir,
}

impl Listening {
    fn start(server: &Server, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let relay = Self::relay(&folder, server, more);
        let listening = Self { relay, folder };
        let begun = Instant::now();
        while !listening.path().exists() {
            assert!(begun.elapsed() < PATIENCE, "it does not listen");
            thread::sleep(Duration::from_millis(2));
        }
        listening
    }

    fn relay(folder: &TempDir, server: &Server, more: &[&str]) -> Relay {
        let at = format!("unix://{}", folder.path().join("lines").display());
        let to = server.address();
        Relay::start(["listen", &at, "--to", &to].iter().chain(more))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("lines")
    }

    fn connect(&self) -> Client {
        let socket = UnixStream::connect(self.path()).expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Client { lines: BufReader::new(socket.try_clone().expect("a copy")), socket }
    }
}

struct Client {
    socket: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Client {
    fn say(&mut self, line: &str) {
        self.socket.write_all(format!("{line}\n").as_bytes()).expect("it is read");
    }

    /// The next line; `None` at the end.
    fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.lines.read_line(&mut line).expect("a line");
        (length > 0).then(|| line.trim_end().to_owned())
    }
}

fn scripts<const N: usize>(scripts: [Script; N]) -> Server {
    Server::each(scripts)
}

#[test]
fn every_client_has_a_connection_of_its_own() {
    let numbered = |number: u32| -> Script {
        Box::new(move |mut peer| {
            thread::spawn(move || {
                while let Some(text) = next(&mut peer) {
                    let request: Value = serde_json::from_str(&text).expect("JSON");
                    say(&mut peer, format!(r#"{{"id":{},"result":{number}}}"#, request["id"]));
                }
            });
        })
    };
    let server = scripts([numbered(0), numbered(1), numbered(2)]);
    let listening = Listening::start(&server, &[]);
    assert_eq!(fs::metadata(listening.path()).expect("a socket").mode() & 0o777, 0o600);
    let mut clients = Vec::new();
    for number in 0..3 {
        let mut client = listening.connect();
        // Connections are numbered as they come.
        client.say(&request(7));
        assert_eq!(client.hear().as_deref(), Some(&*format!(r#"{{"id":7,"result":{number}}}"#)));
        clients.push(client);
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.say(&request(7));
        assert_eq!(client.hear().as_deref(), Some(&*format!(r#"{{"id":7,"result":{number}}}"#)));
    }
    let mut last = clients.pop().expect("three");
    last.say(&request("last"));
    last.socket.shutdown(Shutdown::Write).expect("it is there");
    assert_eq!(last.hear().as_deref(), Some(r#"{"id":"last","result":2}"#));
    assert_eq!(last.hear(), None);
    // The others go on.
    clients[0].say(&request(8));
    assert_eq!(clients[0].hear().as_deref(), Some(r#"{"id":8,"result":0}"#));
    drop(clients);
    let mut relay = listening.relay;
    relay.terminate();
    assert_eq!(relay.wait().code(), Some(0));
    assert!(!listening.folder.path().join("lines").exists(), "the socket is left behind");
    server.join();
}

#[test]
fn a_client_that_leaves_ends_its_connection_alone() {
    let (left, leaving) = std::sync::mpsc::channel();
    let server = scripts([
        Box::new(move |mut peer| {
            next(&mut peer).expect("a request");
            // The client is gone, and its answer is not waited for.
            assert_eq!(next(&mut peer), None);
            left.send(()).expect("the test waits");
        }),
        Box::new(echo_all),
    ]);
    let listening = Listening::start(&server, &["--wait=20"]);
    let mut client = listening.connect();
    client.say(&request(1));
    drop(client);
    leaving.recv_timeout(PATIENCE).expect("the connection ends");
    let mut client = listening.connect();
    client.say(&request(2));
    assert_eq!(client.hear().as_deref(), Some(r#"{"id":2,"result":{"x":1}}"#));
    drop(client);
    server.join();
}

#[test]
fn sigterm_lets_clients_have_their_answers() {
    let server = Server::once(|mut peer| {
        let first = next(&mut peer).expect("a request");
        say(&mut peer, r#"{"method":"started"}"#);
        thread::sleep(Duration::from_millis(300));
        echo(&mut peer, &first);
        while next(&mut peer).is_some() {}
    });
    let listening = Listening::start(&server, &[]);
    let mut client = listening.connect();
    client.say(&request(1));
    assert_eq!(client.hear().as_deref(), Some(r#"{"method":"started"}"#));
    listening.relay.terminate();
    assert_eq!(client.hear().as_deref(), Some(r#"{"id":1,"result":{"x":1}}"#));
    assert_eq!(client.hear(), None);
    let mut relay = listening.relay;
    assert_eq!(relay.wait().code(), Some(0));
    server.join();
}

#[test]
fn a_server_that_is_not_there_costs_the_client_alone() {
    let server = Server::once(echo_all);
    let listening = Listening::start(&server, &[]);
    let mut client = listening.connect();
    client.say(&request(1));
    assert!(client.hear().is_some());
    drop(client);
    fs::remove_file(server.path()).expect("a socket");
    assert_eq!(listening.connect().hear(), None);
    listening.relay.terminate();
    let ended = listening.relay.finish();
    ended.expect_code(0).expect_error("client 2: failed to find the socket");
    server.join();
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let server = Server::once(echo_all);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lines");
    drop(UnixListener::bind(&path).expect("a socket"));
    let mut first = Listening::relay(&folder, &server, &[]);
    let begun = Instant::now();
    let mut client = loop {
        match UnixStream::connect(&path) {
            Ok(client) => break client,
            Err(_) => assert!(begun.elapsed() < PATIENCE, "the stale socket is not replaced"),
        }
    };
    client.write_all((request(1) + "\n").as_bytes()).expect("it is read");
    let mut line = String::new();
    BufReader::new(&client).read_line(&mut line).expect("a line");
    assert_eq!(line, "{\"id\":1,\"result\":{\"x\":1}}\n");
    let mut second = Listening::relay(&folder, &server, &[]);
    assert_eq!(second.wait().code(), Some(1));
    second.finish().expect_error("another program listens there");
    drop(client);
    first.terminate();
    assert_eq!(first.wait().code(), Some(0));
    fs::write(&path, "a file").expect("a file");
    let mut third = Listening::relay(&folder, &server, &[]);
    assert_eq!(third.wait().code(), Some(1));
    third.finish().expect_error("it is there already, and no socket");
    assert_eq!(fs::read_to_string(&path).expect("the file"), "a file");
    server.join();
}

#[test]
fn a_folder_where_others_can_replace_the_socket_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::once(echo_all);
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("a mode");
    let mut relay = Listening::relay(&folder, &server, &[]);
    assert_eq!(relay.wait().code(), Some(1));
    relay.finish().expect_error("can be written by other users");
    // The server has taken no client.
    drop(UnixStream::connect(server.path()));
}
