//! Faults for all traffic: each does what it says, and the same again for the same seed.

mod support;

use std::io::{Read as _, Write as _};

use codex_appserver_testkit::scripted::{Answer, Faults, Scenario, ScriptedServer};
use serde_json::json;
use support::start;

const REQUESTS: u64 = 200;

/// The ids of the answers to requests that came in one piece, in the order of the answers.
fn ids(faults: Faults, answers: usize) -> Vec<u64> {
    let (_server, mut client) = start(Scenario::new().faults(faults));
    client.requests(0, &["m"; REQUESTS as usize]);
    let ids = client.ids(answers);
    assert!(client.is_silent(), "there are more answers than {answers}");
    ids
}

#[test]
fn answers_are_reordered_within_the_window() {
    let order = ids(Faults::seeded(1).reorder(8), 200);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..REQUESTS).collect::<Vec<_>>());
    assert_ne!(order, sorted);
    // With 8 held back, an answer cannot overtake more than 8 others.
    let overtaken = |(place, id): (usize, &u64)| *id <= place as u64 + 8;
    assert!(order.iter().enumerate().all(overtaken), "{order:?}");
    assert_eq!(order, ids(Faults::seeded(1).reorder(8), 200), "the same seed, the same order");
    assert_ne!(order, ids(Faults::seeded(2).reorder(8), 200));
}

#[test]
fn a_few_answers_do_not_wait_for_a_full_window() {
    let (_server, mut client) = start(Scenario::new().faults(Faults::seeded(1).reorder(100)));
    client.requests(1, &["m"]);
    assert_eq!(client.ids(1), [1]);
}

#[test]
fn every_nth_answer_is_dropped_or_doubled() {
    let kept = ids(Faults::seeded(0).drop_every(10), 180);
    assert!(kept.iter().all(|id| id % 10 != 9), "{kept:?}");
    let doubled = ids(Faults::seeded(0).duplicate_every(100), 202);
    assert_eq!((doubled[99], doubled[100], doubled[200], doubled[201]), (99, 99, 199, 199));
}

#[test]
fn delays_mix_the_answers() {
    let order = ids(Faults::seeded(3).delay_up_to_ms(20), 200);
    assert!(!order.is_sorted(), "{order:?}");
}

#[test]
fn the_first_requests_of_a_method_are_refused() {
    let faults = Faults::seeded(0).overloaded("busy", 2);
    let answer = Answer::result(json!({"n": "$count"}));
    let (_server, mut client) = start(Scenario::new().answer("busy", answer).faults(faults));
    client.requests(1, &["busy", "busy", "busy", "free"]);
    let lines = client.jsons(4);
    for line in &lines[..2] {
        assert_eq!(line["error"], json!({"code": -32001, "message": "Server overloaded; retry later."}));
    }
    assert_eq!((&lines[2]["result"]["n"], &lines[3]["result"]), (&json!(1), &json!({})));
}

#[test]
fn initialize_is_spared() {
    let faults = Faults::seeded(0).drop_every(1).reorder(50).delay_up_to_ms(10_000);
    let (_server, mut client) = start(Scenario::new().faults(faults));
    client.requests(1, &["initialize", "m"]);
    assert_eq!(client.ids(1), [1]);
    assert!(client.is_silent());
}

/// On a socket every write that is read in time is a piece; torn or not, the bytes are the same.
#[test]
fn writes_are_torn_anywhere() {
    let scenario = Scenario::new()
        .answer("m", Answer::result(json!("\u{20ac}".repeat(200))))
        .faults(Faults::seeded(5).split_writes(7));
    let pieces = Pieces::default();
    let (input, mut stdin) = std::io::pipe().expect("a pipe");
    let server = ScriptedServer::start_on(scenario, input, pieces.clone()).expect("it starts");
    stdin.write_all(b"{\"id\":1,\"method\":\"m\"}\n").expect("it reads");
    drop(stdin);
    server.wait_for_end(support::PATIENCE).expect("it ends");
    let pieces = pieces.0.lock().expect("no panic").clone();
    assert!(pieces.iter().all(|piece| (1..=7).contains(&piece.len())), "{pieces:?}");
    let torn = pieces.iter().filter(|piece| std::str::from_utf8(piece).is_err()).count();
    assert!(torn > 10, "characters are torn: {torn}");
    let line = format!("{{\"id\":1,\"result\":\"{}\"}}\n", "\u{20ac}".repeat(200));
    assert_eq!(pieces.concat(), line.as_bytes());
}

/// Keeps what was written, write by write.
#[derive(Clone, Default)]
struct Pieces(std::sync::Arc<std::sync::Mutex<Vec<Vec<u8>>>>);

impl std::io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn output_after_the_end_is_no_surprise() {
    let (server, mut stdout, stdin) = ScriptedServer::start(Scenario::new()).expect("it starts");
    drop(stdin);
    assert_eq!(stdout.read(&mut [0; 8]).expect("a proper end"), 0);
    drop(server);
}
