//! WebSocket against a server of the library's own: pings, parts, goodbyes, silence.
#![cfg(all(feature = "async", feature = "blocking", feature = "ws"))]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use codex_appserver_client::{Address, Client, CloseReason, Error, Event, Filter, VersionCheck, blocking};
use serde_json::{Value, json};
use tungstenite::protocol::Role;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::{Bytes, Message, WebSocket};

type Server = WebSocket<TcpStream>;

/// A server that introduces itself to one client and then does as it is told.
fn serve(then: impl FnOnce(Server) + Send + 'static) -> (Address, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (socket, _) = listener.accept().expect("a client");
        let mut server = tungstenite::accept(socket).expect("a handshake");
        let id = request(&mut server)["id"].clone();
        let info = json!({"userAgent": "x/0", "codexHome": "/", "platformFamily": "", "platformOs": ""});
        say(&mut server, &json!({"id": id, "result": info}));
        then(server);
    });
    (address.parse().expect("an address"), server)
}

/// The next request of the client; notifications are passed over.
fn request(server: &mut Server) -> Value {
    loop {
        if let Message::Text(text) = server.read().expect("a message") {
            let message: Value = serde_json::from_str(&text).expect("JSON");
            if message.get("id").is_some() {
                return message;
            }
        }
    }
}

fn say(server: &mut Server, message: &Value) {
    server.send(Message::text(message.to_string())).expect("the client is there");
}

fn client() -> blocking::ClientBuilder {
    blocking::Client::builder().version_check(VersionCheck::Ignore)
}

fn part(text: &str, kind: Data, last: bool) -> Message {
    Message::Frame(Frame::message(Bytes::copy_from_slice(text.as_bytes()), OpCode::Data(kind), last))
}

#[test]
fn an_idle_client_answers_pings() {
    let (address, server) = serve(|mut server| {
        server.send(Message::Ping(Bytes::from_static(b"there?"))).expect("the client is there");
        loop {
            match server.read().expect("a message") {
                Message::Pong(bytes) => return assert_eq!(&bytes[..], b"there?"),
                _ => continue,
            }
        }
    });
    let client = client().connect(&address).expect("a connection");
    server.join().expect("a pong");
    drop(client);
}

#[test]
fn a_message_in_parts_is_one_message() {
    let (address, server) = serve(|mut server| {
        let asked = request(&mut server);
        let text = json!({"id": asked["id"], "result": {"text": "one and two"}}).to_string();
        let (one, two) = text.split_at(text.len() / 2);
        server.send(part(one, Data::Text, false)).expect("the client is there");
        server.send(part(two, Data::Continue, true)).expect("the client is there");
    });
    let client = client().connect(&address).expect("a connection");
    assert_eq!(client.request_raw("any", json!({})).expect("an answer")["text"], "one and two");
    server.join().expect("a server");
}

#[test]
fn a_long_message_arrives_whole() {
    let (address, server) = serve(|mut server| {
        let asked = request(&mut server);
        let length = asked["params"].as_str().map(str::len);
        say(&mut server, &json!({"id": asked["id"], "result": length}));
    });
    let client = client().connect(&address).expect("a connection");
    let length = 9 << 20;
    assert_eq!(client.request_raw("any", "x".repeat(length)).expect("an answer"), length);
    server.join().expect("a server");
}

#[tokio::test]
async fn a_goodbye_ends_the_connection() {
    let (address, server) = serve(|mut server| {
        request(&mut server);
        server.close(None).expect("the client is there");
        // Until the client has said goodbye as well.
        while server.read().is_ok() {}
    });
    let client =
        Client::builder().version_check(VersionCheck::Ignore).connect(&address).await.expect("a connection");
    let mut events = client.events(Filter::All);
    let error = client.request_raw("any", json!({})).await.expect_err("no answer");
    assert!(
        matches!(&error, Error::Closed(closed) if matches!(closed.reason, CloseReason::EndOfStream)),
        "{error}"
    );
    assert!(matches!(events.next().await, Some(Err(Error::Closed(_)))));
    assert!(events.next().await.is_none());
    server.join().expect("a goodbye");
}

#[test]
fn garbage_in_a_frame_is_an_event() {
    let (address, server) = serve(|mut server| {
        request(&mut server);
        server.send(Message::text("garbage")).expect("the client is there");
        server.send(Message::Binary(Bytes::from_static(b"\xff"))).expect("the client is there");
        while server.read().is_ok() {}
    });
    let client = client().connect(&address).expect("a connection");
    let mut events = client.events(Filter::thread("any"));
    let asking = thread::spawn({
        let client = client.clone();
        move || drop(client.request_raw("any", json!({})))
    });
    let event = events.next().expect("an event").expect("the connection goes on");
    assert!(matches!(&event, Event::Unreadable(unreadable) if unreadable.raw == "garbage"), "{event:?}");
    client.shutdown();
    asking.join().expect("a thread");
    server.join().expect("a goodbye");
}

/// A message beyond the limit, in one frame or in parts, is skipped; the call that it answers fails.
#[test]
fn a_message_beyond_the_limit_fails_its_call_alone() {
    for parts in [false, true] {
        let (address, server) = serve(move |mut server| {
            let [one, two] = [request(&mut server), request(&mut server)];
            let long = json!({"id": one["id"], "result": "x".repeat(3 << 20)}).to_string();
            if parts {
                let (begin, rest) = long.split_at(700_000);
                server.send(part(begin, Data::Text, false)).expect("the client is there");
                // A ping may come between the parts.
                server.send(Message::Ping(Bytes::from_static(b"there?"))).expect("the client is there");
                server.send(part(rest, Data::Continue, true)).expect("the client is there");
            } else {
                server.send(Message::text(long)).expect("the client is there");
            }
            say(&mut server, &json!({"id": two["id"], "result": "short"}));
            let again = request(&mut server);
            say(&mut server, &json!({"id": again["id"], "result": "on it goes"}));
            while server.read().is_ok() {}
        });
        let client = client().line_limit(1 << 20).connect(&address).expect("a connection");
        let long = thread::spawn({
            let client = client.clone();
            move || client.request_raw("long", json!({}))
        });
        while client.stats().in_flight < 1 {
            thread::yield_now();
        }
        assert_eq!(client.request_raw("short", json!({})).expect("an answer"), "short");
        let error = long.join().expect("a thread").expect_err("it is too long");
        assert!(error.to_string().contains("more than 1048576 bytes"), "{error}");
        assert_eq!(client.request_raw("again", json!({})).expect("an answer"), "on it goes");
        client.shutdown();
        server.join().expect("a goodbye");
    }
}

/// The first messages may come with the answer to the handshake, and that answer in pieces.
#[test]
fn messages_that_come_with_the_handshake_are_read() {
    for cut in [1, 3, usize::MAX] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("ws://{}", listener.local_addr().expect("an address"));
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("a client");
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                socket.read_exact(&mut byte).expect("a request");
                asked.extend(byte);
            }
            let asked = String::from_utf8(asked).expect("UTF-8");
            let key = asked.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
            let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
            let mut answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            )
            .into_bytes();
            let early = Bytes::from_static(br#"{"method":"early","params":{}}"#);
            Frame::message(early, OpCode::Data(Data::Text), true).format(&mut answer).expect("memory");
            for piece in answer.chunks(cut.min(answer.len())) {
                socket.write_all(piece).expect("the client is there");
            }
            let mut server = WebSocket::from_raw_socket(socket, Role::Server, None);
            let id = request(&mut server)["id"].clone();
            say(&mut server, &json!({"id": id, "result": {"userAgent": "x/0"}}));
            while server.read().is_ok() {}
        });
        let client = client().connect(&address.parse().expect("an address")).expect("a connection");
        assert_eq!((&*client.server().user_agent, client.stats().notifications), ("x/0", 1), "{cut}");
        client.shutdown();
        server.join().expect("a server");
    }
}

/// How long the server may be silent before it is asked for a sign of life.
const SILENCE: Duration = Duration::from_millis(100);

/// How a call ends of a server that says nothing for half a second, on both runtimes.
fn called_in_vain(reads: bool) -> [Error; 2] {
    let silent = move || {
        serve(move |mut server| {
            request(&mut server);
            server.get_ref().set_read_timeout(Some(Duration::from_secs(2))).expect("it can be set");
            if reads {
                while server.read().is_ok() {}
            } else {
                thread::sleep(Duration::from_secs(2));
            }
        })
    };
    let limit = Duration::from_millis(1200);
    let (address, server) = silent();
    let client = client().keep_alive(SILENCE).default_timeout(limit).connect(&address).expect("a connection");
    let on_threads = client.request_raw("any", json!({})).expect_err("there is no answer");
    drop(client);
    server.join().expect("a server");
    let (address, server) = silent();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let on_tasks = runtime.block_on(async {
        let builder = Client::builder().version_check(VersionCheck::Ignore).keep_alive(SILENCE);
        let client = builder.default_timeout(limit).connect(&address).await.expect("a connection");
        client.request_raw("any", json!({})).await.expect_err("there is no answer")
    });
    drop(runtime);
    server.join().expect("a server");
    [on_threads, on_tasks]
}

#[test]
fn a_server_that_answers_no_ping_is_gone() {
    for error in called_in_vain(false) {
        let Error::Closed(closed) = &error else { panic!("{error}") };
        assert!(matches!(closed.reason, CloseReason::Silent(silence) if silence >= 2 * SILENCE), "{closed}");
    }
}

#[test]
fn a_server_that_answers_pings_may_be_silent() {
    for error in called_in_vain(true) {
        assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    }
}
