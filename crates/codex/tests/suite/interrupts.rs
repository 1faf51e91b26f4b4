//! Interrupting, steering, and turns that are dropped.

use codex_appserver_testkit::scripted::{Answer, Step, Turn, TurnEnd};
use serde_json::json;

use super::{PATIENCE, completed, delta, playing, started, telling};
use crate::sdk;

/// What the real server answers before a turn has begun, and after its end.
fn idle(what: &str) -> Answer {
    Answer::error(-32600, format!("no active turn to {what}"))
}

test! {
    fn an_interrupt_ends_the_turn() {
        let (server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["half"]).end(TurnEnd::Interrupted)]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        wait!(turn.interrupt()).expect("it is interrupted");
        let result = wait!(turn.run()).expect("a value");
        assert_eq!((result.status.as_str(), result.text()), ("interrupted", "half"));
        let sent = server.params("turn/interrupt");
        assert_eq!(sent, [json!({"threadId": "thread-1", "turnId": "turn-1"})]);
        wait!(turn.interrupt()).expect("nothing is left to do");
        assert_eq!(server.count("turn/interrupt"), 1);
    }

    fn an_interrupt_that_comes_too_early_waits() {
        let scenario = telling([Step::Until("turn/interrupt".into()), Step::PauseMs(20), started()])
            .answer("turn/interrupt", idle("interrupt"))
            .answer("turn/interrupt", Answer::result(json!({})).then([completed("interrupted")]));
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        wait!(turn.interrupt()).expect("it is interrupted");
        assert_eq!(wait!(turn.run()).expect("a value").status.as_str(), "interrupted");
        assert_eq!(server.count("turn/interrupt"), 2);
    }

    fn an_interrupt_that_comes_too_late_is_no_error() {
        // The end comes after the refusal, and before it.
        for (before, after) in [(vec![], vec![completed("completed")]), (vec![completed("completed")], vec![])] {
            let scenario = telling([started(), Step::Until("turn/interrupt".into())].into_iter().chain(before))
                .answer("turn/interrupt", idle("interrupt").delay_ms(20).then(after));
            let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
            let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
            let turn = send!(thread.turn("go")).expect("a turn");
            wait!(turn.interrupt()).expect("there is nothing to interrupt");
            assert!(wait!(turn.run()).expect("a value").is_completed());
        }
    }

    fn other_refusals_of_an_interrupt_are_errors() {
        let scenario = telling([started()]).answer("turn/interrupt", Answer::error(-32603, "disk full"));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        let error = wait!(turn.interrupt()).expect_err("a refusal").to_string();
        assert!(error.contains("turn/interrupt") && error.contains("disk full"), "{error}");
    }

    fn steering_waits_for_the_turn_to_begin() {
        let steered = Answer::result(json!({"turnId": "turn-1"})).then([delta("both"), completed("completed")]);
        let scenario = telling([Step::Until("turn/steer".into()), started()])
            .answer("turn/steer", idle("steer"))
            .answer("turn/steer", steered)
            .answer("turn/steer", idle("steer"));
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("this")).expect("a turn");
        assert_eq!(wait!(turn.steer("and that")).expect("it is steered").turn_id, "turn-1");
        assert_eq!(wait!(turn.run()).expect("a result").text(), "both");
        let sent = &server.params("turn/steer")[1];
        assert_eq!((&sent["expectedTurnId"], &sent["input"][0]["text"]), (&json!("turn-1"), &json!("and that")));
        let error = wait!(turn.steer("and more")).expect_err("it is over").to_string();
        assert!(error.contains("no active turn to steer"), "{error}");
    }

    fn a_turn_that_is_dropped_goes_on() {
        let turns = [Turn::new(["a"]).end(TurnEnd::Never), Turn::new(["b"])];
        let (server, codex) = attach!(sdk::Codex::builder(), playing(turns));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        let mut stream = turn.stream();
        wait!(stream.next()).expect("an event").expect("it has begun");
        drop((turn, stream));
        wait!(thread.run("again")).expect("a result");
        assert_eq!(server.count("turn/interrupt"), 0);
    }

    fn a_turn_that_is_to_be_interrupted_is_when_it_is_dropped() {
        let turns = [Turn::new(["a"]).end(TurnEnd::Interrupted), Turn::new(["b"])];
        let (server, codex) = attach!(sdk::Codex::builder(), playing(turns));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn").interrupt_on_drop();
        let mut stream = turn.stream();
        drop(turn);
        wait!(stream.next()).expect("an event").expect("the stream keeps it");
        assert_eq!(server.count("turn/interrupt"), 0);
        drop(stream);
        server.wait_for("turn/interrupt", 1, PATIENCE).expect("it is interrupted");
        let over = send!(thread.turn("again")).expect("a turn").interrupt_on_drop();
        wait!(over.run()).expect("a result");
        drop(over);
        send!(thread.read()).ok();
        assert_eq!(server.count("turn/interrupt"), 1, "what is over needs no interrupt");
    }

    fn a_turn_that_is_dropped_does_not_hold_the_connection_for_ever() {
        let scenario = telling([started()]).answer("turn/interrupt", Answer::never());
        let (server, codex) = attach!(sdk::Codex::builder().default_timeout(None), scenario);
        let codex = codex.expect("a connection");
        let thread = send!(codex.thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn").interrupt_on_drop();
        drop((turn, thread, codex));
        server.wait_for_end(PATIENCE).expect("the connection is closed");
        assert_eq!(server.count("turn/interrupt"), 1);
    }

    fn a_followed_turn_that_is_over_needs_no_interrupt() {
        let over = json!([{"id": "turn-1", "status": "completed", "items": []}]);
        let scenario = telling([])
            .answer("turn/interrupt", idle("interrupt"))
            .answer("thread/read", super::thread_with(json!({"type": "idle"}), over));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        wait!(codex.expect("a connection").thread("thread-1").follow("turn-1").interrupt()).expect("it is over");
    }

    fn a_followed_review_is_interrupted_by_the_id_that_the_server_names() {
        let inner = json!([{"id": "inner", "items": [], "status": "inProgress", "rootTurnId": "turn-1"}]);
        let active = json!({"type": "active", "activeFlags": []});
        let scenario = telling([])
            .answer("turn/interrupt", idle("interrupt"))
            .answer("turn/interrupt", Answer::result(json!({})))
            .answer("thread/read", super::thread_with(active, inner));
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        wait!(codex.expect("a connection").thread("thread-1").follow("turn-1").interrupt()).expect("it is interrupted");
        let ids: Vec<_> = server.params("turn/interrupt").iter().map(|params| params["turnId"].clone()).collect();
        assert_eq!(ids, ["turn-1", "inner"]);
    }

    fn a_review_that_is_dropped_is_interrupted_by_the_id_that_is_at_work() {
        let inner = Step::notify("turn/started", json!({"threadId": "thread-1",
            "turn": {"id": "inner", "items": [], "status": "inProgress", "rootTurnId": "turn-1"}}));
        let answer = Answer::result(json!({"turn": super::turn("inProgress"), "reviewThreadId": "thread-1"}));
        let scenario = telling([]).answer("review/start", answer.then([inner]));
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = codex.expect("a connection").thread("thread-1");
        let target = codex_appserver::protocol::ReviewTarget::UncommittedChanges;
        let review = send!(thread.review(target)).expect("a review").interrupt_on_drop();
        wait!(review.stream().next()).expect("an event").expect("it has begun");
        drop(review);
        server.wait_for("turn/interrupt", 1, PATIENCE).expect("it is interrupted");
        assert_eq!(server.params("turn/interrupt")[0]["turnId"], "inner");
    }
}
