//! Turns, their streams and their results.

use codex_appserver::{Error, Event, Input, ServerNotification, image_url, text};
use codex_appserver_testkit::scripted::{Answer, Scenario, Turn, TurnEnd};
use serde_json::json;

use super::{completed, delta, playing, started, telling};
use crate::sdk;

test! {
    fn a_turn_runs_to_its_result() {
        let (server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["Hello ", "there."])]));
        let codex = codex.expect("a connection");
        let thread = send!(codex.thread_start().model("gpt-5.5")).expect("a thread");
        let turn = send!(thread.turn([text("look"), image_url("https://a/b.png")]).effort("high")).expect("a turn");
        let result = wait!(turn.run()).expect("its result");
        assert_eq!((thread.id(), turn.id(), turn.thread().id()), ("thread-1", "turn-1", "thread-1"));
        assert_eq!((&*result.thread_id, &*result.turn_id, result.text()), ("thread-1", "turn-1", "Hello there."));
        assert_eq!(result.items.len(), 2, "what the user said, and what the agent said");
        assert_eq!(result.usage.as_ref().map(|usage| usage.total.total_tokens), Some(15));
        assert!(result.is_completed() && result.duration.is_some());
        assert_eq!(wait!(turn.run()).expect("the same once more"), result);
        assert_eq!(turn.result().as_ref(), Some(&result));
        assert_eq!(server.params("thread/start"), [json!({"model": "gpt-5.5"})]);
        let sent = &server.params("turn/start")[0];
        assert_eq!((&sent["effort"], sent["input"].as_array().map(Vec::len)), (&json!("high"), Some(2)));
    }

    fn a_stream_ends_with_the_turn() {
        let (_server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["a", "b"])]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        assert!(turn.result().is_none());
        let (mut stream, mut methods, mut said) = (turn.stream(), Vec::new(), String::new());
        while let Some(event) = wait!(stream.next()) {
            let event = event.expect("an event");
            let Some(notification) = event.notification() else { panic!("{event:?}") };
            methods.push(notification.method().to_owned());
            if let ServerNotification::ItemAgentMessageDelta(delta) = notification {
                said.push_str(&delta.delta);
            }
        }
        assert_eq!(said, "ab");
        assert_eq!(methods.first().map(String::as_str), Some("turn/started"));
        assert_eq!(methods.last().map(String::as_str), Some("turn/completed"));
        assert_eq!(methods.iter().filter(|method| *method == "item/agentMessage/delta").count(), 2);
        assert!(wait!(stream.next()).is_none());
        assert_eq!(stream.result().expect("a result").text(), "ab");
        drop(stream);
        assert!(wait!(turn.stream().next()).is_none(), "it is over for every other stream as well");
    }

    fn a_stream_that_is_over_is_in_nobodys_way() {
        let (_server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["a"])]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        let mut events = turn.stream();
        while let Some(event) = wait!(events.next()) {
            event.expect("an event");
        }
        // It is still there.
        assert_eq!(turn.result().expect("a result").text(), "a");
        assert_eq!(wait!(turn.run()).expect("a result").text(), "a");
        assert_eq!(events.into_result().expect("a result").text(), "a");
    }

    fn a_stream_goes_on_where_the_last_one_stopped() {
        let (_server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["a", "b", "c"])]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        let mut said = String::new();
        // A stream of its own for each event.
        while let Some(event) = wait!(turn.stream().next()) {
            let event = event.expect("an event");
            if let Some(ServerNotification::ItemAgentMessageDelta(delta)) = event.notification() {
                said.push_str(&delta.delta);
            }
        }
        assert_eq!(said, "abc");
        assert_eq!(turn.result().expect("a result").text(), "abc");
    }

    fn there_is_one_stream_at_a_time() {
        let (_server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["a"])]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        let first = turn.stream();
        let mut second = turn.stream();
        let error = wait!(second.next()).expect("an error").expect_err("the other one reads");
        assert!(matches!(&error, Error::Followed { turn_id } if turn_id == "turn-1"), "{error}");
        assert!(wait!(second.next()).is_none());
        drop(second);
        drop(first);
        assert_eq!(wait!(turn.run()).expect("nobody else reads").text(), "a");
    }

    fn each_turn_has_its_own_events() {
        let turns = (0..40).map(|n| Turn::new((0..20).map(|_| format!("{n} ")).collect::<Vec<_>>()).every_ms(1));
        let (_server, codex) = attach!(sdk::Codex::builder(), playing(turns));
        let codex = codex.expect("a connection");
        let mut all = Vec::new();
        for _ in 0..10 {
            let thread = send!(codex.thread_start()).expect("a thread");
            for _ in 0..4 {
                let turn = send!(thread.turn("go")).expect("a turn");
                all.push((turn.id().to_owned(), beside!({ wait!(turn.run()) })));
            }
        }
        for (id, running) in all {
            let result = join!(running).expect("its result");
            let n = id.strip_prefix("turn-").and_then(|n| n.parse::<usize>().ok()).expect("a number") - 1;
            assert_eq!((result.turn_id, result.final_text), (id, Some(format!("{n} ").repeat(20))));
            assert_eq!(result.items.len(), 2);
        }
    }

    fn a_failed_turn_is_a_value() {
        let (_server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["half"]).end(TurnEnd::Failed)]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let result = wait!(thread.run("go")).expect("a value");
        assert!(!result.is_completed());
        assert_eq!(result.error.as_ref().map(|error| error.message.as_str()), Some("the scenario says so"));
        assert_eq!(result.text(), "half", "what was said before");
        let error = Error::from(result.into_result().expect_err("an error of it"));
        assert!(error.to_string().contains("failed: the scenario says so") && !error.is_retryable(), "{error}");
    }

    fn what_comes_right_with_the_answer_is_not_missed() {
        let (_server, codex) =
            attach!(sdk::Codex::builder(), telling([started(), delta("quick"), completed("completed")]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        // All of it has come before anybody asks.
        while !turn.thread().codex().client().stats().notifications.eq(&4) {
            std::thread::yield_now();
        }
        assert_eq!(wait!(turn.run()).expect("a result").text(), "quick");
    }

    fn a_review_is_a_turn_of_the_thread_that_it_runs_on() {
        let events = [completed("completed")];
        let answer = Answer::result(json!({"turn": super::turn("inProgress"), "reviewThreadId": "thread-1"}));
        let scenario = Scenario::new()
            .answer("thread/start", Answer::thread().times(1))
            .answer("review/start", answer.then(events));
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = codex.expect("a connection").thread("other");
        let target = codex_appserver::protocol::ReviewTarget::UncommittedChanges;
        let review = send!(thread.review(target)).expect("a review");
        assert_eq!((review.thread().id(), review.id()), ("thread-1", "turn-1"));
        assert!(wait!(review.run()).expect("a result").is_completed());
        assert_eq!(server.params("review/start")[0]["threadId"], "other");
    }

    fn lists_of_input_are_input() {
        let (server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["a"])]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let output = codex_appserver::protocol::TurnToolOutput::new("mail", "Subject: hi".to_owned());
        wait!(send!(thread.turn(Input::none()).tool_output(output)).expect("a turn").run()).expect("a result");
        assert_eq!(server.params("turn/start")[0]["input"], json!([]));
        assert_eq!(server.params("turn/start")[0]["toolOutput"]["output"], "Subject: hi");
    }

    fn thread_events_are_beside_those_of_turns() {
        let (_server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["a"])]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let mut events = thread.events();
        wait!(thread.run("go")).expect("a result");
        let mut methods = Vec::new();
        while let Some(event) = events.try_next() {
            if let Event::Notification(said) = event.expect("an event") {
                methods.push(said.notification.method().to_owned());
            }
        }
        assert!(methods.iter().any(|method| method == "thread/status/changed"), "{methods:?}");
        assert!(methods.iter().any(|method| method == "turn/completed"), "{methods:?}");
    }
}
