//! The ways to a server that listens: sockets and commands, which servers get a token, and how long connecting may take.
#![cfg(all(feature = "async", feature = "blocking", feature = "ws", unix))]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use codex_appserver_client::generic::Client;
use codex_appserver_client::{Address, ConnectErrorKind, Error, Process, VersionCheck};
use serde_json::{Value, json};
use support::{Kit, PATIENCE};
use tungstenite::{Message, WebSocket};

both!(
    a_socket_is_found_by_the_home_though_its_path_is_long,
    a_socket_where_nothing_listens_says_how_to_start,
    a_command_leads_to_a_server,
    a_command_that_fails_says_why,
    a_command_that_is_no_proxy_is_given_up,
    a_command_that_is_not_there_is_named,
    a_server_that_says_nothing_is_given_up,
    a_server_that_answers_by_drips_is_given_up,
    a_server_that_refuses_says_how,
    an_address_of_no_use_is_told_apart,
    a_token_is_not_sent_in_the_open,
);

const SHORT: Duration = Duration::from_millis(300);

fn builder<R: Kit>() -> codex_appserver_client::generic::ClientBuilder<R> {
    Client::builder().version_check(VersionCheck::Ignore)
}

/// Introduces itself to one client and echoes the params of what it asks, until it hangs up.
fn serve<S: Read + Write>(stream: S) {
    let mut server: WebSocket<S> = tungstenite::accept(stream).expect("a handshake");
    while let Ok(message) = server.read() {
        let Message::Text(text) = message else { continue };
        let asked: Value = serde_json::from_str(&text).expect("JSON");
        let result = match asked["method"].as_str() {
            Some("initialize") => json!({"userAgent": "x/0"}),
            _ => asked["params"].clone(),
        };
        if let Some(id) = asked.get("id") {
            let answer = json!({"id": id, "result": result}).to_string();
            server.send(Message::text(answer)).expect("the client is there");
        }
    }
}

/// A server for one client on this path.
fn listen(path: &Path) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).expect("a socket");
    thread::spawn(move || serve(listener.accept().expect("a client").0))
}

async fn assert_echo<R: Kit>(client: &Client<R>) {
    assert_eq!(R::call(client, "echo", json!({"a": 1})).await.expect("an answer"), json!({"a": 1}));
}

/// What connecting fails with, which has to be of this kind.
async fn refused<R: Kit>(address: &Address, expected: ConnectErrorKind) -> String {
    let connecting = R::connect(builder().connect_timeout(SHORT), address);
    let error = connecting.await.expect_err("no connection");
    assert_eq!(kind(&error), expected, "{error}");
    error.to_string()
}

#[track_caller]
fn kind(error: &Error) -> ConnectErrorKind {
    let Error::Connect { kind, .. } = error else { panic!("{error:?}") };
    *kind
}

async fn a_socket_is_found_by_the_home_though_its_path_is_long<R: Kit>() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = listen(&folder.path().join("socket"));
    // A path that is too long for a socket leads to one by a link, as codex has it.
    let home = folder.path().join("x".repeat(120));
    let control = home.join("app-server-control");
    std::fs::create_dir_all(&control).expect("it can be made");
    std::os::unix::fs::symlink("../../socket", control.join("app-server-control.sock")).expect("a link");
    let address = Process::new().codex_home(&home).default_socket();
    assert_eq!(address, Address::of_home(&home));
    let client = R::connect(builder(), &address).await.expect("a connection");
    assert_echo::<R>(&client).await;
    R::shutdown(&client).await;
    server.join().expect("a goodbye");
}

async fn a_socket_where_nothing_listens_says_how_to_start<R: Kit>() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = Address::of_home(folder.path());
    let text = refused::<R>(&address, ConnectErrorKind::NotListening).await;
    assert!(text.starts_with(&format!("failed to connect to {address}: ")), "{text}");
    assert!(text.contains("`codex app-server --listen unix://PATH` starts one"), "{text}");
    // One that was left behind.
    let path = folder.path().join("socket");
    drop(UnixListener::bind(&path).expect("a socket"));
    let text = refused::<R>(&Address::Unix(path), ConnectErrorKind::NotListening).await;
    assert!(text.contains("`codex app-server --listen unix://PATH` starts one"), "{text}");
}

/// A command in a shell, which prints something and then copies bytes from and to the socket.
fn through_shell(before: &str, socket: &Path) -> Address {
    let perl = r#"use IO::Socket::UNIX; use IO::Select; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "no socket";
        my $all = IO::Select->new($s, \*STDIN);
        while (1) { for my $from ($all->can_read) { my $n = sysread($from, my $bytes, 65536); exit 0 unless $n;
            syswrite($from == $s ? \*STDOUT : $s, $bytes) } }"#;
    let script = format!("{before} exec perl -e \"$0\" \"$1\"");
    Address::command(["/bin/sh", "-c", &script, perl, socket.to_str().expect("UTF-8")])
}

async fn a_command_leads_to_a_server<R: Kit>() {
    // What a login shell prints is no answer of a server.
    for before in ["", "echo Welcome;", r"printf 'HTTP? \033[?2004h';"] {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let server = listen(&socket);
        let client = R::connect(builder(), &through_shell(before, &socket)).await.expect("a connection");
        assert_echo::<R>(&client).await;
        // More than a pipe holds, both ways at once.
        let long = json!("x".repeat(3 << 20));
        assert_eq!(R::call(&client, "echo", long.clone()).await.expect("an answer"), long);
        let status = R::shutdown(&client).await.expect("it ended");
        assert!(status.success(), "{status}");
        server.join().expect("a goodbye");
    }
}

async fn a_command_that_fails_says_why<R: Kit>() {
    for before in ["", "echo Welcome;"] {
        let script = format!("{before} echo 'ssh: could not resolve hostname nowhere' >&2; exit 255");
        let address = Address::command(["/bin/sh", "-c", &script]);
        let text = refused::<R>(&address, ConnectErrorKind::HungUp).await;
        assert!(text.starts_with("failed to connect to `/bin/sh -c "), "{text}");
        assert!(text.contains("the process ended with exit status: 255"), "{text}");
        assert!(text.contains("\n  ssh: could not resolve hostname nowhere"), "{text}");
        assert_eq!(text.contains(r"what it sent begins with `Welcome\n`"), !before.is_empty(), "{text}");
    }
    // What ends later ends the connection, with the same last words.
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("socket");
    let server = listen(&socket);
    let address = through_shell("echo 'the proxy speaks' >&2;", &socket);
    let client = R::connect(builder(), &address).await.expect("a connection");
    assert_echo::<R>(&client).await;
    R::shutdown(&client).await;
    let closed = R::wait_closed(&client).await;
    assert_eq!(closed.stderr, ["the proxy speaks"]);
    server.join().expect("a goodbye");
}

async fn a_command_that_is_no_proxy_is_given_up<R: Kit>() {
    let begun = Instant::now();
    let script = r"echo 'no password' >&2; printf '\033[?2004hpassword: '; sleep 30";
    let address = Address::command(["/bin/sh", "-c", script]);
    let text = refused::<R>(&address, ConnectErrorKind::TimedOut(SHORT)).await;
    assert!(begun.elapsed() < PATIENCE / 6, "{:?}", begun.elapsed());
    for expected in [
        "no answer within 300ms",
        "see that the command ends in `codex app-server proxy`",
        "`connect_timeout`",
        r"what it sent begins with `\u{1b}[?2004hpassword: `",
        "its last words on stderr:\n  no password",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(!text.contains("the process ended"), "{text}");
    // One that answers, and not as a server does.
    let address = Address::command(["/bin/sh", "-c", "yes | head -c 200000"]);
    let text = refused::<R>(&address, ConnectErrorKind::NotWebSocket).await;
    assert!(text.contains(r"no answer of a server; what it sent begins with `y\ny\n"), "{text}");
}

async fn a_command_that_is_not_there_is_named<R: Kit>() {
    for (words, expected) in
        [(&["/nowhere/ssh", "x"][..], "`/nowhere/ssh`"), (&[], "the command has no words")]
    {
        let error = R::connect(builder(), &Address::command(words)).await.expect_err("no command");
        assert!(matches!(error, Error::Start { .. }) && error.to_string().contains(expected), "{error}");
    }
}

async fn a_server_that_says_nothing_is_given_up<R: Kit>() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    let text = refused::<R>(&address.parse().expect("an address"), ConnectErrorKind::TimedOut(SHORT)).await;
    assert!(text.ends_with("no answer within 300ms; give it more time with `connect_timeout`"), "{text}");
    // The deadline of calls is another one.
    let builder = builder().connect_timeout(SHORT).default_timeout(None);
    R::connect(builder, &address.parse().expect("an address")).await.expect_err("no answer");
}

async fn a_server_that_answers_by_drips_is_given_up<R: Kit>() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        socket.write_all(b"HTTP/1.1 101 Switching Protocols\r\nX: ").expect("the client is there");
        while socket.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let begun = Instant::now();
    let text = refused::<R>(&address.parse().expect("an address"), ConnectErrorKind::TimedOut(SHORT)).await;
    assert!(begun.elapsed() < PATIENCE / 6, "{text}");
    assert!(text.contains("no answer within 300ms; "), "{text}");
    assert!(text.contains(r"what it sent begins with `HTTP/1.1 101 Switching Protocols\r\nX: xx"), "{text}");
    server.join().expect("the client hangs up");
}

/// A server that answers the handshake like this.
fn answer(text: &'static str) -> (Address, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        assert_ne!(socket.read(&mut [0; 4096]).expect("a request"), 0);
        socket.write_all(text.as_bytes()).expect("the client is there");
    });
    (address.parse().expect("an address"), server)
}

async fn a_server_that_refuses_says_how<R: Kit>() {
    for (text, kind, words) in [
        ("HTTP/1.1 401 Unauthorized\r\n\r\n", ConnectErrorKind::Unauthorized, "see `bearer_token`"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", ConnectErrorKind::Refused(403), "403 Forbidden"),
        ("SSH-2.0-OpenSSH\r\n\r\n", ConnectErrorKind::NotWebSocket, "begins with `SSH-2.0-OpenSSH"),
        ("", ConnectErrorKind::HungUp, "it hung up during the handshake"),
    ] {
        let (address, server) = answer(text);
        let error = refused::<R>(&address, kind).await;
        assert!(error.contains(words), "{error}");
        server.join().expect("an answer");
    }
}

async fn an_address_of_no_use_is_told_apart<R: Kit>() {
    refused::<R>(&Address::WebSocket("http://127.0.0.1:1".into()), ConnectErrorKind::Invalid).await;
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    refused::<R>(&Address::WebSocket(format!("ws://{free}")), ConnectErrorKind::NotListening).await;
}

async fn a_token_is_not_sent_in_the_open<R: Kit>() {
    // Nothing listens there, and nothing is to be asked.
    let address: Address = "ws://192.0.2.1:9".parse().expect("an address");
    let builder = || builder::<R>().bearer_token("secret").connect_timeout(SHORT);
    let error = R::connect(builder(), &address).await.expect_err("no connection");
    assert_eq!(kind(&error), ConnectErrorKind::InsecureToken);
    let error = error.to_string();
    assert!(error.contains("`allow_insecure_token`") && !error.contains("secret"), "{error}");
    let error =
        R::connect(builder().allow_insecure_token(), &address).await.expect_err("no connection").to_string();
    assert!(!error.contains("`allow_insecure_token`"), "{error}");
    // To this machine it is sent.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).expect("a request");
            request.extend(byte);
        }
        String::from_utf8(request).expect("UTF-8").to_lowercase()
    });
    R::connect(builder(), &address.parse().expect("an address")).await.expect_err("it hangs up");
    let request = server.join().expect("a request");
    assert!(request.contains("\r\nauthorization: bearer secret\r\n"), "{request}");
}
