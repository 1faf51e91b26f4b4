//! Requests of the server: open, answered, resolved, left to others.

use std::time::{Duration, Instant};

use super::{Alarm, Bench};
use codex_appserver_wire::RpcError;

use crate::core::Filter;
use crate::core::{Asked, requests::OPEN_LIMIT};
use crate::settings::{Settings, Unhandled};

fn ask(id: &str, params: &str) -> String {
    format!(r#"{{"method":"ask","id":{id},"params":{params}}}"#)
}

fn sharing() -> Bench {
    Bench::with(Settings { unhandled: Unhandled::LeaveToOthers, ..Settings::default() })
}

fn asked(bench: &mut Bench, id: &str, thread: &str) -> Asked {
    bench.line(&ask(id, &format!(r#"{{"threadId":"{thread}","turnId":"U"}}"#))).expect("a request")
}

fn ok() -> Result<String, RpcError> {
    Ok("{\n\"fine\":true}".into())
}

#[test]
fn a_request_is_answered_once_under_its_own_id() {
    let mut bench = Bench::new();
    let (number, text) = (asked(&mut bench, "0", "T"), asked(&mut bench, "\"a\\\"b\"", "T"));
    assert_eq!((number.method.as_str(), number.thread_id.as_deref()), ("ask", Some("T")));
    assert_eq!(number.turn_id.as_deref(), Some("U"));
    assert!(number.must_answer && bench.core.is_open(&number.ticket));
    assert!(bench.answer(&number, &ok()) && !bench.answer(&number, &ok()));
    assert!(bench.answer(&text, &Err(RpcError::new(-1, "no"))));
    assert_eq!(
        bench.bytes().lines().collect::<Vec<_>>(),
        [r#"{"id":0,"result":{ "fine":true}}"#, r#"{"id":"a\"b","error":{"code":-1,"message":"no"}}"#]
    );
    assert!(!bench.core.is_open(&number.ticket));
}

#[test]
fn a_request_that_is_told_again_is_not_asked_again() {
    let mut bench = Bench::new();
    let first = asked(&mut bench, "0", "T");
    assert!(bench.line(&ask("0", r#"{"threadId":"T"}"#)).is_none());
    assert!(bench.core.is_open(&first.ticket));
    // Once it is answered the id may come back for another request.
    assert!(bench.answer(&first, &ok()));
    let second = asked(&mut bench, "0", "T");
    assert!(!bench.answer(&first, &ok()), "the old one is over");
    assert!(bench.answer(&second, &ok()));
    assert_eq!(bench.sent().len(), 2);
}

#[test]
fn resolved_wakes_the_one_who_is_at_work_on_it() {
    let mut bench = Bench::new();
    let (one, two) = (asked(&mut bench, "7", "T"), asked(&mut bench, "8", "T"));
    let alarm = Alarm::new();
    assert!(bench.core.poll_resolved(&one.ticket, &alarm.waker).is_pending());
    bench.line(r#"{"method":"serverRequest/resolved","params":{"threadId":"T","requestId":7}}"#);
    assert_eq!(alarm.rings(), 1);
    assert!(bench.core.poll_resolved(&one.ticket, &alarm.waker).is_ready());
    assert!(!bench.answer(&one, &ok()));
    assert!(bench.core.is_open(&two.ticket));
    for params in [r#"{"requestId":99}"#, r#"{"requestId":"8"}"#, "{}", r#"{"requestId":[]}"#] {
        bench.line(&format!(r#"{{"method":"serverRequest/resolved","params":{params}}}"#));
    }
    assert!(bench.core.is_open(&two.ticket) && bench.sent().is_empty());
}

/// The server says nothing else about them.
#[test]
fn calls_of_tools_are_resolved_by_the_end_of_their_turn() {
    let mut bench = Bench::new();
    let call = |bench: &mut Bench, id: u32, method: &str, turn: &str| {
        let params =
            format!(r#"{{"threadId":"T","turnId":"{turn}","callId":"c","tool":"t","arguments":{{}}}}"#);
        let line = format!(r#"{{"method":"{method}","id":{id},"params":{params}}}"#);
        bench.line(&line).expect("a request")
    };
    let ended = call(&mut bench, 0, "item/tool/call", "U");
    let other = call(&mut bench, 1, "item/tool/call", "V");
    let question = call(&mut bench, 2, "item/tool/requestUserInput", "U");
    let alarm = Alarm::new();
    assert!(bench.core.poll_resolved(&ended.ticket, &alarm.waker).is_pending());
    for line in [
        r#"{"method":"turn/started","params":{"threadId":"T","turn":{"id":"U"}}}"#,
        r#"{"method":"turn/completed","params":{"threadId":"T"}}"#,
    ] {
        bench.line(line);
    }
    assert_eq!((alarm.rings(), bench.core.is_open(&ended.ticket)), (0, true));
    bench.line(r#"{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"U"}}}"#);
    assert_eq!((alarm.rings(), bench.core.is_open(&ended.ticket)), (1, false));
    assert!(!bench.answer(&ended, &ok()) && bench.sent().is_empty(), "a late answer is not sent");
    assert!(bench.core.is_open(&other.ticket) && bench.core.is_open(&question.ticket));
}

#[test]
fn more_open_requests_than_anybody_can_see_are_declined() {
    let mut bench = Bench::new();
    let open: Vec<Asked> = (0..OPEN_LIMIT).map(|id| asked(&mut bench, &id.to_string(), "T")).collect();
    assert!(bench.line(&ask("5000", "{}")).is_none());
    let sent = bench.sent();
    assert_eq!((&sent[0]["id"], &sent[0]["error"]["code"]), (&5000.into(), &(-32001).into()));
    assert!(bench.line(&ask("3", "{}")).is_none(), "an open one that is told again is not declined");
    assert!(bench.sent().is_empty());
    assert!(bench.answer(&open[9], &ok()));
    asked(&mut bench, "5001", "T");
}

#[test]
fn a_watcher_does_not_decline_for_others_however_many_are_open() {
    let mut bench = sharing();
    (0..OPEN_LIMIT).for_each(|id| drop(asked(&mut bench, &id.to_string(), "theirs")));
    assert!(bench.line(&ask("5000", r#"{"threadId":"theirs"}"#)).is_none());
    assert!(bench.sent().is_empty(), "somebody else answers");
}

#[test]
fn requests_about_threads_of_others_are_left_to_them() {
    let mut bench = sharing();
    let theirs = asked(&mut bench, "0", "theirs");
    assert!(!theirs.must_answer);
    let alarm = Alarm::new();
    assert!(bench.core.poll_resolved(&theirs.ticket, &alarm.waker).is_pending());
    bench.act(|core, wakes| core.leave(&theirs, Instant::now(), wakes));
    assert_eq!(alarm.rings(), 1);
    assert!(!bench.answer(&theirs, &ok()) && bench.sent().is_empty());
    // On a connection of one's own there are no others.
    assert!(asked(&mut Bench::new(), "0", "theirs").must_answer);
}

#[test]
fn own_threads_are_those_that_this_client_started_with_their_sub_agents() {
    let mut bench = sharing();
    let results = [
        ("thread/start", r#"{"thread":{"id":"started"}}"#),
        ("thread/fork", r#"{"thread":{"id":"forked"},"model":"m"}"#),
        ("review/start", r#"{"turn":{"id":"V"},"reviewThreadId":"review"}"#),
        ("thread/resume", r#"{"thread":{"id":"resumed"}}"#),
    ];
    for (method, result) in results {
        let id = bench.begin(method);
        bench.line(&format!(r#"{{"id":{id},"result":{result}}}"#));
    }
    for (child, parent) in [("agent", "started"), ("agent of agent", "agent"), ("stranger", "theirs")] {
        let thread = format!(r#"{{"id":"{child}","parentThreadId":"{parent}"}}"#);
        bench.line(&format!(r#"{{"method":"thread/started","params":{{"thread":{thread}}}}}"#));
    }
    let mut must = |id: &str, thread: &str| asked(&mut bench, id, thread).must_answer;
    for (id, own) in ["started", "forked", "review", "agent", "agent of agent"].iter().enumerate() {
        assert!(must(&id.to_string(), own), "{own}");
    }
    for (id, other) in ["resumed", "stranger", "theirs"].iter().enumerate() {
        assert!(!must(&format!("\"{id}\""), other), "{other}");
    }
    bench.line(r#"{"method":"thread/deleted","params":{"threadId":"forked"}}"#);
    assert!(!asked(&mut bench, "99", "forked").must_answer);
}

#[test]
fn an_error_starts_no_thread() {
    let mut bench = sharing();
    let id = bench.begin("thread/start");
    bench.line(&format!(
        r#"{{"id":{id},"error":{{"code":1,"message":"","data":{{"thread":{{"id":"T"}}}}}}}}"#
    ));
    assert!(!asked(&mut bench, "0", "T").must_answer);
}

#[test]
fn a_stopped_client_is_asked_nothing_but_hears_of_it() {
    let mut bench = Bench::new();
    let all = bench.subscribe(Filter::All);
    let open = asked(&mut bench, "0", "T");
    bench.act(crate::core::Core::stop);
    assert!(!bench.answer(&open, &ok()));
    assert!(bench.line(&ask("1", "{}")).is_none());
    assert_eq!(bench.drain(all), ["ask", "ask"]);
}

#[test]
fn the_requests_of_a_turn_that_this_client_started_are_its_own() {
    let mut bench = sharing();
    let id = bench.begin("turn/start");
    bench.line(&format!(r#"{{"id":{id},"result":{{"turn":{{"id":"mine"}}}}}}"#));
    let mut must = |id: u32, turn: &str| {
        let params = format!(r#"{{"threadId":"resumed","turnId":"{turn}"}}"#);
        let asked = bench.line(&format!(r#"{{"method":"ask","id":{id},"params":{params}}}"#));
        asked.expect("a request for the handlers").must_answer
    };
    assert!(must(0, "mine"));
    assert!(!must(1, "theirs"));
}

/// Every turn names a root: itself, unless it is part of another.
#[test]
fn to_do_something_on_a_thread_of_others_does_not_make_it_ones_own() {
    let mut bench = sharing();
    for (method, result) in [
        ("thread/resume", r#"{"thread":{"id":"theirs"}}"#),
        ("turn/start", r#"{"turn":{"id":"mine"}}"#),
        ("turn/start", r#"{"turn":{"id":"guest"}}"#),
        ("review/start", r#"{"turn":{"id":"review"},"reviewThreadId":"theirs"}"#),
    ] {
        let id = bench.begin(method);
        bench.line(&format!(r#"{{"id":{id},"result":{result}}}"#));
    }
    let turns = [
        ("theirs", "mine", "mine"),
        ("not even resumed", "guest", "guest"),
        ("theirs", "reviewing", "review"),
        ("agent", "helping", "mine"),
    ];
    for (thread, turn, root) in turns {
        let turn = format!(r#"{{"id":"{turn}","rootTurnId":"{root}"}}"#);
        bench.line(&format!(
            r#"{{"method":"turn/started","params":{{"threadId":"{thread}","turn":{turn}}}}}"#
        ));
    }
    let mut must = |id: u32, thread: &str, turn: &str| {
        let params = format!(r#"{{"threadId":"{thread}","turnId":"{turn}"}}"#);
        let asked = bench.line(&format!(r#"{{"method":"ask","id":{id},"params":{params}}}"#));
        asked.expect("a request for the handlers").must_answer
    };
    for (id, turn) in (0..).zip(["mine", "review", "reviewing"]) {
        assert!(must(id, "theirs", turn), "{turn}");
    }
    assert!(must(7, "agent", "helping") && must(8, "agent", "of which nothing was heard"));
    for (id, thread) in (9..).zip(["theirs", "not even resumed"]) {
        assert!(!must(id, thread, "another"), "{thread}");
    }
}

#[test]
fn a_server_that_asks_and_does_not_read_is_given_up() {
    let mut bench = Bench::new();
    let long = "x".repeat(1 << 20);
    let mut asked = 0;
    while bench.core.failure().is_none() {
        asked += 1;
        assert!(asked < 1000, "what waits to be written grows without end");
        let request = bench.line(&format!(r#"{{"method":"ask","id":"{asked}{long}"}}"#)).expect("a request");
        bench.act(|core, wakes| core.answer(&request.ticket, &Ok("{}".into()), Instant::now(), wakes));
    }
}

#[test]
fn everyone_who_waits_for_the_end_of_a_request_is_woken() {
    let mut bench = Bench::new();
    let request = asked(&mut bench, "0", "T");
    let (one, two) = (Alarm::new(), Alarm::new());
    for alarm in [&one, &two, &one] {
        assert!(bench.core.poll_resolved(&request.ticket, &alarm.waker).is_pending());
    }
    assert!(bench.act(|core, wakes| core.answer(&request.ticket, &ok(), Instant::now(), wakes)));
    assert_eq!((one.rings(), two.rings()), (1, 1));
}

#[test]
fn waits_are_summed_up_by_thread() {
    let mut bench = Bench::new();
    let start = bench.now;
    let of = |bench: &Bench, threads: &[&str], since: u64| {
        let waits = bench.core.waits(threads, start + Duration::from_secs(since), bench.now);
        let ended_at = waits.ended_at.map(|at| (at - start).as_secs());
        (waits.is_open, ended_at, waits.total.as_secs())
    };
    bench.pass(1);
    let first = bench.receive(ask("0", r#"{"threadId":"T","turnId":"U"}"#).as_bytes()).expect("a request");
    bench.pass(2);
    let second = bench.receive(ask("1", r#"{"threadId":"C"}"#).as_bytes()).expect("a request");
    bench.receive(ask("2", "{}").as_bytes()).expect("a request about no thread");
    bench.pass(3);
    assert!(bench.answer(&first, &ok()));
    assert_eq!(of(&bench, &["T"], 0), (false, Some(6), 5));
    assert_eq!(of(&bench, &["C"], 0), (true, None, 3));
    assert_eq!(of(&bench, &["T", "C"], 0), (true, None, 5), "both wait from 3 to 6");
    assert_eq!(of(&bench, &["X"], 0), (false, None, 0));
    bench.pass(4);
    bench.line(r#"{"method":"serverRequest/resolved","params":{"threadId":"C","requestId":1}}"#);
    bench.pass(5);
    assert_eq!(of(&bench, &["T", "C"], 0), (false, Some(10), 9));
    assert_eq!(of(&bench, &["T", "C"], 8), (false, Some(10), 2), "only since then");
    assert_eq!(of(&bench, &["T", "C"], 11), (false, None, 0));
    assert!(!bench.answer(&second, &ok()), "it was resolved");
}

#[test]
fn what_was_left_can_be_offered_again_until_it_is_resolved() {
    let mut bench = Bench::with(Settings { unhandled: Unhandled::LeaveToOthers, ..Settings::default() });
    let ask = |bench: &mut Bench, id: &str, turn: &str| {
        let line = format!(r#"{{"method":"q","id":"{id}","params":{{"threadId":"T","turnId":"{turn}"}}}}"#);
        bench.line(&line)
    };
    for (id, turn) in [("one", "U"), ("two", "U"), ("three", "V"), ("four", "U"), ("five", "U")] {
        let asked = ask(&mut bench, id, turn).expect("a request");
        bench.act(|core, wakes| core.leave(&asked, Instant::now(), wakes));
    }
    // It is offered only if that is wanted.
    assert!(bench.core.take_offered(Instant::now()).is_empty());
    bench.line(r#"{"method":"serverRequest/resolved","params":{"threadId":"T","requestId":"two"}}"#);
    bench.line(
        r#"{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"V","status":"completed"}}}"#,
    );
    let again = ask(&mut bench, "four", "U").expect("told again");
    bench.act(|core, wakes| core.offer_left(wakes));
    let mut offered = bench.core.take_offered(Instant::now());
    offered.sort_by_key(|asked| asked.ticket.id.to_string());
    let ids: Vec<_> = offered.iter().map(|asked| asked.ticket.id.to_string()).collect();
    assert_eq!(ids, ["five", "one"]);
    assert!(offered.iter().all(|asked| bench.core.is_open(&asked.ticket) && asked.line.contains("threadId")));
    assert!(bench.core.is_open(&again.ticket));
    assert!(bench.answer(&offered[1], &Ok("{}".into())));
    // It is offered once, unless it is left again.
    bench.act(|core, wakes| core.offer_left(wakes));
    assert!(bench.core.take_offered(Instant::now()).is_empty());
    bench.act(|core, wakes| core.leave(&offered[0], Instant::now(), wakes));
    bench.act(|core, wakes| core.offer_left(wakes));
    assert_eq!(bench.core.take_offered(Instant::now()).len(), 1);
}

#[test]
fn what_is_left_after_an_offer_is_offered_at_once() {
    let mut bench = Bench::with(Settings { unhandled: Unhandled::LeaveToOthers, ..Settings::default() });
    let asked = bench.line(r#"{"method":"q","id":"one","params":{"threadId":"T"}}"#).expect("a request");
    bench.act(|core, wakes| core.offer_left(wakes));
    assert!(bench.core.take_offered(Instant::now()).is_empty(), "its handler is still at it");
    bench.act(|core, wakes| core.leave(&asked, Instant::now(), wakes));
    let offered = bench.core.take_offered(Instant::now());
    assert_eq!(offered.len(), 1);
    bench.act(|core, wakes| core.leave(&offered[0], Instant::now(), wakes));
    assert!(bench.core.take_offered(Instant::now()).is_empty(), "once for each offer");
}
