//! What the server says of a turn beside its events: late, in part, or not at all.

use codex_appserver::{Error, RetryPolicy};
use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
use serde_json::{Value, json};
use std::time::Duration;

use super::{PATIENCE, completed, delta, flooding, started, telling, thread_with};
use crate::sdk;

const SOON: Duration = Duration::from_millis(20);

fn idle() -> Value {
    json!({"type": "idle"})
}

fn active() -> Value {
    json!({"type": "active", "activeFlags": []})
}

fn over() -> Value {
    let message = json!({"type": "agentMessage", "id": "item-1", "text": "kept"});
    json!([{"id": "turn-1", "status": "completed", "items": [message]}])
}

test! {
    fn a_turn_is_not_run_again_because_the_server_is_too_busy_to_tell() {
        let scenario = telling([started()]).answer("thread/read", Answer::overloaded());
        let (server, codex) = attach!(sdk::Codex::builder().watchdog(SOON), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let quick = RetryPolicy::default().initial_delay(Duration::from_millis(1));
        let error = wait!(sdk::retry_on_overload(quick, || thread.run("go"))).expect_err("it never ends");
        assert!(error.to_string().contains("thread/read"), "{error}");
        assert_eq!(server.count("turn/start"), 1);
    }

    fn what_waits_to_be_read_comes_before_the_records() {
        // The turn ends while the server is asked about it.
        let scenario =
            telling([started()]).answer("thread/read", thread_with(idle(), over()).until("thread/name/set"));
        let (server, codex) = attach!(sdk::Codex::builder().watchdog(SOON), scenario);
        let codex = codex.expect("a connection");
        let thread = send!(codex.thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        let running = beside!({
            let (mut stream, mut methods) = (turn.stream(), Vec::new());
            while let Some(event) = wait!(stream.next()) {
                methods.extend(event.expect("an event").into_notification().map(|said| said.method().to_owned()));
            }
            (methods, stream.into_result().expect("a result"))
        });
        server.wait_for("thread/read", 1, PATIENCE).expect("the watchdog asks");
        let diff = json!({"threadId": "thread-1", "turnId": "turn-1", "diff": "+1"});
        server.play([Step::notify("turn/diff/updated", diff), completed("completed")]);
        while codex.client().stats().notifications < 4 {
            std::thread::yield_now();
        }
        send!(thread.set_name("now")).ok();
        let (methods, result) = join!(running);
        assert_eq!(methods, ["turn/started", "turn/diff/updated", "turn/completed"]);
        assert_eq!(result.diff.as_deref(), Some("+1"));
    }

    fn a_line_that_is_garbage_may_have_been_an_item() {
        let garbage = Step::line("{\"method\":\"item/completed\",");
        let asked = Step::Until("thread/read".into());
        let scenario = telling([started(), delta("said"), garbage, asked, completed("completed")])
            .answer("thread/read", thread_with(active(), json!([super::turn("inProgress")])))
            .answer("thread/read", thread_with(idle(), over()));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        assert_eq!(wait!(thread.run("go")).expect("a result").text(), "kept");
    }

    fn an_end_that_was_heard_beside_needs_no_records() {
        for closed in [false, true] {
            let scenario = flooding().answer("thread/read", Answer::error(-32603, "disk full"));
            let (server, codex, turn) = left_behind!(scenario);
            let error = wait!(turn.run()).expect_err("there was no room").to_string();
            assert!(error.contains("failed to keep up"), "{error}");
            if closed {
                server.close();
                wait!(codex.client().wait_closed());
            }
            assert!(wait!(turn.run()).expect("its end was heard").is_completed());
        }
    }

    fn a_turn_that_is_about_to_begin_is_not_lost() {
        let begun = thread_with(active(), json!([super::turn("inProgress")]));
        let scenario = Scenario::new()
            .answer("thread/read", thread_with(idle(), json!([])))
            .answer("thread/read", begun.then([started(), delta("late"), completed("completed")]));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = codex.expect("a connection").thread("thread-1");
        assert_eq!(wait!(thread.follow("turn-1").run()).expect("it begins").text(), "late");
    }

    fn a_turn_that_is_silent_and_unknown_is_lost_and_not_stalled_for_ever() {
        let scenario = telling([started()]).answer("thread/read", thread_with(idle(), json!([])));
        let (_server, codex) = attach!(sdk::Codex::builder().watchdog(SOON), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        let mut stalls = 0;
        let error = loop {
            match wait!(turn.run()).expect_err("nobody knows") {
                Error::Stalled(_) => stalls += 1,
                error => break error,
            }
        };
        assert!(stalls > 0 && matches!(error, Error::Lost { .. }), "{stalls}: {error}");
    }

    fn a_turn_of_which_nothing_is_heard_is_asked_for_again() {
        // The server tells others of the thread.
        let scenario = Scenario::new()
            .answer("thread/read", thread_with(active(), json!([super::turn("inProgress")])))
            .answer("thread/read", thread_with(idle(), over()));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = codex.expect("a connection").thread("thread-1");
        assert_eq!(wait!(thread.follow("turn-1").run()).expect("its end is kept").text(), "kept");
    }

    fn a_review_that_is_followed_is_interrupted_by_the_id_that_is_at_work() {
        let inner = json!({"id": "inner", "items": [], "status": "inProgress", "rootTurnId": "turn-1"});
        let refusal = Answer::error(-32600, "expected active turn id turn-1 but found inner");
        let scenario = Scenario::new()
            .answer("turn/interrupt", refusal)
            .answer("turn/interrupt", Answer::result(json!({})))
            .answer("thread/read", thread_with(active(), json!([inner])));
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        wait!(codex.expect("a connection").thread("thread-1").follow("turn-1").interrupt()).expect("it is interrupted");
        let sent: Vec<_> = server.params("turn/interrupt").iter().map(|sent| sent["turnId"].clone()).collect();
        assert_eq!(sent, ["turn-1", "inner"]);
    }
}
