//! Turns, their streams and their results.

use codex_appserver::generic::Codex;
use codex_appserver::protocol::{TurnStartParams, TurnStatus};
use codex_appserver::{Error, Event, EventSettings, Filter, Input, ServerNotification, image_url, text};
use codex_appserver_testkit::scripted::{Answer, Scenario, Step, Turn, TurnEnd};
use serde_json::json;

use crate::both;
use crate::scenarios::{completed, delta, playing, started, telling, turn};
use crate::support::{Kit, thread};

both!(
    a_turn_runs_to_its_result,
    a_stream_ends_with_the_turn,
    an_ended_stream_blocks_no_other_reader,
    a_stream_continues_where_the_last_stopped,
    there_is_one_stream_at_a_time,
    each_turn_has_its_own_events,
    a_failed_turn_is_a_value,
    events_right_after_the_answer_are_kept,
    a_review_belongs_to_its_review_thread,
    lists_of_input_are_input,
    thread_events_are_beside_those_of_turns,
    params_of_another_thread_move_the_turn,
    a_call_not_sent_keeps_no_events,
);

async fn a_turn_runs_to_its_result<R: Kit>() {
    let (server, codex) = R::start(playing([Turn::new(["Hello ", "there."])])).await;
    let thread = R::send(codex.thread_start().model("gpt-5.5")).await.expect("a thread");
    let turn = R::send(thread.turn([text("look"), image_url("https://a/b.png")]).effort("high"))
        .await
        .expect("a turn");
    let result = R::run_turn(&turn).await.expect("its result");
    assert_eq!((thread.id(), turn.id(), turn.thread().id()), ("thread-1", "turn-1", "thread-1"));
    assert_eq!((&*result.thread_id, &*result.turn_id, result.text()), ("thread-1", "turn-1", "Hello there."));
    assert_eq!(result.items.len(), 2, "what the user said, and what the agent said");
    assert_eq!(result.usage.as_ref().map(|usage| usage.total.total_tokens), Some(15));
    assert!(result.is_completed() && result.duration.is_some());
    assert_eq!(R::run_turn(&turn).await.expect("the same once more"), result);
    assert_eq!(turn.result().as_ref(), Some(&result));
    assert_eq!(server.params("thread/start"), [json!({"model": "gpt-5.5"})]);
    let sent = &server.params("turn/start")[0];
    assert_eq!((&sent["effort"], sent["input"].as_array().map(Vec::len)), (&json!("high"), Some(2)));
}

async fn a_stream_ends_with_the_turn<R: Kit>() {
    let (_server, thread) = thread::<R>(Codex::builder(), playing([Turn::new(["a", "b"])])).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    assert!(turn.result().is_none());
    let (mut stream, mut methods, mut said) = (turn.stream(), Vec::new(), String::new());
    while let Some(event) = R::next(&mut stream).await {
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
    assert!(R::next(&mut stream).await.is_none());
    assert_eq!(stream.result().expect("a result").text(), "ab");
    drop(stream);
    assert!(R::next(&mut turn.stream()).await.is_none(), "it is over for every other stream as well");
}

async fn an_ended_stream_blocks_no_other_reader<R: Kit>() {
    let (_server, thread) = thread::<R>(Codex::builder(), playing([Turn::new(["a"])])).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let mut events = turn.stream();
    while let Some(event) = R::next(&mut events).await {
        event.expect("an event");
    }
    // It is still there.
    assert_eq!(turn.result().expect("a result").text(), "a");
    assert_eq!(R::run_turn(&turn).await.expect("a result").text(), "a");
    assert_eq!(events.into_result().expect("a result").text(), "a");
}

async fn a_stream_continues_where_the_last_stopped<R: Kit>() {
    let (_server, thread) = thread::<R>(Codex::builder(), playing([Turn::new(["a", "b", "c"])])).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let mut said = String::new();
    // A stream of its own for each event.
    while let Some(event) = R::next(&mut turn.stream()).await {
        let event = event.expect("an event");
        if let Some(ServerNotification::ItemAgentMessageDelta(delta)) = event.notification() {
            said.push_str(&delta.delta);
        }
    }
    assert_eq!(said, "abc");
    assert_eq!(turn.result().expect("a result").text(), "abc");
}

async fn there_is_one_stream_at_a_time<R: Kit>() {
    let (_server, thread) = thread::<R>(Codex::builder(), playing([Turn::new(["a"])])).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let first = turn.stream();
    let mut second = turn.stream();
    let error = R::next(&mut second).await.expect("an error").expect_err("the other one reads");
    assert!(matches!(&error, Error::Followed { turn_id } if turn_id == "turn-1"), "{error}");
    assert!(R::next(&mut second).await.is_none());
    drop(second);
    drop(first);
    assert_eq!(R::run_turn(&turn).await.expect("no other stream reads").text(), "a");
}

async fn each_turn_has_its_own_events<R: Kit>() {
    let turns = (0..40).map(|n| Turn::new((0..20).map(|_| format!("{n} ")).collect::<Vec<_>>()).every_ms(1));
    let (_server, codex) = R::start(playing(turns)).await;
    let mut all = Vec::new();
    for _ in 0..10 {
        let thread = R::send(codex.thread_start()).await.expect("a thread");
        for _ in 0..4 {
            let turn = R::send(thread.turn("go")).await.expect("a turn");
            all.push((turn.id().to_owned(), R::spawn(async move { R::run_turn(&turn).await })));
        }
    }
    for (id, running) in all {
        let result = running.await.expect("its result");
        let n = id.strip_prefix("turn-").and_then(|n| n.parse::<usize>().ok()).expect("a number") - 1;
        assert_eq!((result.turn_id, result.final_text), (id, Some(format!("{n} ").repeat(20))));
        assert_eq!(result.items.len(), 2);
    }
}

async fn a_failed_turn_is_a_value<R: Kit>() {
    let (_server, thread) =
        thread::<R>(Codex::builder(), playing([Turn::new(["half"]).end(TurnEnd::Failed)])).await;
    let result = R::run_on(&thread, "go").await.expect("a value");
    assert!(!result.is_completed());
    assert_eq!(result.error.as_ref().map(|error| error.message.as_str()), Some("the scenario says so"));
    assert_eq!(result.text(), "half", "what was said before");
    let error = Error::from(result.into_result().expect_err("an error of it"));
    assert!(error.to_string().contains("failed: the scenario says so") && !error.is_retryable(), "{error}");
}

async fn events_right_after_the_answer_are_kept<R: Kit>() {
    let (_server, thread) =
        thread::<R>(Codex::builder(), telling([started(), delta("quick"), completed("completed")])).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    // All of it has come before the turn is read.
    while !turn.thread().codex().client().stats().notifications.eq(&4) {
        std::thread::yield_now();
    }
    assert_eq!(R::run_turn(&turn).await.expect("a result").text(), "quick");
}

async fn a_review_belongs_to_its_review_thread<R: Kit>() {
    let events = [completed("completed")];
    let answer = Answer::result(json!({"turn": turn("inProgress"), "reviewThreadId": "thread-1"}));
    let scenario = Scenario::new()
        .answer("thread/start", Answer::thread().times(1))
        .answer("review/start", answer.then(events));
    let (server, codex) = R::start(scenario).await;
    let thread = codex.thread("other");
    let target = codex_appserver::protocol::ReviewTarget::UncommittedChanges;
    let review = R::send(thread.review(target)).await.expect("a review");
    assert_eq!((review.thread().id(), review.id()), ("thread-1", "turn-1"));
    assert!(R::run_turn(&review).await.expect("a result").is_completed());
    assert_eq!(server.params("review/start")[0]["threadId"], "other");
}

async fn lists_of_input_are_input<R: Kit>() {
    let (server, thread) = thread::<R>(Codex::builder(), playing([Turn::new(["a"])])).await;
    let output = codex_appserver::protocol::TurnToolOutput::new("mail", "Subject: hi".to_owned());
    R::run_turn(&R::send(thread.turn(Input::none()).tool_output(output)).await.expect("a turn"))
        .await
        .expect("a result");
    assert_eq!(server.params("turn/start")[0]["input"], json!([]));
    assert_eq!(server.params("turn/start")[0]["toolOutput"]["output"], "Subject: hi");
}

async fn thread_events_are_beside_those_of_turns<R: Kit>() {
    let (_server, thread) = thread::<R>(Codex::builder(), playing([Turn::new(["a"])])).await;
    let mut events = thread.events();
    R::run_on(&thread, "go").await.expect("a result");
    let mut methods = Vec::new();
    while let Some(event) = events.try_next() {
        if let Event::Notification(said) = event.expect("an event") {
            methods.push(said.notification.method().to_owned());
        }
    }
    assert!(methods.iter().any(|method| method == "thread/status/changed"), "{methods:?}");
    assert!(methods.iter().any(|method| method == "turn/completed"), "{methods:?}");
}

/// A turn belongs to the params that its call is sent with.
async fn params_of_another_thread_move_the_turn<R: Kit>() {
    let (server, codex) = R::start(playing([Turn::new(["Hello"])])).await;
    let here = R::send(codex.thread_start()).await.expect("a thread");
    let there = R::send(codex.thread_start()).await.expect("a thread");
    let params = TurnStartParams::new(there.id(), Vec::from(Input::from("over there")));
    let turn = R::send(here.turn("here").with_params(params)).await.expect("it starts");
    assert_eq!(turn.thread().id(), there.id());
    assert_eq!(server.params("turn/start")[0]["threadId"], there.id());
    let result = R::run_turn(&turn).await.expect("its events arrive");
    assert_eq!((result.text(), &result.status), ("Hello", &TurnStatus::Completed));
}

async fn a_call_not_sent_keeps_no_events<R: Kit>() {
    let builder = Codex::builder().event_capacity(4096);
    let (server, codex) = R::attach(builder, playing([Turn::new(["Hello"])])).await;
    let thread = R::send(codex.thread_start()).await.expect("a thread");
    let call = thread.turn("later");
    let settings = EventSettings::default().methods(&["test/last"]);
    let mut events = codex.client().events_with(Filter::thread(thread.id()), settings);
    let delta = json!({"threadId": thread.id(), "turnId": "other", "itemId": "i", "delta": "x".repeat(100)});
    server.play([
        Step::flood(1000, "item/agentMessage/delta", delta),
        Step::notify("test/last", json!({"threadId": thread.id()})),
    ]);
    let last = loop {
        match events.try_next() {
            Some(event) => break event.expect("an event"),
            None => std::thread::yield_now(),
        }
    };
    assert!(matches!(last, Event::Notification(_)), "{last:?}");
    // A subscription from before the flood would have overrun.
    let turn = R::send(call).await.expect("it starts");
    assert_eq!(R::run_turn(&turn).await.expect("nothing was lost").text(), "Hello");
}
