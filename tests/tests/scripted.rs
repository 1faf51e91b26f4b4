//! What the scripted app-server says where it claims to speak like the real one decodes with the generated types.

use std::io::{BufRead as _, BufReader, Write as _};

use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::{InitializeResponse, ServerRequest, ThreadStartResponse, TurnStartResponse};
use codex_appserver_shapes::CODEX_VERSION;
use codex_appserver_testkit::scripted::{Answer, Ask, Scenario, ScriptedServer, Turn, TurnEnd};
use codex_appserver_tests::{repo::root, sessions::trace};
use codex_appserver_wire::ResponseEnvelope;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Every line that follows one request, until one that has this method.
fn play(scenario: Scenario, request: &Value, last: &str) -> Vec<String> {
    let (_server, stdout, mut stdin) = ScriptedServer::start(scenario).expect("it starts");
    writeln!(stdin, "{request}").expect("it reads");
    let mut lines = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.expect("it writes");
        let value: Value = serde_json::from_str(&line).expect("it is JSON");
        lines.push(line);
        if value["method"] == last || (last.is_empty() && value["id"].is_number()) {
            break;
        }
        if value["method"].is_string() && value["id"].is_number() {
            writeln!(stdin, "{}", json!({"id": value["id"], "result": {"decision": "accept"}}))
                .expect("it reads");
        }
    }
    lines
}

fn result<T: DeserializeOwned>(line: &str) -> T {
    let envelope: ResponseEnvelope<T> =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    envelope.result
}

/// The methods of lines that are notifications, all of them known ones.
fn notifications(lines: &[String]) -> Vec<String> {
    let decoded = lines.iter().map(|line| {
        let notification = ServerNotification::decode(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let notification = notification.notification;
        assert!(!matches!(notification, ServerNotification::Unrecognized(_)), "{line}");
        notification.method().to_owned()
    });
    decoded.collect()
}

fn turn_start() -> Value {
    let input = json!([{"type": "text", "text": "Hello.", "text_elements": []}]);
    json!({"id": 1, "method": "turn/start", "params": {"threadId": "thread-1", "input": input}})
}

#[test]
fn initialize_and_threads_decode() {
    let lines = play(Scenario::new(), &json!({"id": 1, "method": "initialize", "params": {}}), "");
    assert!(result::<InitializeResponse>(&lines[0]).user_agent.contains(&format!("/{CODEX_VERSION} ")));
    let scenario = Scenario::chat(["Hi."]);
    let lines = play(scenario, &json!({"id": 1, "method": "thread/start", "params": {}}), "thread/started");
    assert_eq!(result::<ThreadStartResponse>(&lines[0]).thread.id, "thread-1");
    assert_eq!(notifications(&lines[1..]), ["thread/started"]);
}

#[test]
fn a_turn_decodes_and_comes_in_the_order_of_the_real_server() {
    let lines = play(Scenario::chat(["Hello ", "there."]), &turn_start(), "turn/completed");
    assert_eq!(result::<TurnStartResponse>(&lines[0]).turn.id, "turn-1");
    let methods = notifications(&lines[1..]);
    assert_eq!(without_repeats(methods), without_repeats(recorded_turn()));
}

/// The methods of the first turn of a recording of the real server, but for its reasoning and its rate limits.
fn recorded_turn() -> Vec<String> {
    let recording = std::fs::read_to_string(root().join("tests/fixtures/recorded/chat.jsonl"));
    let (_, rows) = trace::read(&recording.expect("a recording")).expect("a trace");
    let lines = rows.iter().map(|row| serde_json::from_str::<Value>(&row.line).expect("it is JSON"));
    let turn = lines.skip_while(|line| line["method"] != "turn/start").filter(|line| {
        let is_reasoning = line["params"]["item"]["type"] == "reasoning";
        line["emittedAtMs"].is_number() && !is_reasoning
    });
    let mut methods: Vec<String> =
        turn.filter_map(|line| line["method"].as_str().map(str::to_owned)).collect();
    methods.truncate(methods.iter().position(|method| method == "turn/completed").expect("it ends") + 1);
    methods.retain(|method| !method.contains("/reasoning/") && method != "account/rateLimits/updated");
    methods
}

/// How many deltas there are does not matter.
fn without_repeats(mut methods: Vec<String>) -> Vec<String> {
    methods.dedup();
    methods
}

#[test]
fn other_ends_and_approvals_decode() {
    let ask = json!({"threadId": "$params.threadId", "turnId": "turn-$count", "itemId": "call-1",
        "startedAtMs": 1_800_000_000_000_u64, "environmentId": "local"});
    let ask = Ask::new("item/commandExecution/requestApproval", ask).resolved();
    let failing = Turn::counting(3).ask(ask).end(TurnEnd::Failed);
    let scenario = Scenario::new().answer("turn/start", Answer::turn(failing));
    let mut lines = play(scenario, &turn_start(), "turn/completed");
    lines.remove(0);
    let asked = lines.iter().position(|line| line.contains("requestApproval")).expect("it asks");
    let request = ServerRequest::decode(&lines.remove(asked)).expect("it decodes").request;
    assert!(matches!(request, ServerRequest::ItemCommandExecutionRequestApproval(_)), "{request:?}");
    let methods = notifications(&lines);
    assert!(methods.contains(&"serverRequest/resolved".to_owned()) && methods.contains(&"error".to_owned()));
    assert!(lines.last().is_some_and(|line| line.contains(r#""status":"failed""#)), "{lines:?}");
}
