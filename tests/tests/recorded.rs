//! Lines of a real session: every one decodes and comes back as the same JSON.

use std::collections::BTreeMap;

use codex_appserver_notifications::{ClientNotification, ServerNotification};
use codex_appserver_requests::*;
use codex_appserver_tests::{json::without_nulls, repo};
use codex_appserver_wire::{DecodeError, ErrorEnvelope, ResponseEnvelope, Serialize, decode, encode};
use serde_json::Value;

/// Decodes a line as the type that its direction and method demand, and encodes it again.
fn round_trip(
    line: &str,
    from_client: bool,
    pending: &mut BTreeMap<i64, String>,
) -> Result<String, DecodeError> {
    fn again<T: Serialize>(decoded: Result<T, DecodeError>) -> Result<String, DecodeError> {
        decoded.map(|value| encode(&value).expect("what was decoded encodes"))
    }
    let message: Value = serde_json::from_str(line).expect("a recorded line is JSON");
    let id = message["id"].as_i64();
    match (message["method"].as_str(), id, from_client) {
        (Some(method), Some(id), true) => {
            pending.insert(id, method.to_owned());
            again(ClientRequest::decode(line))
        }
        (Some(_), Some(_), false) => again(ServerRequest::decode(line)),
        (Some(_), None, true) => again(ClientNotification::decode(line)),
        (Some(_), None, false) => {
            let envelope = ServerNotification::decode(line)?;
            assert!(!matches!(envelope.notification, ServerNotification::Unrecognized(_)), "unknown: {line}");
            again(Ok(envelope))
        }
        (None, ..) if message.get("error").is_some() => again(decode::<ErrorEnvelope>(line)),
        (None, _, true) => again(decode::<ResponseEnvelope<CommandExecutionRequestApprovalResponse>>(line)),
        (None, id, false) => {
            let method = pending.get(&id.expect("an answer has an id")).expect("an answer has a request");
            response(method, line)
        }
    }
}

fn response(method: &str, line: &str) -> Result<String, DecodeError> {
    macro_rules! by_method {
        ($($name:literal => $type:ty,)*) => {
            match method {
                $($name => decode::<ResponseEnvelope<$type>>(line).map(|r| encode(&r).expect("encodes")),)*
                other => panic!("no response type for {other} in this test"),
            }
        };
    }
    by_method! {
        "initialize" => InitializeResponse,
        "account/read" => GetAccountResponse,
        "getAuthStatus" => GetAuthStatusResponse,
        "getConversationSummary" => GetConversationSummaryResponse,
        "memory/reset" => Value,
        "thread/list" => ThreadListResponse,
        "thread/read" => ThreadReadResponse,
        "thread/settings/update" => Value,
        "thread/start" => ThreadStartResponse,
        "thread/timeline/list" => Value,
        "turn/start" => TurnStartResponse,
    }
}

#[test]
fn a_recorded_session_round_trips() {
    let path = repo::fixture("recorded/turns.jsonl");
    let text = std::fs::read_to_string(&path).expect("the fixture is there");
    let mut pending = BTreeMap::new();
    let mut lines = 0;
    for (number, row) in text.lines().enumerate().skip(1) {
        let row: Value = serde_json::from_str(row).expect("a trace line is JSON");
        let line = row["line"].as_str().expect("a trace line has a `line`");
        let back = round_trip(line, row["dir"] == "c2s", &mut pending)
            .unwrap_or_else(|error| panic!("line {}: {error}\n{line}", number + 1));
        let mut expected = without_nulls(&serde_json::from_str(line).expect("JSON"));
        // The recording client leaves out `text_elements`, whose default is always written.
        if let Some(input) = expected.pointer_mut("/params/input/0").and_then(Value::as_object_mut) {
            input.entry("text_elements").or_insert_with(|| Value::Array(Vec::new()));
        }
        let back = without_nulls(&serde_json::from_str(&back).expect("JSON"));
        assert_eq!(back, expected, "line {}", number + 1);
        lines += 1;
    }
    assert_eq!(lines, 75, "every line of the recording was looked at");
}
