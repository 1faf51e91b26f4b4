//! The program as people run it: what it prints and how it exits.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_codex-appserver-trace"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // It may end without reading all of it.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("it ends")
}

/// Runs on a trace on standard input, with the report as JSON.
fn report(lines: &[Value]) -> (i32, Value) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let output = run(&["--format", "json", "-"], text.as_bytes());
    assert_eq!(output.stderr, b"", "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code().expect("no signal"), serde_json::from_slice(&output.stdout).expect("JSON"))
}

fn row(dir: &str, message: &Value) -> Value {
    json!({"dir": dir, "line": message.to_string()})
}

fn thread_start() -> Value {
    json!({"method": "thread/archive", "id": 1, "params": {"threadId": "t"}})
}

#[test]
fn answers_are_read_as_what_their_request_asked_for() {
    let answer = json!({"id": 1, "result": {}});
    let wrong = json!({"id": 1, "result": {"thread": {"id": 5}}});
    let read = json!({"method": "thread/read", "id": 1, "params": {"threadId": "t"}});
    let (code, report) = report(&[
        row("c2s", &thread_start()),
        row("s2c", &answer),
        row("c2s", &read),
        row("s2c", &wrong),
        row("s2c", &answer),
    ]);
    assert_eq!(code, 1);
    assert_eq!(
        report["totals"],
        json!({"decoded": 3, "unknown": 0, "failed": 1, "changed": 0, "unmatched": 1})
    );
    let problem = &report["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["role"], &problem["method"]),
        (&json!("-"), &json!(4), &json!("server answer"), &json!("thread/read"))
    );
    let path = problem["path"].as_str().expect("a path");
    assert!(path.starts_with("result.thread"), "{problem}");
}

#[test]
fn connections_and_directions_have_ids_of_their_own() {
    let on = |conn: &str, dir: &str, message: &Value| {
        let mut row = row(dir, message);
        row["conn"] = conn.into();
        row
    };
    let ask = json!({"method": "item/tool/requestUserInput", "id": 1,
        "params": {"threadId": "t", "turnId": "u", "itemId": "i", "isBlocking": true, "questions": []}});
    let list = json!({"method": "thread/loaded/list", "id": 1, "params": {}});
    let (code, report) = report(&[
        on("a", "c2s", &list),
        on("b", "c2s", &thread_start()),
        on("a", "s2c", &ask),
        on("a", "c2s", &json!({"id": 1, "result": {"answers": {}}})),
        on("b", "s2c", &json!({"id": 1, "result": {}})),
        on("a", "s2c", &json!({"id": 1, "result": {"data": []}})),
    ]);
    assert_eq!((code, &report["totals"]["unmatched"]), (0, &json!(0)), "{report:#}");
    let answers: Vec<&str> = report["methods"]
        .as_array()
        .expect("methods")
        .iter()
        .filter(|row| row["role"].as_str().is_some_and(|role| role.ends_with("answer")))
        .filter_map(|row| row["method"].as_str())
        .collect();
    assert_eq!(answers, ["item/tool/requestUserInput", "thread/archive", "thread/loaded/list"]);
}

#[test]
fn bare_messages_find_their_direction() {
    let (code, report) = report(&[
        thread_start(),
        json!({"id": 1, "result": {}}),
        json!({"method": "turn/started", "params": {"threadId": "t"}}),
        json!({"method": "nobody/sends", "params": {}}),
    ]);
    assert_eq!(code, 1);
    assert_eq!(
        report["totals"],
        json!({"decoded": 2, "unknown": 1, "failed": 1, "changed": 0, "unmatched": 0})
    );
    assert_eq!(report["problems"][0]["path"], "params");
    assert_eq!(report["problems"][0]["role"], "server notification");
}

#[test]
fn errors_are_answers_too() {
    let error = json!({"error": {"code": -32600, "message": "no"}, "id": 1});
    let (code, report) = report(&[row("c2s", &thread_start()), row("s2c", &error)]);
    assert_eq!((code, &report["totals"]["decoded"]), (0, &json!(2)));
}

#[test]
fn lines_that_are_no_messages_fail_alone() {
    let trace = [
        row("c2s", &json!([1])).to_string(),
        json!({"dir": "c2s", "line": "not JSON"}).to_string(),
        json!({"dir": "s2c", "b64": "/w=="}).to_string(),
        json!({"dir": "up", "line": "{}"}).to_string(),
        json!({"dir": "c2s", "line": "{}"}).to_string(),
        "not JSON either".to_owned(),
        row("c2s", &json!({"method": "initialized"})).to_string(),
    ];
    let output = run(&["-"], trace.join("\n").as_bytes());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    for (line, what) in [
        (1, "not a message: invalid type: sequence, expected a JSON object"),
        (2, "not a message: expected"),
        (3, "not UTF-8"),
        (4, "`up` is no direction"),
        (5, "neither a `method` nor an `id`"),
        (6, "no JSON object"),
    ] {
        let start = format!("-:{line}: ");
        let found = text.lines().find(|text| text.starts_with(&start)).unwrap_or_default();
        assert!(found.contains(what), "line {line}: {found}\n{text}");
    }
    assert!(text.contains("7 messages: 1 decoded, 0 unknown, 6 failed"), "{text}");
}

#[test]
fn another_version_is_told_from_header_and_user_agent() {
    let hello =
        json!({"method": "initialize", "id": 0, "params": {"clientInfo": {"name": "a", "version": "1"}}});
    let answer = json!({"id": 0, "result": {"userAgent": "a/0.166.0 (x)", "codexHome": "/", "platformFamily": "unix",
        "platformOs": "linux"}});
    let lines = [json!({"v": 1, "codex": "0.150.0"}), row("c2s", &hello), row("s2c", &answer)];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let output = run(&["-"], text.as_bytes());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains(&format!(
            "recorded with codex 0.150.0 and 0.166.0; the bindings are of codex {}",
            codex_appserver_shapes::CODEX_VERSION
        )),
        "{text}"
    );
    let (_, report) = report(&lines);
    assert_eq!(report["files"][0]["codex_versions"], json!(["0.150.0", "0.166.0"]));
    assert_eq!(report["totals"]["decoded"], 2, "a header is no message");
}

#[test]
fn a_line_beyond_the_limit_is_refused_and_the_rest_read() {
    let long = row("s2c", &json!({"method": "warning", "params": {"message": "x".repeat(10_000)}}));
    let text = format!("{long}\n{}\n", row("c2s", &json!({"method": "initialized"})));
    let output = run(&["--limit", "1000", "-"], text.as_bytes());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("-:1: other: failed to read a line of more than 1000 bytes"), "{text}");
    assert!(text.contains("2 messages: 1 decoded"), "{text}");
}

#[test]
fn problems_are_counted_beyond_those_that_are_told() {
    let lines: Vec<Value> =
        (0..20).map(|_| row("c2s", &json!({"method": "thread/archive", "id": 1}))).collect();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let output = run(&["--problems", "3", "-"], text.as_bytes());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.matches("missing field `params`").count(), 3, "{text}");
    assert!(text.contains("… and 17 more; `--problems N` shows more of them"), "{text}");
    assert!(text.contains("-:10 and 10 more"), "{text}");
}

/// What a newer peer says in a known arm is no loss.
#[test]
fn a_new_value_in_a_known_arm_and_null_in_the_envelope_round_trip() {
    let item = json!({"type": "commandExecution", "id": "i", "command": "ls", "commandActions": [], "cwd": "/",
        "status": "paused", "aggregatedOutput": null});
    let started = json!({"method": "item/started",
        "params": {"threadId": "t", "turnId": "u", "startedAtMs": 1, "item": item}});
    let error = json!({"error": {"code": -1, "message": "no", "data": null, "newer": 1}, "id": 1});
    let mut request = thread_start();
    request["trace"] = json!({"traceparent": "00-1", "tracestate": null, "newer": 1});
    let (code, report) = report(&[row("s2c", &started), row("c2s", &request), row("s2c", &error)]);
    assert_eq!((code, &report["totals"]["decoded"]), (0, &json!(3)), "{report:#}");
    assert_eq!(report["unknown_values"], json!({"server notification item/started: params.item.status": 1}));
    let members = report["unknown_members"].as_object().expect("an object");
    assert_eq!(members.len(), 2, "{members:?}");
}

#[test]
fn what_the_traffic_makes_up_stays_small_and_plain() {
    let long = json!({"method": format!("m\u{1b}[31m\n{}", "m".repeat(100_000)), "params": {}});
    let mut members = json!({"threadId": "t"});
    for index in 0..5_000 {
        members[format!("{}{index}", "k".repeat(1_000))] = json!(1);
    }
    let archived = json!({"method": "thread/archived", "params": members});
    let text: String = [row("s2c", &long), row("s2c", &archived)].map(|line| format!("{line}\n")).concat();
    let output = run(&["-"], text.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(report.len() < 100_000 && !report.contains('\u{1b}'), "{} bytes", report.len());
}

#[test]
fn a_file_that_is_not_there_is_no_finding() {
    let good = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/recorded/chat.jsonl");
    let output = run(&["no/such/file.jsonl", good], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("messages: "), "the other file is reported");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.starts_with("error: failed to read the trace: ") && text.contains("(no/such/file.jsonl)"),
        "{text}"
    );
    assert_eq!(run(&[], b"").status.code(), Some(2));
}
