//! A scripted server in process: answers, what follows them, and what it has seen.

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use codex_appserver_testkit::scripted::{
    Answer, Ask, Ended, OnEnd, Scenario, ScriptedServer, Step, Turn, TurnEnd,
};
use serde_json::{Value, json};
use support::{PATIENCE, request, start};

#[test]
fn without_a_word_all_is_answered_and_initialize_as_codex_does() {
    let (server, mut client) = start(Scenario::new());
    client.requests(1, &["initialize", "x/y"]);
    let hello = client.json();
    assert_eq!(hello["result"]["userAgent"], concat!("scripted/", env!("CARGO_PKG_VERSION"), " (test)"));
    assert!(hello["result"]["codexHome"].is_string() && hello["result"]["platformOs"].is_string(), "{hello}");
    assert_eq!(client.json(), json!({"id": 2, "result": {}}));
    client.write("{\"id\":\"s\\u0041\",\"method\":\"x\\/y\"}\r\n");
    assert_eq!(client.line(), r#"{"id":"s\u0041","result":{}}"#, "ids come back as they are written");
    assert_eq!((server.count("x/y"), server.report().pending), (2, 0));
}

#[test]
fn answers_are_results_errors_echoes_or_none() {
    let scenario = Scenario::new()
        .answer("r", Answer::result(json!({"n": "$count", "name": "thread-$count", "x": "$params.x.0"})))
        .answer("e", Answer::error(-32600, "no"))
        .answer("d", Answer::error_with(-32602, "no $params.x", json!({"id": "$id"})))
        .answer("echo", Answer::echo())
        .answer("never", Answer::never())
        .answer("null", Answer::result(Value::Null))
        .answer("list", Answer::result(json!(1)))
        .answer("list", Answer::result(json!(2)));
    let (server, mut client) = start(scenario);
    for id in [1, 2] {
        client.request(id, "r", json!({"x": [{"deep": true}]}));
        let result = json!({"n": id, "name": format!("thread-{id}"), "x": {"deep": true}});
        assert_eq!(client.json(), json!({"id": id, "result": result}));
    }
    client.request(3, "e", json!({}));
    assert_eq!(client.json(), json!({"id": 3, "error": {"code": -32600, "message": "no"}}));
    client.request(4, "d", json!({"x": "\"way\""}));
    let error = json!({"code": -32602, "message": "no \"way\"", "data": {"id": 4}});
    assert_eq!(client.json(), json!({"id": 4, "error": error}));
    client.request(5, "echo", json!({"a": [1.50, "\n"]}));
    assert_eq!(client.json(), json!({"id": 5, "result": {"a": [1.50, "\n"]}}));
    client.requests(6, &["never", "null", "list", "list", "list"]);
    let rest: Vec<Value> = client.jsons(4).iter().map(|line| line["result"].clone()).collect();
    assert_eq!(rest, [json!(null), json!(1), json!(2), json!(2)]);
    assert_eq!(server.report().pending, 1, "the one that is never answered");
}

#[test]
fn answers_come_late_twice_or_under_another_id() {
    let scenario = Scenario::new()
        .answer("late", Answer::result(json!("late")).delay_ms(30))
        .answer("twice", Answer::result(json!("twice")).times(2))
        .answer("other", Answer::result(json!("other")).under_id(json!("x-$id")))
        .answer("held", Answer::result(json!("held")).until("free"));
    let (server, mut client) = start(scenario);
    client.requests(1, &["late", "now", "twice", "other"]);
    let mut seen: Vec<Value> = client.jsons(5).iter().map(|line| line["id"].clone()).collect();
    assert_eq!(seen.pop(), Some(json!(1)), "the late one comes last");
    assert_eq!(seen, [json!(2), json!(3), json!(3), json!("x-4")]);
    assert_eq!(server.report().pending, 1, "the one with the other id");

    client.requests(5, &["held", "now"]);
    assert_eq!(client.ids(1), [6]);
    client.requests(7, &["free"]);
    assert_eq!(client.ids(2), [7, 5]);
    // The first of the other method came before: the second is waited for.
    client.requests(8, &["held", "free"]);
    assert_eq!(client.ids(2), [9, 8]);
}

#[test]
fn what_is_no_request_gets_no_answer() {
    let (server, mut client) = start(Scenario::new().line_limit(100));
    let long = "x".repeat(200);
    client.write(&format!("garbage\n\n[]\n{{}}\n{{\"id\":1.5,\"method\":\"m\"}}\n{long}\n"));
    client.write("{\"id\":1,\"method\":\"m\"}{\"id\":2,\"method\":\"m\"}\n{\"id\":3,\"method\":\"m\"}");
    client.close();
    assert_eq!(client.ids(1), [3], "the last line needs no break");
    assert_eq!(client.bytes(), None);
    let report = server.report();
    assert_eq!((report.lines, report.malformed, report.methods["m"]), (8, 7, 1));
    assert_eq!(report.ended, Some(Ended::Eof));
}

#[test]
fn raw_output_is_what_the_scenario_says() {
    let then = [
        Step::notify("a/b", json!({"n": "$count"})),
        Step::Json(json!({"plain": "$id"})),
        Step::line("[]"),
        Step::line(""),
        Step::Text("{\"half".to_owned()),
        Step::PauseMs(1),
        Step::Text("\":1}\n".to_owned()),
        Step::Bytes(vec![0xff, 0xfe, b'\n']),
        Step::LongLine(1_000_000),
        Step::flood(3, "f", json!({"i": "$i", "text": "no. $i"})),
        Step::CloseStdout,
    ];
    let (server, mut client) = start(Scenario::new().answer("go", Answer::result(json!(1)).then(then)));
    client.requests(1, &["go"]);
    assert_eq!(client.ids(1), [1]);
    let notification = json!({"method": "a/b", "params": {"n": 1}, "emittedAtMs": 1_800_000_000_000_u64});
    assert_eq!(client.json(), notification);
    assert_eq!(
        [client.line(), client.line(), client.line(), client.line()],
        [r#"{"plain":1}"#, "[]", "", r#"{"half":1}"#]
    );
    assert_eq!(client.bytes().as_deref(), Some(&[0xff, 0xfe, b'\n'][..]));
    let long = client.line();
    assert_eq!((long.len(), &long[..25]), (999_999, r#"{"method":"test/longLine""#));
    assert!(serde_json::from_str::<Value>(&long).is_ok());
    let texts: Vec<Value> = client.jsons(3).iter().map(|line| line["params"]["text"].clone()).collect();
    assert_eq!(texts, ["no. 0", "no. 1", "no. 2"]);
    assert_eq!(client.bytes(), None, "the output is closed");
    client.requests(2, &["still"]);
    server.wait_for("still", 1, PATIENCE).expect("the input is read on");
}

#[test]
fn the_server_asks_and_remembers_the_answers() {
    let ask = || Ask::new("ask/me", json!({"threadId": "$params.threadId"}));
    let then = [Step::Request(ask()), Step::Request(ask().resolved()), Step::notify("after", json!({}))];
    let (server, mut client) = start(Scenario::new().answer("go", Answer::result(json!({})).then(then)));
    client.request(7, "go", json!({"threadId": "$i \"quoted\""}));
    let lines = client.jsons(3);
    assert_eq!((&lines[1]["id"], &lines[2]["id"]), (&json!(0), &json!(1)));
    assert_eq!(lines[2]["params"]["threadId"], "$i \"quoted\"");
    client.write("{\"id\":9,\"result\":null}\n{\"id\":0,\"error\":{\"code\":1,\"message\":\"no\"}}\n");
    server.wait_for_answers(2, PATIENCE).expect("two answers");
    assert!(client.is_silent(), "the list did not wait");
    client.write("{\"id\":1,\"result\":{\"decision\":\"accept\"}}\n{\"id\":1,\"result\":{}}\n");
    let resolved = client.json();
    assert_eq!(resolved["method"], "serverRequest/resolved");
    assert_eq!(resolved["params"], json!({"threadId": "$i \"quoted\"", "requestId": 1}));
    assert_eq!(client.json()["method"], "after");
    server.wait_for_answers(4, PATIENCE).expect("four answers");
    let answers = server.answers();
    assert_eq!(
        (&answers[0].id, &answers[0].method, &answers[0].result),
        (&json!(9), &None, &Some(Value::Null))
    );
    assert_eq!(
        (answers[1].method.as_deref(), &answers[1].error.as_ref().expect("an error")["code"]),
        (Some("ask/me"), &json!(1))
    );
    assert_eq!(answers[2].result, Some(json!({"decision": "accept"})));
    assert_eq!(answers[3].method, None, "it was answered before");
}

#[test]
fn the_highest_number_of_open_requests_is_kept() {
    let (server, mut client) = start(Scenario::new().answer("held", Answer::result(json!({})).until("free")));
    client.requests(1, &["held"]);
    server.wait_for("held", 1, PATIENCE).expect("it came");
    client.requests(2, &["never mind"]);
    client.ids(1);
    assert_eq!(server.max_pending(), 2);
    client.requests(3, &["free"]);
    client.ids(2);
    for id in 5..50 {
        client.requests(id, &["one"]);
        client.ids(1);
    }
    assert_eq!((server.max_pending(), server.report().pending), (2, 0));
    let error = server.wait_for("one", 46, std::time::Duration::ZERO).expect_err("there were fewer");
    assert_eq!(error.to_string(), "see 46 messages `one` within 0ns; there were 45");
}

#[test]
fn lines_received_are_kept_up_to_a_limit() {
    let (server, mut client) = start(Scenario::new().keep(3));
    client.write("{\"method\":\"n\",\"params\":{\"a\":1}}\nno JSON\n");
    client.requests(1, &["a", "b"]);
    client.ids(2);
    assert_eq!(server.received().len(), 3);
    assert_eq!((&server.received()[0], &server.received()[2]["method"]), (&json!("no JSON"), &json!("b")));
    assert_eq!((server.params("n"), server.params("a")), (vec![], vec![json!({})]));
    assert_eq!((server.count("n"), server.report().lines), (1, 4));
}

#[test]
fn notifications_starts_and_tests_make_it_talk() {
    let scenario = Scenario::new().on_start([Step::line("first")]).on_notification(
        "initialized",
        [Step::notify("configWarning", json!({"n": "$count", "p": "$params.p"}))],
    );
    let (server, mut client) = start(scenario);
    assert_eq!(client.line(), "first");
    client.write("{\"method\":\"initialized\",\"params\":{\"p\":5}}\n");
    assert_eq!(client.json()["params"], json!({"n": 1, "p": 5}));
    server.play([Step::line("now")]);
    assert_eq!(client.line(), "now");
}

#[test]
fn turns_of_two_threads_interleave() {
    let scenario = Scenario::new()
        .answer("thread/start", Answer::thread())
        .answer("turn/start", Answer::turn(Turn::counting(2_000)));
    let (_server, mut client) = start(scenario);
    for thread in [1, 2] {
        client.request(thread, "thread/start", json!({}));
        let (answer, started) = (client.json(), client.json());
        assert_eq!(answer["result"]["thread"]["id"], format!("thread-{thread}"));
        assert_eq!(started["params"]["thread"]["id"], format!("thread-{thread}"));
    }
    let start = |id, thread| support::request(id, "turn/start", &json!({"threadId": thread, "input": []}));
    client.write(&(start(3, "thread-1") + &start(4, "thread-2")));
    let (mut switches, mut last, mut texts, mut done) =
        (0, Value::Null, [String::new(), String::new()], vec![]);
    while done.len() < 2 {
        let line = client.json();
        let params = &line["params"];
        let Some(thread) = params["threadId"].as_str() else { continue };
        let index = usize::from(thread == "thread-2");
        let turn = if params["turnId"].is_string() { &params["turnId"] } else { &params["turn"]["id"] };
        assert!(turn.is_null() || *turn == format!("turn-{}", index + 1), "{line}");
        switches += usize::from(last != params["threadId"]);
        last = params["threadId"].clone();
        match line["method"].as_str().expect("a method") {
            "item/agentMessage/delta" => texts[index] += params["delta"].as_str().expect("a delta"),
            "turn/completed" => {
                assert_eq!(params["turn"]["items"][0]["text"], texts[index]);
                done.push(thread.to_owned());
            }
            _ => {}
        }
    }
    assert!(switches > 100, "they take turns: {switches}");
    assert!(texts[0].starts_with("0 1 2 ") && texts[0].ends_with("1999 "), "{}", texts[0]);
}

#[test]
fn a_turn_can_be_interrupted() {
    let turn = Turn::new(["I take"]).end(TurnEnd::Interrupted);
    let (_server, mut client) = start(Scenario::new().answer("turn/start", Answer::turn(turn)));
    client.request(1, "turn/start", json!({"threadId": "t", "input": []}));
    while client.json()["method"] != "item/agentMessage/delta" {}
    assert!(client.is_silent());
    client.requests(2, &["turn/interrupt"]);
    let lines = client.jsons(3);
    assert_eq!((&lines[0]["id"], &lines[2]["params"]["turn"]["status"]), (&json!(2), &json!("interrupted")));
}

#[test]
fn it_ends_as_it_is_told_to() {
    let exits = |step: Step| Scenario::new().answer("go", Answer::result(json!({})).then([step]));
    for (step, ended) in [(Step::Exit(3), Ended::Exit(3)), (Step::Abort, Ended::Abort)] {
        let (server, mut client) = start(exits(step));
        client.requests(1, &["go"]);
        assert_eq!(client.ids(1), [1]);
        assert_eq!(client.bytes(), None);
        assert_eq!(server.wait_for_end(PATIENCE).expect("it ends"), ended);
    }

    let (server, mut client) = start(Scenario::new());
    server.close();
    assert_eq!(client.bytes(), None);
    while client.try_write("{}\n").is_ok() {}
    assert_eq!(server.wait_for_end(PATIENCE).expect("it ends"), Ended::Closed);

    let (server, mut client) = start(Scenario::new().on_eof(OnEnd::Ignore));
    client.close();
    assert!(client.is_silent());
    server.play([Step::line("still here")]);
    assert_eq!(client.line(), "still here");

    let flood = Step::flood(10_000, "f", json!({}));
    let (_server, mut client) = start(exits(flood).on_eof(OnEnd::Drain));
    client.requests(1, &["go"]);
    client.close();
    assert_eq!(std::iter::from_fn(|| client.bytes()).count(), 10_001);
}

#[test]
fn it_can_stop_reading_or_writing() {
    let (server, mut client) =
        start(Scenario::new().answer("mute", Answer::never().then([Step::StopWriting])));
    client.requests(1, &["mute"]);
    server.wait_for("mute", 1, PATIENCE).expect("it came");
    client.requests(2, &["x"]);
    server.wait_for("x", 1, PATIENCE).expect("it reads on");
    assert!(client.is_silent());

    let deaf = [Step::StopReading, Step::line("deaf")];
    let (server, mut client) = start(Scenario::new().answer("deaf", Answer::never().then(deaf)));
    client.requests(1, &["deaf"]);
    assert_eq!(client.line(), "deaf");
    client.requests(2, &["x"]);
    assert!(client.is_silent());
    assert_eq!((server.count("x"), server.report().ended), (0, None));
    // Nor does the server see that the client hangs up.
    client.close();
    assert!(client.is_silent());
}

#[test]
fn a_client_that_does_not_read_does_not_hold_up_the_end() {
    let flood = Step::flood(1 << 40, "f", json!({}));
    let (server, mut stdout, _stdin) =
        ScriptedServer::start(Scenario::new().on_start([flood])).expect("it starts");
    stdout.read_exact(&mut [0; 1000]).expect("it floods");
    // Hangs here if the server waited for its writer.
    drop(server);
}

#[test]
fn requests_are_read_while_no_answer_is_and_all_are_answered_in_order() {
    // All answers are more than a socket holds, those of a batch more than is written at a time.
    const REQUESTS: u64 = 20_000;
    const BATCH: u64 = 400;
    let (server, stdout, mut stdin) = ScriptedServer::start(Scenario::new()).expect("it starts");
    let (sender, done) = std::sync::mpsc::channel();
    // Where the server did not read on, this would wait forever.
    std::thread::spawn(move || {
        for first in (0..REQUESTS).step_by(BATCH as usize) {
            let requests: String = (first..first + BATCH).map(|id| request(id, "m", &json!({}))).collect();
            stdin.write_all(requests.as_bytes()).expect("the server reads");
            server.wait_for("m", first + BATCH, PATIENCE).expect("it reads on");
        }
        sender.send((server, stdin)).expect("the test waits");
    });
    let (_server, stdin) = done.recv_timeout(PATIENCE).expect("it reads on");
    drop(stdin);
    let answers = BufReader::new(stdout).lines().map(|line| line.expect("a line"));
    let expected = (0..REQUESTS).map(|id| format!(r#"{{"id":{id},"result":{{}}}}"#));
    assert!(answers.eq(expected));
}

#[cfg(unix)]
#[test]
fn the_ends_are_there_for_tokio() {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (server, stdout, mut stdin) = ScriptedServer::start_async(Scenario::new()).expect("it starts");
        stdin.write_all(b"{\"id\":1,\"method\":\"m\"}\n").await.expect("the server reads");
        let mut lines = BufReader::new(stdout).lines();
        let line = lines.next_line().await.expect("the server writes");
        assert_eq!(line.as_deref(), Some(r#"{"id":1,"result":{}}"#));
        drop(stdin);
        assert_eq!(lines.next_line().await.expect("a proper end"), None);
        assert_eq!(server.report().ended, Some(Ended::Eof));
    });
}
