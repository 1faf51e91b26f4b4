//! What a server may do wrong: the call that it concerns fails, and all else goes on.

mod support;

use std::time::Duration;

use codex_appserver_client::generic::Client;
use codex_appserver_client::{CloseReason, Error, Event, Filter, method};
use codex_appserver_requests::ThreadReadParams;
use codex_appserver_testkit::scripted::{Answer, Ended, Faults, Scenario, Step};
use serde_json::{Value, json};

use crate::support::{Kit, PATIENCE, event, method_of, methods_until};

both!(
    every_call_gets_its_answer_in_any_order,
    answers_that_come_twice_count_once,
    dropped_answers_time_out_alone,
    late_answers_are_only_counted,
    garbage_lines_are_events_for_all_subscribers,
    half_a_last_line_is_an_event,
    a_last_line_without_its_break_counts,
    a_too_long_answer_fails_only_its_call,
    an_unreadable_notification_is_an_event,
    an_unreadable_result_says_where_and_what,
    an_unreadable_error_says_so,
    the_end_of_the_stream_ends_what_waits,
    calls_time_out_if_the_peer_stops_reading,
    calls_time_out_if_the_peer_stops_writing,
);

/// For what is never answered. Answers that are given come long before.
const SOON: Duration = Duration::from_secs(3);

/// Makes so many calls, a few at a time, and gives what became of each.
async fn echoes<R: Kit>(client: &Client<R>, calls: u64) -> Vec<Result<Value, Error>> {
    const AT_ONCE: u64 = 20;
    let callers: Vec<_> = (0..AT_ONCE)
        .map(|caller| {
            let client = client.clone();
            R::spawn(async move {
                let mut results = Vec::new();
                for n in (caller..calls).step_by(AT_ONCE as usize) {
                    let result = R::call(&client, "echo", json!({"n": n})).await;
                    assert!(result.as_ref().is_ok_and(|echo| echo["n"] == n) || result.is_err());
                    results.push(result);
                }
                results
            })
        })
        .collect();
    let mut results = Vec::new();
    for caller in callers {
        results.extend(caller.await);
    }
    results
}

fn echo() -> Scenario {
    Scenario::new().answer("echo", Answer::echo())
}

async fn every_call_gets_its_answer_in_any_order<R: Kit>() {
    for seed in [1, 2, 3] {
        let all = Faults::seeded(seed).reorder(8).delay_up_to_ms(3).duplicate_every(7).split_writes(9);
        let (_server, client) = R::attach(Client::builder().window(16), echo().faults(all)).await;
        let results = echoes::<R>(&client, 400).await;
        assert!(results.iter().all(Result::is_ok), "seed {seed}");
        assert_eq!((client.stats().answers, client.stats().unknown_answers), (401, 0));
    }
}

async fn answers_that_come_twice_count_once<R: Kit>() {
    let (_server, client) = R::start(echo().faults(Faults::seeded(1).duplicate_every(2))).await;
    echoes::<R>(&client, 100).await;
    // The answer to the last one comes after all that came twice.
    R::call(&client, "echo", json!({"last": true})).await.expect("an answer");
    let stats = client.stats();
    assert_eq!((stats.answers, stats.duplicate_answers, stats.late_answers), (102, 50, 0));
}

async fn dropped_answers_time_out_alone<R: Kit>() {
    let faults = Faults::seeded(1).drop_every(10);
    let builder = Client::<R>::builder().window(8).default_timeout(SOON);
    let (server, client) = R::attach(builder, echo().faults(faults)).await;
    let results = echoes::<R>(&client, 45).await;
    let lost: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert_eq!((results.len(), lost.len()), (45, 4), "{lost:?}");
    for error in lost {
        let Error::TimedOut { method, after } = error else { panic!("{error}") };
        assert_eq!((method.as_str(), *after), ("echo", SOON));
        assert!(error.to_string().contains("`echo`") && !error.is_retryable(), "{error}");
    }
    let stats = client.stats();
    assert_eq!((stats.in_flight, stats.queued, stats.answers), (0, 0, 42));
    assert_eq!(server.report().pending, 4);
}

async fn late_answers_are_only_counted<R: Kit>() {
    let scenario = echo().answer("held", Answer::result(json!("late")).until("free"));
    let (_server, client) = R::attach(Client::builder().window(1), scenario).await;
    let hasty = client.with_timeout(Duration::from_millis(20));
    for _ in 0..3 {
        let error = R::call(&hasty, "held", json!({})).await.expect_err("no answer");
        assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    }
    for n in 0..3 {
        R::call(&client, "free", json!({})).await.expect("the place is free");
        assert_eq!(R::call(&client, "echo", json!(n)).await.expect("an answer"), n);
    }
    // They may come after the answers to what freed them.
    for _ in 0..1000 {
        if client.stats().late_answers < 3 {
            R::call(&client, "echo", json!({})).await.expect("an answer");
        }
    }
    let stats = client.stats();
    assert_eq!((stats.late_answers, stats.duplicate_answers, stats.unknown_answers), (3, 0, 0));
}

async fn garbage_lines_are_events_for_all_subscribers<R: Kit>() {
    let garbage = [
        Step::line("garbage"),
        Step::line("[]"),
        Step::line("{}"),
        Step::line("7"),
        Step::line(r#"{"method":"a"}{"method":"b"}"#),
        Step::line(r#"{"method":"a","params":{"#),
        Step::Bytes(b"{\"method\":\"\xff\xfe\"}\n".to_vec()),
        Step::Bytes(vec![0, 0x1b, b'[', b'2', b'J', b'\n']),
        Step::line(r#"{"id":99,"result":{}}"#),
        Step::line(r#"{"id":"me","error":{"code":1,"message":""}}"#),
        Step::notify("test/after", json!({"threadId": "t"})),
    ];
    let scenario = echo().answer("go", Answer::result(json!({})).then(garbage));
    let (_server, client) = R::start(scenario).await;
    let (mut all, mut thread) = (client.events(Filter::All), client.events(Filter::thread("t")));
    R::call(&client, "go", json!({})).await.expect("an answer");
    // What answers nothing may have been about anything.
    assert_eq!(methods_until(&mut thread, "test/after").await.len(), 9);
    let told = methods_until(&mut all, "test/after").await;
    assert_eq!(told.len(), 9, "{told:?}");
    assert!(told[..8].iter().all(|told| told == "unreadable"), "{told:?}");
    assert_eq!(R::call(&client, "echo", json!(1)).await.expect("it lives"), 1);
    assert_eq!((client.stats().unreadable_lines, client.stats().unknown_answers), (8, 2));
}

async fn half_a_last_line_is_an_event<R: Kit>() {
    let then = [Step::Text("{\"method\":\"ha".into()), Step::Exit(0)];
    let (_server, client) = R::start(Scenario::new().answer("go", Answer::never().then(then))).await;
    let mut all = client.events(Filter::All);
    let error = R::call(&client, "go", json!({})).await.expect_err("it ends");
    assert!(matches!(error, Error::Closed(_)), "{error}");
    let Event::Unreadable(half) = event(&mut all).await else { panic!("half a line") };
    assert_eq!((half.raw.as_str(), half.method), ("{\"method\":\"ha", None));
    assert!(matches!(R::next(&mut all).await, Some(Err(Error::Closed(_)))));
    assert!(R::next(&mut all).await.is_none());
}

async fn a_last_line_without_its_break_counts<R: Kit>() {
    let then = [Step::Text("{\"id\":2,\"result\":\"last words\"}".into()), Step::Exit(0)];
    let (_server, client) = R::start(Scenario::new().answer("go", Answer::never().then(then))).await;
    assert_eq!(R::call(&client, "go", json!({})).await.expect("an answer"), "last words");
}

async fn a_too_long_answer_fails_only_its_call<R: Kit>() {
    let long = Answer::result(json!("x".repeat(200_000)));
    let scenario =
        echo().answer("long", long).answer("flood", Answer::never().then([Step::LongLine(5_000_000)]));
    let (_server, client) = R::attach(Client::builder().line_limit(100_000), scenario).await;
    let mut all = client.events(Filter::All);
    let error = R::call(&client, "long", json!({})).await.expect_err("it is too long");
    let Error::Decode(decode) = &error else { panic!("{error}") };
    assert_eq!(decode.method(), Some("long"));
    assert!(error.to_string().contains("more than 100000 bytes"), "{error}");
    assert_eq!(method_of(&event(&mut all).await), "unreadable");
    let hasty = client.with_timeout(Duration::from_millis(20));
    let lost = R::call(&hasty, "flood", json!({})).await;
    assert!(lost.is_err());
    let Event::Unreadable(long) = event(&mut all).await else { panic!("a long line") };
    assert!(long.raw.len() < 2000 && long.raw.contains("test/longLine"), "{}", long.raw);
    assert_eq!(R::call(&client, "echo", json!(1)).await.expect("it lives"), 1);
}

async fn an_unreadable_notification_is_an_event<R: Kit>() {
    let wrong = json!({"threadId": "t", "turn": {"id": 7}});
    let then = [Step::notify("turn/started", wrong), Step::notify("test/after", json!({"threadId": "t"}))];
    let (_server, client) = R::start(echo().answer("go", Answer::result(json!({})).then(then))).await;
    let mut thread = client.events(Filter::thread("t"));
    R::call(&client, "go", json!({})).await.expect("an answer");
    let Event::Unreadable(unreadable) = event(&mut thread).await else { panic!("unreadable") };
    assert_eq!(unreadable.method.as_deref(), Some("turn/started"));
    assert!(unreadable.path.starts_with("params.turn"), "{unreadable:?}");
    assert!(
        unreadable.raw.contains("\"id\":7") && unreadable.to_string().contains("turn/started"),
        "{unreadable}"
    );
    assert_eq!(method_of(&event(&mut thread).await), "test/after");
    assert_eq!(client.stats().unreadable_lines, 0, "the line itself is fine");
}

async fn an_unreadable_result_says_where_and_what<R: Kit>() {
    let scenario = echo().answer("thread/read", Answer::result(json!({"thread": {"id": [1]}})));
    let (_server, client) = R::start(scenario).await;
    let error = R::request::<method::ThreadRead>(&client, ThreadReadParams::new("t")).await;
    let Err(Error::Decode(error)) = error else { panic!("{error:?}") };
    assert_eq!(error.method(), Some("thread/read"));
    assert!(error.path().starts_with("result.thread"), "{}", error.path());
    assert_eq!(error.raw(), Some(r#"{"thread":{"id":[1]}}"#));
    // What these bindings cannot read can be read raw.
    let raw = R::call(&client, "thread/read", json!({"threadId": "t"})).await.expect("any JSON");
    assert_eq!(raw["thread"]["id"][0], 1);
}

async fn an_unreadable_error_says_so<R: Kit>() {
    let then = [Step::Json(json!({"error": {"code": "high"}, "id": "$id"}))];
    let (_server, client) = R::start(Scenario::new().answer("go", Answer::never().then(then))).await;
    let Err(Error::Decode(error)) = R::call(&client, "go", json!({})).await else {
        panic!("no decode error")
    };
    assert_eq!((error.method(), error.raw()), (Some("go"), Some(r#"{"code":"high"}"#)));
}

async fn the_end_of_the_stream_ends_what_waits<R: Kit>() {
    let scenario = Scenario::new().default_answer(Answer::never());
    let (server, client) = R::attach(Client::builder().window(2), scenario).await;
    let mut all = client.events(Filter::All);
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let client = client.clone();
            R::spawn(async move { R::call(&client, "m", json!({})).await })
        })
        .collect();
    server.wait_for("m", 2, PATIENCE).expect("the window");
    server.play([Step::Exit(1)]);
    for call in calls {
        let error = call.await.expect_err("it ends");
        assert!(matches!(&error, Error::Closed(closed) if !closed.is_shutdown()), "{error}");
    }
    assert!(matches!(R::next(&mut all).await, Some(Err(Error::Closed(_)))));
    assert!(R::next(&mut all).await.is_none());
    let closed = R::wait_closed(&client).await;
    assert!(matches!(closed.reason, CloseReason::EndOfStream), "{closed}");
    assert!(closed.status.is_none() && client.closed().is_some());
    assert!(matches!(R::call(&client, "late", json!({})).await, Err(Error::Closed(_))));
    assert!(matches!(client.notify_raw("late", json!({})), Err(Error::Closed(_))));
    assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Exit(1));
}

async fn calls_time_out_if_the_peer_stops_reading<R: Kit>() {
    let deaf = Answer::result(json!({})).then([Step::StopReading]);
    let (server, client) = R::attach(Client::builder().window(4), Scenario::new().answer("deaf", deaf)).await;
    R::call(&client, "deaf", json!({})).await.expect("an answer");
    // More than any buffer between holds, so that the writer is stuck.
    let hasty = client.with_timeout(Duration::from_millis(50));
    for _ in 0..3 {
        let error = R::call(&hasty, "big", json!("x".repeat(4 << 20))).await.expect_err("no answer");
        assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    }
    assert_eq!(client.stats().in_flight, 0);
    let (weak, mut all) = (client.downgrade(), client.events(Filter::All));
    drop((client, hasty));
    assert!(weak.upgrade().is_none());
    assert!(R::next(&mut all).await.is_none(), "it was dropped");
    drop(server);
}

async fn calls_time_out_if_the_peer_stops_writing<R: Kit>() {
    let mute = Answer::result(json!({})).then([Step::StopWriting]);
    let (server, client) = R::start(Scenario::new().answer("mute", mute)).await;
    R::call(&client, "mute", json!({})).await.expect("an answer");
    let hasty = client.with_timeout(Duration::from_millis(50));
    assert!(matches!(R::call(&hasty, "m", json!({})).await, Err(Error::TimedOut { .. })));
    server.wait_for("m", 1, PATIENCE).expect("it was asked");
    R::shutdown(&client).await;
    assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Eof);
}
