//! A server that goes away and comes back.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{INITIALIZE, Peer, Relay, Script, Server, echo, next, request, say};

const INITIALIZED: &str = r#"{"method":"initialized"}"#;

/// The client's introduction, answered.
fn introduce(peer: &mut Peer) {
    assert_eq!(next(peer).as_deref(), Some(INITIALIZE));
    say(peer, r#"{"id":"i","result":{"server":1}}"#);
    assert_eq!(next(peer).as_deref(), Some(INITIALIZED));
}

/// The same by the relay, for a client that is introduced already.
fn introduce_again(peer: &mut Peer) {
    let text = next(peer).expect("an introduction");
    let message: Value = serde_json::from_str(&text).expect("JSON");
    let id = message["id"].as_str().expect("a text");
    assert!(id.starts_with("codex-relay/initialize/"), "{text}");
    assert_eq!(text.replace(id, "i"), INITIALIZE);
    say(peer, r#"{"method":"configWarning"}"#);
    say(peer, json!({"id": id, "result": {"server": 2}}).to_string());
    assert_eq!(next(peer).as_deref(), Some(INITIALIZED));
}

fn start(server: &Server) -> Relay {
    let mut relay = Relay::start(["--reconnect=10", &server.address()]);
    relay.say(INITIALIZE);
    assert_eq!(relay.hear_json()["result"]["server"], 1);
    relay.say(INITIALIZED);
    relay
}

fn scripts<const N: usize>(scripts: [Script; N]) -> Server {
    Server::each(scripts)
}

#[test]
fn the_client_is_introduced_again_and_no_request_is_sent_twice() {
    let server = scripts([
        Box::new(|mut peer| {
            introduce(&mut peer);
            next(&mut peer).expect("a request");
            next(&mut peer).expect("a request");
        }),
        Box::new(|mut peer| {
            introduce_again(&mut peer);
            let request = next(&mut peer).expect("a request");
            assert!(request.contains(r#""id":3"#), "{request}");
            echo(&mut peer, &request);
            assert_eq!(next(&mut peer), None);
        }),
    ]);
    let mut relay = start(&server);
    relay.say(request(1));
    relay.say(request("2"));
    for id in [json!(1), json!("2")] {
        let lost = relay.hear_json();
        assert_eq!(lost["id"], id);
        assert_eq!(lost["error"]["code"], -32000);
        assert_eq!(
            lost["error"]["data"],
            json!({"codexRelay": "connectionLost", "mayHaveBeenExecuted": true})
        );
    }
    relay.say(request(3));
    assert_eq!(relay.hear(), r#"{"method":"configWarning"}"#);
    assert_eq!(relay.hear_json(), json!({"id": 3, "result": {"x": 1}}));
    let ended = relay.finish();
    ended.expect_code(0);
    assert!(ended.lines.is_empty(), "{:?}", ended.lines);
    ended.expect_error("looking for it").expect_error("threads have to be resumed");
    server.join();
}

/// What the client sends while there is no server waits, and arrives once and in order.
#[test]
fn what_is_sent_meanwhile_waits() {
    const REQUESTS: i64 = 500;
    let server = scripts([
        Box::new(|mut peer| introduce(&mut peer)),
        Box::new(|mut peer| {
            std::thread::sleep(Duration::from_millis(200));
            introduce_again(&mut peer);
            let mut last = -1;
            while let Some(text) = next(&mut peer) {
                let request: Value = serde_json::from_str(&text).expect("JSON");
                let id = request["id"].as_i64().expect("an integer");
                assert!(id > last, "{id} after {last}");
                last = id;
                echo(&mut peer, &text);
            }
        }),
    ]);
    let mut relay = start(&server);
    for id in 0..REQUESTS {
        relay.say(request(id));
    }
    let mut answered: Vec<_> =
        (0..=REQUESTS).map(|_| relay.hear_json()).filter_map(|message| message["id"].as_i64()).collect();
    answered.sort_unstable();
    // Those that went to the first server are answered with an error, and none twice.
    assert_eq!(answered, (0..REQUESTS).collect::<Vec<_>>());
    relay.say(request(REQUESTS));
    assert_eq!(relay.hear_json(), json!({"id": REQUESTS, "result": {"x": 1}}));
    relay.finish().expect_code(0);
    server.join();
}

/// The new server counts from 0 again: an answer to the old one must not approve what the new one asks.
#[test]
fn an_answer_to_the_old_server_does_not_reach_the_new_one() {
    let ask = |text: &str| format!(r#"{{"method":"ask","id":0,"params":"{text}"}}"#);
    let (first, second) = (ask("old"), ask("new"));
    let server = scripts([
        Box::new(move |mut peer| {
            introduce(&mut peer);
            say(&mut peer, first);
            std::thread::sleep(Duration::from_millis(50));
        }),
        Box::new(move |mut peer| {
            introduce_again(&mut peer);
            say(&mut peer, second);
            assert_eq!(next(&mut peer).as_deref(), Some(r#"{"id":0,"result":"to the new one"}"#));
            assert_eq!(next(&mut peer), None);
        }),
    ]);
    let mut relay = start(&server);
    assert_eq!(relay.hear_json()["params"], "old");
    assert_eq!(relay.hear(), r#"{"method":"configWarning"}"#);
    let asked = relay.hear_json();
    assert_eq!(asked, json!({"method": "ask", "id": "codex-relay/1/0", "params": "new"}));
    relay.say(r#"{"id":0,"result":"to the old one"}"#);
    relay.say(r#"{"id":"codex-relay/1/0","result":"to the new one"}"#);
    let ended = relay.finish();
    ended.expect_code(0).expect_error("line 3 answers a server that is gone; it is not sent");
    server.join();
}

#[test]
fn an_initialize_without_an_answer_is_answered_by_the_next_server() {
    let server = scripts([
        Box::new(|mut peer| {
            say(&mut peer, r#"{"method":"hello"}"#);
            assert_eq!(next(&mut peer).as_deref(), Some(INITIALIZE));
        }),
        Box::new(|mut peer| {
            assert_eq!(next(&mut peer).as_deref(), Some(INITIALIZE));
            say(&mut peer, r#"{"id":"i","result":{"server":2}}"#);
            assert_eq!(next(&mut peer), None);
        }),
    ]);
    let mut relay = Relay::start(["--reconnect=10", &server.address()]);
    relay.say(INITIALIZE);
    assert_eq!(relay.hear(), r#"{"method":"hello"}"#);
    assert_eq!(relay.hear_json()["result"]["server"], 2);
    relay.finish().expect_code(0);
    server.join();
}

/// A client that has nothing more to say is not kept.
#[test]
fn the_end_of_the_input_ends_the_search() {
    for open in [0, 1] {
        let server = scripts([Box::new(move |mut peer| {
            introduce(&mut peer);
            (0..open).for_each(|_| drop(next(&mut peer)));
        })]);
        let mut relay = start(&server);
        (0..open).for_each(|_| relay.say(request(1)));
        (0..open).for_each(|_| assert_eq!(relay.hear_json()["error"]["code"], -32000));
        std::thread::sleep(Duration::from_millis(300));
        relay.finish().expect_code(if open == 0 { 0 } else { 75 });
        server.join();
    }
}

#[test]
fn looking_for_the_server_has_an_end() {
    let server = scripts([Box::new(|mut peer| introduce(&mut peer))]);
    let mut relay = Relay::start(["--reconnect=0.3", &server.address()]);
    relay.say(INITIALIZE);
    relay.hear();
    relay.say(INITIALIZED);
    assert_eq!(relay.wait().code(), Some(75));
    relay.finish().expect_error("the server is gone: the connection was closed; failed to connect");
    server.join();
}

#[test]
fn looking_for_a_server_that_hangs_up_without_a_word_has_an_end() {
    let mut all: Vec<Script> = vec![Box::new(|mut peer| introduce(&mut peer))];
    all.extend((0..10).map(|_| Box::new(drop) as Script));
    let server = Server::each(all);
    let mut relay = Relay::start(["--reconnect=0.3", &server.address()]);
    relay.say(INITIALIZE);
    relay.hear();
    relay.say(INITIALIZED);
    assert_eq!(relay.wait().code(), Some(75));
    relay.finish().expect_error("the server is gone");
}

/// A server that takes connections and does not answer `initialize`, whatever else it says, was not found.
#[test]
fn a_server_that_does_not_answer_the_introduction_is_given_up() {
    let silent = || -> Script {
        Box::new(|mut peer| {
            assert!(next(&mut peer).expect("an introduction").contains("codex-relay/initialize/"));
            for _ in 0..5 {
                say(&mut peer, r#"{"method":"configWarning"}"#);
                std::thread::sleep(Duration::from_millis(20));
            }
            while peer.read().is_ok() {}
        })
    };
    let mut all: Vec<Script> = vec![Box::new(|mut peer| introduce(&mut peer))];
    all.extend((0..20).map(|_| silent()));
    let server = Server::each(all);
    let mut relay = Relay::start(["--connect-timeout=0.3", "--reconnect=1", &server.address()]);
    relay.say(INITIALIZE);
    relay.hear();
    relay.say(INITIALIZED);
    let begun = std::time::Instant::now();
    assert_eq!(relay.wait().code(), Some(75));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    relay.finish().expect_error("it did not answer `initialize` within 300ms");
}

/// One that answers in time may be silent afterwards for as long as it likes.
#[test]
fn a_server_that_was_found_again_may_be_silent() {
    let server = scripts([
        Box::new(|mut peer| introduce(&mut peer)),
        Box::new(|mut peer| {
            introduce_again(&mut peer);
            let request = next(&mut peer).expect("a request");
            std::thread::sleep(Duration::from_millis(900));
            echo(&mut peer, &request);
            assert_eq!(next(&mut peer), None);
        }),
    ]);
    let mut relay = Relay::start(["--connect-timeout=0.3", "--reconnect", &server.address()]);
    relay.say(INITIALIZE);
    relay.hear();
    relay.say(INITIALIZED);
    assert_eq!(relay.hear(), r#"{"method":"configWarning"}"#);
    relay.say(request(1));
    assert_eq!(relay.hear_json(), json!({"id": 1, "result": {"x": 1}}));
    relay.finish().expect_code(0);
    server.join();
}

#[test]
fn a_server_that_refuses_the_introduction_is_an_end() {
    let server = scripts([
        Box::new(|mut peer| introduce(&mut peer)),
        Box::new(|mut peer| {
            let text = next(&mut peer).expect("an introduction");
            let message: Value = serde_json::from_str(&text).expect("JSON");
            say(&mut peer, json!({"id": message["id"], "error": {"code": -1, "message": "no"}}).to_string());
            while peer.read().is_ok() {}
        }),
    ]);
    let mut relay = start(&server);
    assert_eq!(relay.wait().code(), Some(75));
    relay.finish().expect_error("it refused `initialize`");
}
