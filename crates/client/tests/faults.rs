//! What a server may do wrong: the call that it concerns fails, and all else goes on.

mod support;

both!(
    every_call_gets_its_own_answer_whatever_the_order,
    answers_that_come_twice_count_once,
    dropped_answers_time_out_and_the_others_go_on,
    late_answers_are_counted_and_harm_nobody,
    garbage_is_told_to_those_who_listen_to_all,
    half_a_line_at_the_end_is_told_before_the_end,
    a_last_line_without_its_break_counts,
    an_answer_that_is_too_long_fails_its_call_alone,
    a_notification_that_cannot_be_decoded_is_an_event,
    a_result_that_cannot_be_decoded_says_where_and_what,
    an_error_that_cannot_be_decoded_says_so,
    the_end_of_the_stream_ends_what_waits,
    a_peer_that_stops_reading_holds_up_nobody_for_ever,
    a_peer_that_stops_writing_lets_calls_time_out,
);

mod bodies {
    use std::time::Duration;

    use codex_appserver_client::{CloseReason, Error, Event, Filter, method};
    use codex_appserver_requests::ThreadReadParams;
    use codex_appserver_testkit::scripted::{Answer, Ended, Faults, Scenario, Step};
    use serde_json::{Value, json};

    use crate::support::{Api, Build, Kit, Listen, PATIENCE, method_of};

    /// For what is never answered. Answers that are given come long before.
    const SOON: Duration = Duration::from_secs(3);

    /// Makes so many calls, a few at a time, and gives what became of each.
    async fn echoes<K: Kit>(client: &K::Client, calls: u64) -> Vec<Result<Value, Error>> {
        const AT_ONCE: u64 = 20;
        let callers: Vec<_> = (0..AT_ONCE)
            .map(|caller| {
                let client = client.clone();
                K::spawn(async move {
                    let mut results = Vec::new();
                    for n in (caller..calls).step_by(AT_ONCE as usize) {
                        let result = client.call("echo", json!({"n": n})).await;
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

    pub async fn every_call_gets_its_own_answer_whatever_the_order<K: Kit>() {
        for seed in [1, 2, 3] {
            let all = Faults::seeded(seed).reorder(8).delay_up_to_ms(3).duplicate_every(7).split_writes(9);
            let (_server, client) = K::attach(K::builder().window(16), echo().faults(all)).await;
            let results = echoes::<K>(&client, 400).await;
            assert!(results.iter().all(Result::is_ok), "seed {seed}");
            assert_eq!((client.stats().answers, client.stats().unknown_answers), (401, 0));
        }
    }

    pub async fn answers_that_come_twice_count_once<K: Kit>() {
        let (_server, client) = K::start(echo().faults(Faults::seeded(1).duplicate_every(2))).await;
        echoes::<K>(&client, 100).await;
        // The answer to the last one comes after all that came twice.
        client.call("echo", json!({"last": true})).await.expect("an answer");
        let stats = client.stats();
        assert_eq!((stats.answers, stats.duplicate_answers, stats.late_answers), (102, 50, 0));
    }

    pub async fn dropped_answers_time_out_and_the_others_go_on<K: Kit>() {
        let faults = Faults::seeded(1).drop_every(10);
        let builder = K::builder().window(8).default_timeout(Some(SOON));
        let (server, client) = K::attach(builder, echo().faults(faults)).await;
        let results = echoes::<K>(&client, 45).await;
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

    pub async fn late_answers_are_counted_and_harm_nobody<K: Kit>() {
        let scenario = echo().answer("held", Answer::result(json!("late")).until("free"));
        let (_server, client) = K::attach(K::builder().window(1), scenario).await;
        let hasty = client.with_timeout(Some(Duration::from_millis(20)));
        for _ in 0..3 {
            let error = hasty.call("held", json!({})).await.expect_err("no answer");
            assert!(matches!(error, Error::TimedOut { .. }), "{error}");
        }
        for n in 0..3 {
            client.call("free", json!({})).await.expect("the place is free");
            assert_eq!(client.call("echo", json!(n)).await.expect("an answer"), n);
        }
        // They may come after the answers to what freed them.
        for _ in 0..1000 {
            if client.stats().late_answers < 3 {
                client.call("echo", json!({})).await.expect("an answer");
            }
        }
        let stats = client.stats();
        assert_eq!((stats.late_answers, stats.duplicate_answers, stats.unknown_answers), (3, 0, 0));
    }

    pub async fn garbage_is_told_to_those_who_listen_to_all<K: Kit>() {
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
        let (_server, client) = K::start(scenario).await;
        let (mut all, mut thread) = (client.events(Filter::All), client.events(Filter::thread("t")));
        client.call("go", json!({})).await.expect("an answer");
        // What answers nothing may have been about anything.
        assert_eq!(thread.methods_until("test/after").await.len(), 9);
        let told = all.methods_until("test/after").await;
        assert_eq!(told.len(), 9, "{told:?}");
        assert!(told[..8].iter().all(|told| told == "unreadable"), "{told:?}");
        assert_eq!(client.call("echo", json!(1)).await.expect("it lives"), 1);
        assert_eq!((client.stats().unreadable_lines, client.stats().unknown_answers), (8, 2));
    }

    pub async fn half_a_line_at_the_end_is_told_before_the_end<K: Kit>() {
        let then = [Step::Text("{\"method\":\"ha".into()), Step::Exit(0)];
        let (_server, client) = K::start(Scenario::new().answer("go", Answer::never().then(then))).await;
        let mut all = client.events(Filter::All);
        let error = client.call("go", json!({})).await.expect_err("it ends");
        assert!(matches!(error, Error::Closed(_)), "{error}");
        let Event::Unreadable(half) = all.event().await else { panic!("half a line") };
        assert_eq!((half.raw.as_str(), half.method), ("{\"method\":\"ha", None));
        assert!(matches!(all.next().await, Some(Err(Error::Closed(_)))));
        assert!(all.next().await.is_none());
    }

    pub async fn a_last_line_without_its_break_counts<K: Kit>() {
        let then = [Step::Text("{\"id\":2,\"result\":\"last words\"}".into()), Step::Exit(0)];
        let (_server, client) = K::start(Scenario::new().answer("go", Answer::never().then(then))).await;
        assert_eq!(client.call("go", json!({})).await.expect("an answer"), "last words");
    }

    pub async fn an_answer_that_is_too_long_fails_its_call_alone<K: Kit>() {
        let long = Answer::result(json!("x".repeat(200_000)));
        let scenario =
            echo().answer("long", long).answer("flood", Answer::never().then([Step::LongLine(5_000_000)]));
        let (_server, client) = K::attach(K::builder().line_limit(100_000), scenario).await;
        let mut all = client.events(Filter::All);
        let error = client.call("long", json!({})).await.expect_err("it is too long");
        let Error::Decode(decode) = &error else { panic!("{error}") };
        assert_eq!(decode.method(), Some("long"));
        assert!(error.to_string().contains("more than 100000 bytes"), "{error}");
        assert_eq!(method_of(&all.event().await), "unreadable");
        let lost = client.with_timeout(Some(Duration::from_millis(20))).call("flood", json!({})).await;
        assert!(lost.is_err());
        let Event::Unreadable(long) = all.event().await else { panic!("a long line") };
        assert!(long.raw.len() < 2000 && long.raw.contains("test/longLine"), "{}", long.raw);
        assert_eq!(client.call("echo", json!(1)).await.expect("it lives"), 1);
    }

    pub async fn a_notification_that_cannot_be_decoded_is_an_event<K: Kit>() {
        let wrong = json!({"threadId": "t", "turn": {"id": 7}});
        let then =
            [Step::notify("turn/started", wrong), Step::notify("test/after", json!({"threadId": "t"}))];
        let (_server, client) = K::start(echo().answer("go", Answer::result(json!({})).then(then))).await;
        let mut thread = client.events(Filter::thread("t"));
        client.call("go", json!({})).await.expect("an answer");
        let Event::Unreadable(event) = thread.event().await else { panic!("unreadable") };
        assert_eq!(event.method.as_deref(), Some("turn/started"));
        assert!(event.path.starts_with("params.turn"), "{event:?}");
        assert!(event.raw.contains("\"id\":7") && event.to_string().contains("turn/started"), "{event}");
        assert_eq!(method_of(&thread.event().await), "test/after");
        assert_eq!(client.stats().unreadable_lines, 0, "the line itself is fine");
    }

    pub async fn a_result_that_cannot_be_decoded_says_where_and_what<K: Kit>() {
        let scenario = echo().answer("thread/read", Answer::result(json!({"thread": {"id": [1]}})));
        let (_server, client) = K::start(scenario).await;
        let error = client.typed::<method::ThreadRead>(ThreadReadParams::new("t")).await;
        let Err(Error::Decode(error)) = error else { panic!("{error:?}") };
        assert_eq!(error.method(), Some("thread/read"));
        assert!(error.path().starts_with("result.thread"), "{}", error.path());
        assert_eq!(error.raw(), Some(r#"{"thread":{"id":[1]}}"#));
        // What these bindings cannot read can be read raw.
        let raw = client.call("thread/read", json!({"threadId": "t"})).await.expect("any JSON");
        assert_eq!(raw["thread"]["id"][0], 1);
    }

    pub async fn an_error_that_cannot_be_decoded_says_so<K: Kit>() {
        let then = [Step::Json(json!({"error": {"code": "high"}, "id": "$id"}))];
        let (_server, client) = K::start(Scenario::new().answer("go", Answer::never().then(then))).await;
        let Err(Error::Decode(error)) = client.call("go", json!({})).await else { panic!("no decode error") };
        assert_eq!((error.method(), error.raw()), (Some("go"), Some(r#"{"code":"high"}"#)));
    }

    pub async fn the_end_of_the_stream_ends_what_waits<K: Kit>() {
        let scenario = Scenario::new().default_answer(Answer::never());
        let (server, client) = K::attach(K::builder().window(2), scenario).await;
        let mut all = client.events(Filter::All);
        let calls: Vec<_> = (0..5)
            .map(|_| {
                let client = client.clone();
                K::spawn(async move { client.call("m", json!({})).await })
            })
            .collect();
        server.wait_for("m", 2, PATIENCE).expect("the window");
        server.play([Step::Exit(1)]);
        for call in calls {
            let error = call.await.expect_err("it ends");
            assert!(matches!(&error, Error::Closed(closed) if !closed.is_shutdown()), "{error}");
        }
        assert!(matches!(all.next().await, Some(Err(Error::Closed(_)))));
        assert!(all.next().await.is_none());
        let closed = client.wait_closed().await;
        assert!(matches!(closed.reason, CloseReason::EndOfStream), "{closed}");
        assert!(closed.status.is_none() && client.closed().is_some());
        assert!(matches!(client.call("late", json!({})).await, Err(Error::Closed(_))));
        assert!(matches!(client.notify("late", json!({})), Err(Error::Closed(_))));
        assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Exit(1));
    }

    pub async fn a_peer_that_stops_reading_holds_up_nobody_for_ever<K: Kit>() {
        let deaf = Answer::result(json!({})).then([Step::StopReading]);
        let (server, client) = K::attach(K::builder().window(4), Scenario::new().answer("deaf", deaf)).await;
        client.call("deaf", json!({})).await.expect("an answer");
        // More than any buffer between holds, so that the writer is stuck.
        let hasty = client.with_timeout(Some(Duration::from_millis(50)));
        for _ in 0..3 {
            let error = hasty.call("big", json!("x".repeat(4 << 20))).await.expect_err("no answer");
            assert!(matches!(error, Error::TimedOut { .. }), "{error}");
        }
        assert_eq!(client.stats().in_flight, 0);
        let (weak, mut all) = (client.weak(), client.events(Filter::All));
        drop((client, hasty));
        assert!(weak().is_none());
        assert!(all.next().await.is_none(), "it was dropped");
        drop(server);
    }

    pub async fn a_peer_that_stops_writing_lets_calls_time_out<K: Kit>() {
        let mute = Answer::result(json!({})).then([Step::StopWriting]);
        let (server, client) = K::start(Scenario::new().answer("mute", mute)).await;
        client.call("mute", json!({})).await.expect("an answer");
        let hasty = client.with_timeout(Some(Duration::from_millis(50)));
        assert!(matches!(hasty.call("m", json!({})).await, Err(Error::TimedOut { .. })));
        server.wait_for("m", 1, PATIENCE).expect("it was asked");
        client.shutdown().await;
        assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Eof);
    }
}
