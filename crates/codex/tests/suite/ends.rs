//! Turns whose end is late, missed, or never comes.

use codex_appserver::{ClientError, Error};
use codex_appserver_testkit::scripted::{Answer, Step, Turn, TurnEnd};
use serde_json::json;
use std::time::Duration;

use super::{PATIENCE, completed, delta, flooding, playing, started, telling, thread_with};
use crate::sdk;

const SOON: Duration = Duration::from_millis(50);

fn active() -> serde_json::Value {
    json!({"type": "active", "activeFlags": ["waitingOnApproval"]})
}

test! {
    fn the_watchdog_asks_and_reports() {
        let message = json!({"type": "agentMessage", "id": "m", "text": "kept"});
        let over = json!([{"id": "turn-1", "status": "completed", "items": [message]}]);
        let scenario = telling([started()])
            .answer("thread/read", thread_with(active(), json!([super::turn("inProgress")])))
            .answer("thread/read", thread_with(json!({"type": "idle"}), over));
        let (server, codex) = attach!(sdk::Codex::builder().watchdog(SOON), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        let error = wait!(turn.run()).expect_err("nothing is heard");
        let Error::Stalled(stalled) = &error else { panic!("{error}") };
        assert_eq!((&*stalled.turn_id, stalled.silent_for), ("turn-1", SOON));
        assert_eq!(stalled.turn_status.as_ref().map(|status| status.as_str()), Some("inProgress"));
        assert!(error.to_string().contains("is active (waitingOnApproval)"), "{error}");
        let result = wait!(turn.run()).expect("the server keeps what came of it");
        assert_eq!((result.text(), result.is_completed()), ("kept", true));
        assert_eq!(server.params("thread/read")[0], json!({"threadId": "thread-1", "includeTurns": true}));
    }

    fn a_stall_does_not_end_a_stream() {
        let scenario = telling([started(), Step::Until("thread/read".into()), Step::PauseMs(100), completed("completed")])
            .answer("thread/read", thread_with(active(), json!([])));
        let (_server, codex) = attach!(sdk::Codex::builder().watchdog(SOON), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        let (mut stream, mut stalls) = (turn.stream(), 0);
        while let Some(event) = wait!(stream.next()) {
            stalls += u32::from(matches!(event, Err(Error::Stalled(_))));
        }
        assert!(stalls > 0 && stream.result().expect("a result").is_completed());
    }

    fn a_thread_without_records_is_asked_without_them() {
        let scenario = telling([started()])
            .answer("thread/read", Answer::error(-32600, "ephemeral threads do not support includeTurns"))
            .answer("thread/read", thread_with(active(), json!([])));
        let (server, codex) = attach!(sdk::Codex::builder().watchdog(SOON), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let error = wait!(thread.run("go")).expect_err("nothing is heard");
        assert!(error.to_string().contains("not in its records"), "{error}");
        assert_eq!(server.count("thread/read"), 2);
    }

    fn the_end_of_the_connection_is_an_error() {
        let (server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["a"]).end(TurnEnd::Never)]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        let mut stream = turn.stream();
        wait!(stream.next()).expect("an event").expect("it has begun");
        server.close();
        let error = loop {
            match wait!(stream.next()) {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("the end of the connection is no end of the turn"),
            }
        };
        assert!(matches!(error, Error::Client(ClientError::Closed(_))), "{error}");
        assert!(wait!(stream.next()).is_none());
        drop(stream);
        let error = wait!(turn.run()).expect_err("there is nobody any more");
        assert!(matches!(error, Error::Client(ClientError::Closed(_))), "{error}");
    }

    fn closing_ends_streams_with_an_error() {
        let (server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["a"]).end(TurnEnd::Never)]));
        let codex = codex.expect("a connection");
        let thread = send!(codex.thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        let running = beside!({ wait!(turn.run()) });
        server.wait_for("turn/start", 1, PATIENCE).expect("it begins");
        wait!(codex.close());
        let error = join!(running).expect_err("the turn did not end");
        assert!(matches!(&error, Error::Disconnected { turn_id, .. } if turn_id == "turn-1"), "{error}");
    }

    fn an_end_that_cannot_be_read_is_asked_for() {
        let unreadable = Step::notify("turn/completed", json!({"threadId": "thread-1", "turn": {"id": "turn-1", "status": 5}}));
        let over = json!([{"id": "turn-1", "status": "completed", "items": []}]);
        let scenario = telling([started(), delta("said"), unreadable])
            .answer("thread/read", thread_with(json!({"type": "idle"}), over))
            .answer("thread/read", Answer::never());
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        assert_eq!(wait!(thread.run("go")).expect("a result").text(), "said");
        assert_eq!(server.count("thread/read"), 1);
    }

    fn a_reader_that_does_not_keep_up_is_told_and_may_ask() {
        let over = json!([{"id": "turn-1", "status": "completed", "items": [{"type": "agentMessage", "id": "m", "text": "all of it"}]}]);
        let scenario = flooding().answer("thread/read", thread_with(json!({"type": "idle"}), over));
        let (_server, _codex, turn) = left_behind!(scenario);
        let error = wait!(turn.run()).expect_err("there was no room");
        assert!(matches!(error, Error::Client(ClientError::Overrun { byte_cap: 10_000 })), "{error}");
        let result = wait!(turn.run()).expect("the server keeps it");
        assert_eq!((result.text(), result.is_completed()), ("all of it", true));
    }

    fn a_turn_of_somebody_else_can_be_followed() {
        let scenario = telling([])
            .answer("thread/read", thread_with(json!({"type": "idle"}), json!([super::turn("interrupted")])))
            .answer("thread/read", thread_with(active(), json!([super::turn("inProgress")])).then([delta("late"), completed("completed")]));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = codex.expect("a connection").thread("thread-1");
        let result = wait!(thread.follow("turn-1").run()).expect("it is over already");
        assert_eq!(result.status.as_str(), "interrupted");
        assert_eq!(wait!(thread.follow("turn-1").run()).expect("it ends later").text(), "late");
    }

    fn an_end_that_nobody_knows_is_an_error() {
        // The end cannot be read, and the server keeps nothing.
        let unreadable = Step::notify("turn/completed", json!({"threadId": "thread-1", "turn": {"id": "turn-1", "status": 5}}));
        let scenario = telling([started(), unreadable]).answer("thread/read", thread_with(json!({"type": "idle"}), json!([])));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let error = wait!(thread.run("go")).expect_err("nobody knows");
        assert!(matches!(&error, Error::Lost { turn_id, .. } if turn_id == "turn-1"), "{error}");
        let unknown = thread.follow("no such turn");
        for _ in 0..2 {
            let error = wait!(unknown.run()).expect_err("there is none, however often one asks");
            assert!(matches!(&error, Error::Lost { .. }), "{error}");
        }
    }

    fn an_end_that_was_heard_beside_is_the_end() {
        // The thread has no records, and the reader did not keep up.
        let scenario = flooding().answer("thread/read", thread_with(json!({"type": "idle"}), json!([])));
        let (_server, _codex, turn) = left_behind!(scenario);
        wait!(turn.run()).expect_err("there was no room");
        assert!(wait!(turn.run()).expect("its end was heard").is_completed());
    }

    fn what_was_missed_is_read_when_the_turn_has_ended() {
        let unreadable = Step::notify("item/completed", json!({"threadId": "thread-1", "turnId": "turn-1", "item": {"type": "agentMessage", "id": 5}}));
        let over = json!([{"id": "turn-1", "status": "completed", "items": [{"type": "agentMessage", "id": "m", "text": "kept"}]}]);
        for (read, text) in [(thread_with(json!({"type": "idle"}), over), "kept"), (Answer::error(-32603, "disk full"), "said")] {
            let scenario = telling([started(), delta("said"), unreadable.clone(), completed("completed")]).answer("thread/read", read);
            let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
            let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
            assert_eq!(wait!(thread.run("go")).expect("a result").text(), text);
        }
    }

    fn a_line_that_is_garbage_may_have_been_the_end() {
        let over = json!([{"id": "turn-1", "status": "completed", "items": []}]);
        let scenario = telling([started(), Step::line("{\"method\":\"turn/completed\",")])
            .answer("thread/read", thread_with(json!({"type": "idle"}), over));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        assert!(wait!(thread.run("go")).expect("a result").is_completed());
    }
}
