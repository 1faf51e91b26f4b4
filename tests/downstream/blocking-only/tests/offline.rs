//! The tool against a scripted server.

use blocking_only::{Verdict, judge, reader, tell};
use codex_appserver::blocking::Codex;
use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer, Turn};

/// A server whose turns say this, one after the other.
fn server(turns: &[&[&str]]) -> (ScriptedServer, Codex) {
    let scenario = Scenario::new().answer("thread/start", Answer::thread());
    let scenario = turns.iter().fold(scenario, |scenario, deltas| {
        scenario.answer("turn/start", Answer::turn(Turn::new(deltas.iter().copied())))
    });
    let (server, stdout, stdin) = ScriptedServer::start(scenario).expect("it starts");
    (server, Codex::builder().attach(stdout, stdin).expect("a connection"))
}

#[test]
fn an_answer_comes_in_pieces_and_as_a_whole() {
    let (server, codex) = server(&[&["Hello ", "there."]]);
    let mut pieces = Vec::new();
    let whole = tell(&reader(&codex).expect("a thread"), "Say hello.", |piece| pieces.push(piece.to_owned()));
    assert_eq!(
        (whole.expect("an answer").as_str(), pieces.concat().as_str()),
        ("Hello there.", "Hello there.")
    );
    assert_eq!(pieces.len(), 2);
    assert_eq!(server.params("thread/start")[0]["sandbox"], "read-only");
    codex.close();
}

#[test]
fn a_verdict_is_a_rust_type() {
    let (server, codex) = server(&[&[r#"{"passed":true,"#, r#""reason":"Fine."}"#]]);
    let verdict = judge(&reader(&codex).expect("a thread"), "+ one line").expect("a verdict");
    assert_eq!(verdict, Verdict { passed: true, reason: "Fine.".into() });
    let schema = &server.params("turn/start")[0]["outputSchema"];
    assert_eq!(schema["required"].as_array().map(Vec::len), Some(2), "{schema}");
    codex.close();
}
