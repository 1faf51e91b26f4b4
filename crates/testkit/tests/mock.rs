//! The mock of the model, asked by a client that knows nothing but TCP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use codex_appserver_testkit::{Gate, MockModel, Reply, Usage};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

/// Posts a body and reads until the connection ends: the whole answer as it came.
fn post(address: SocketAddr, path: &str, body: &str) -> String {
    let mut socket = send(address, path, body);
    let mut answer = Vec::new();
    // A broken connection ends the answer as well.
    let _ = socket.read_to_end(&mut answer);
    String::from_utf8(answer).expect("the answer is text")
}

fn send(address: SocketAddr, path: &str, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).expect("the mock listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let head = format!("POST {path} HTTP/1.1\r\nHost: mock\r\nConnection: close\r\nX-Thread: t-1\r\n");
    write!(socket, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("the mock reads");
    socket
}

fn ask(model: &MockModel) -> String {
    post(model.address(), "/v1/responses", "{}")
}

/// The events of an answer. Every event is one chunk, so none is torn.
fn events(answer: &str) -> Vec<Value> {
    let data = answer.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|event| serde_json::from_str(event).expect("an event is JSON")).collect()
}

fn types(answer: &str) -> Vec<String> {
    events(answer).iter().map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
}

/// A chunked body that ends as HTTP wants it to.
fn is_whole(answer: &str) -> bool {
    answer.ends_with("\r\n0\r\n\r\n")
}

#[test]
fn a_text_comes_in_the_deltas_that_were_asked_for() {
    let usage = Usage { input: 100, cached_input: 40, output: 7, reasoning_output: 3 };
    let reply = Reply::text_chunks(["Hel", "lo\n", "\u{1f600}"]).usage(usage);
    let model = MockModel::scripted([reply]).expect("it starts");
    let answer = ask(&model);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-type: text/event-stream"), "{answer}");
    assert!(is_whole(&answer), "{answer}");
    let events = events(&answer);
    let deltas: Vec<_> = events.iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(deltas, ["Hel", "lo\n", "\u{1f600}"]);
    assert_eq!(events[5]["item"]["content"][0]["text"], "Hello\n\u{1f600}");
    assert_eq!(events[5]["item"]["id"], "msg_1_1");
    let billed = &events[6]["response"]["usage"];
    assert_eq!((&billed["input_tokens"], &billed["total_tokens"]), (&json!(100), &json!(107)));
    assert_eq!(billed["input_tokens_details"]["cached_tokens"], 40);
    assert_eq!(model.unused(), 0);
}

#[test]
fn parts_keep_their_order_and_ids_tell_request_and_part() {
    let reply = Reply::raw_reasoning("Short.", "Long.")
        .then(Reply::function_call("exec_command", r#"{"cmd":"ls"}"#))
        .then(Reply::custom_tool_call("apply_patch", "*** Begin Patch\n"))
        .then(Reply::event(json!({"type": "response.metadata", "x": 1})));
    let model = MockModel::scripted([Reply::text("first"), reply]).expect("it starts");
    ask(&model);
    let answer = ask(&model);
    let done: Vec<Value> = events(&answer)
        .into_iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .map(|event| event["item"].clone())
        .collect();
    assert_eq!(done.len(), 3, "{answer}");
    assert_eq!((&done[0]["id"], &done[0]["summary"][0]["text"]), (&json!("rs_2_1"), &json!("Short.")));
    assert_eq!(done[0]["content"][0]["text"], "Long.");
    assert_eq!((&done[1]["call_id"], &done[1]["arguments"]), (&json!("call_2_2"), &json!(r#"{"cmd":"ls"}"#)));
    assert_eq!((&done[2]["call_id"], &done[2]["input"]), (&json!("call_2_3"), &json!("*** Begin Patch\n")));
    let types = types(&answer);
    assert_eq!(types[types.len() - 2..], ["response.metadata", "response.completed"]);
}

#[test]
fn a_label_replaces_the_number_in_ids() {
    let model = MockModel::scripted([Reply::text("x").labelled("left")]).expect("it starts");
    let answer = ask(&model);
    assert!(answer.contains("\"msg_left_1\"") && answer.contains("\"resp_left\""), "{answer}");
}

#[test]
fn errors_come_as_http_or_in_the_stream() {
    let failing = [Reply::fail(429, r#"{"error":1}"#), Reply::stream_error("server_error", "no luck")];
    let model = MockModel::scripted(failing).expect("it starts");
    let http = ask(&model);
    assert!(http.starts_with("HTTP/1.1 429 ") && http.ends_with(r#"{"error":1}"#), "{http}");
    let stream = ask(&model);
    assert_eq!(types(&stream), ["response.created", "response.failed"]);
    assert_eq!(events(&stream)[1]["response"]["error"]["message"], "no luck");
    assert!(is_whole(&stream), "{stream}");
}

#[test]
fn a_cut_off_stream_ends_without_its_end() {
    let reply = Reply::unfinished_text(["one", "two"]).then(Reply::cut_off());
    let model = MockModel::scripted([reply]).expect("it starts");
    let answer = ask(&model);
    assert_eq!(
        types(&answer),
        [
            "response.created",
            "response.output_item.added",
            "response.output_text.delta",
            "response.output_text.delta"
        ]
    );
    assert!(!is_whole(&answer), "{answer}");
}

#[test]
fn a_gate_holds_the_reply_until_it_opens() {
    let gate = Gate::new();
    let reply = Reply::unfinished_text(["begun"]).then(Reply::hold(&gate)).then(Reply::text("ended"));
    let model = MockModel::scripted([reply]).expect("it starts");
    let address = model.address();
    let asking = thread::spawn(move || post(address, "/v1/responses", "{}"));
    gate.wait_for_arrivals(1, PATIENCE).expect("the reply comes to the gate");
    assert!(!asking.is_finished(), "the reply went on past a closed gate");
    gate.open();
    let answer = asking.join().expect("the client is fine");
    assert!(answer.contains("begun") && answer.contains("ended") && is_whole(&answer), "{answer}");

    let error = Gate::new().wait_for_arrivals(1, Duration::ZERO).expect_err("nothing came");
    assert!(error.to_string().starts_with("see 1 replies at the gate within 0ns; there were 0"), "{error}");
}

#[test]
fn held_replies_do_not_block_others_nor_the_end() {
    let gate = Gate::new();
    let model = MockModel::scripted([Reply::hold(&gate), Reply::text("free")]).expect("it starts");
    let mut held = send(model.address(), "/v1/responses", "{}");
    gate.wait_for_arrivals(1, PATIENCE).expect("the reply comes to the gate");
    assert!(ask(&model).contains("free"));
    // Hangs here if the server waited for what it holds.
    drop(model);
    let end = held.read_to_end(&mut Vec::new());
    let timed_out = end.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!timed_out, "the held connection outlives the mock");
}

#[test]
fn a_closure_answers_what_the_queue_does_not() {
    let model = MockModel::scripted([Reply::text("from the queue")]).expect("it starts");
    let mut seen = 0;
    model.answer_with(move |request| {
        seen += 1;
        Reply::text(format!("{seen}: {}", request.last_user_text().unwrap_or("nothing")))
    });
    assert!(ask(&model).contains("from the queue"));
    let said = |text: &str| {
        let content = json!([{"type": "input_text", "text": text}]);
        json!({"input": [{"type": "message", "role": "user", "content": content}]}).to_string()
    };
    assert!(post(model.address(), "/v1/responses", &said("hi")).contains("1: hi"));
    assert!(post(model.address(), "/v1/responses", &said("ho")).contains("2: ho"));
}

#[test]
fn an_empty_script_is_an_error_that_says_so() {
    let model = MockModel::start().expect("it starts");
    let answer = ask(&model);
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("no reply left for request 1"),
        "{answer}"
    );
}

#[test]
fn requests_are_kept_whole_and_in_order() {
    let model = MockModel::start().expect("it starts");
    let metadata = json!({"request_kind": "compaction"}).to_string();
    let body = json!({
        "client_metadata": {"thread_id": "t-1", "x-codex-turn-metadata": metadata},
        "tools": [{"name": "exec_command"}, {"type": "tool_search"}],
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "obey"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]},
            {"type": "function_call_output", "call_id": "call_1_1", "output": "done"},
            {"type": "custom_tool_call_output", "call_id": "call_1_2", "output": [{"text": "x"}]},
        ],
    });
    post(model.address(), "/v1/responses", &body.to_string());
    post(model.address(), "/v1/models", "not JSON");
    let requests = model.wait_for_requests(2, PATIENCE).expect("two requests");
    let first = &requests[0];
    assert_eq!((first.number, first.path.as_str(), &first.body), (1, "/v1/responses", &body));
    assert_eq!(first.header("x-thread"), Some("t-1"));
    assert_eq!((first.thread_id(), first.is_compaction()), (Some("t-1"), true));
    assert_eq!((first.user_texts(), first.tools()), (vec!["go"], vec!["exec_command"]));
    assert_eq!(first.tool_output("call_1_1").as_deref(), Some("done"));
    assert_eq!(first.tool_output("call_1_2").as_deref(), Some(r#"[{"text":"x"}]"#));
    assert_eq!(first.tool_output("call_9"), None);
    assert!(first.follows_a_tool());
    assert_eq!((requests[1].path.as_str(), &requests[1].body), ("/v1/models", &json!("not JSON")));
    assert!(!requests[1].is_compaction() && !requests[1].follows_a_tool());
    let error = model.wait_for_requests(3, Duration::ZERO).expect_err("there is no third");
    assert!(error.to_string().contains("there were 2"), "{error}");
}

fn prompt(model: &MockModel, said: &str, follows_a_tool: bool) -> String {
    let content = json!([{"type": "input_text", "text": said}]);
    let mut input = vec![json!({"type": "message", "role": "user", "content": content})];
    input.extend(
        follows_a_tool.then(|| json!({"type": "function_call_output", "call_id": "c", "output": ""})),
    );
    post(model.address(), "/v1/responses", &json!({"input": input}).to_string())
}

#[test]
fn a_prompt_chooses_the_reply() {
    let model = MockModel::by_prompt([
        ("hello", Reply::text("one")),
        ("look", Reply::command("ls")),
        ("look", Reply::text("nothing here")),
        ("hello", Reply::text("two")),
        ("run", Reply::command("true")),
    ]);
    let model = model.expect("it starts");
    let deltas = ["one", "two", "two"];
    for delta in deltas {
        assert!(prompt(&model, "hello", false).contains(&format!(r#""delta":"{delta}""#)));
    }
    assert!(prompt(&model, "look", false).contains("exec_command"));
    assert!(prompt(&model, "look", true).contains("nothing here"));
    assert!(prompt(&model, "run", false).contains("exec_command"));
    assert!(prompt(&model, "run", true).contains("Done."));
    let unknown = prompt(&model, "what?", false);
    assert!(
        unknown.starts_with("HTTP/1.1 400 ") && unknown.contains(r#"to the prompt "what?""#),
        "{unknown}"
    );
}

#[test]
fn a_slow_reply_and_a_dropped_one_come_in_pieces() {
    let pause = Duration::from_millis(1);
    let slow = Reply::slow(pause, ["a", "b"]).then(Reply::pause(pause)).then(Reply::text("c"));
    let model = MockModel::scripted([slow, Reply::dropped(["a"]), Reply::too_many_requests()]);
    let model = model.expect("it starts");
    let events = events(&ask(&model));
    let deltas: Vec<_> = events.iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(deltas, ["a", "b", "c"]);
    let dropped = ask(&model);
    assert!(dropped.contains(r#""delta":"a""#) && !is_whole(&dropped), "{dropped}");
    assert!(ask(&model).starts_with("HTTP/1.1 429 "));
}

#[test]
fn what_a_pause_holds_back_does_not_come_before_its_end() {
    let no_end = Duration::from_secs(1 << 20);
    let paused = Reply::text("before").then(Reply::pause(no_end)).then(Reply::text("after"));
    let slow = Reply::text("before").then(Reply::slow(no_end, ["after"]));
    let model = MockModel::scripted([paused, slow, Reply::text("meanwhile")]).expect("it starts");
    let mut waiting = [(); 2].map(|()| send(model.address(), "/v1/responses", "{}"));
    let begun = waiting.each_mut().map(|socket| read_until(socket, r#""delta":"before""#));
    // Without the pauses the rest would be here by the time that another request is answered.
    assert!(is_whole(&ask(&model)));
    drop(model);
    for (mut socket, mut answer) in waiting.into_iter().zip(begun) {
        // A broken connection ends the answer as well.
        let _ = socket.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.contains("after") && !is_whole(&answer), "{answer}");
    }
}

/// Reads until the answer has this text.
fn read_until(socket: &mut TcpStream, text: &str) -> Vec<u8> {
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains(text) {
        let mut piece = [0; 4096];
        let length = socket.read(&mut piece).expect("the answer goes on");
        assert_ne!(length, 0, "the answer ended before {text}");
        answer.extend_from_slice(&piece[..length]);
    }
    answer
}

#[test]
fn a_message_in_the_history_was_sent_once() {
    let model = MockModel::start().expect("it starts");
    model.answer_with(|_| Reply::text("Done."));
    let message = |id: &str, text: &str| {
        let content = json!([{"type": "input_text", "text": text}]);
        match id {
            "" => json!({"type": "message", "role": "user", "content": content}),
            id => json!({"type": "message", "role": "user", "content": content, "id": id}),
        }
    };
    let call = json!({"type": "function_call", "call_id": "c", "name": "exec_command", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "c", "output": "aborted"});
    let ask =
        |input: &[Value]| drop(post(model.address(), "/v1/responses", &json!({"input": input}).to_string()));
    let sent = |text| (model.times_sent(text), model.requests_about(text).len());

    let (go, again) = (message("m1", "Go."), message("m2", "Again."));
    ask(std::slice::from_ref(&go));
    ask(&[go.clone(), call.clone(), output.clone()]);
    assert_eq!((sent("Go."), sent("Again.")), ((1, 2), (0, 0)));
    assert_eq!(model.requests_about("Go.").iter().filter(|asked| !asked.follows_a_tool()).count(), 1);
    // The turn was cut off, and the user says something else.
    ask(&[go.clone(), call.clone(), output.clone(), again.clone()]);
    assert_eq!((sent("Go."), sent("Again.")), ((1, 2), (1, 1)));
    // A client that sends it once more, whether or not the first one is in the history.
    ask(&[message("m3", "Go.")]);
    assert_eq!(sent("Go."), (2, 3));
    // Without ids only what is in one request counts.
    ask(&[message("", "Old."), message("", "Old.")]);
    ask(&[message("", "Old.")]);
    assert_eq!(sent("Old."), (2, 2));
}
