//! What the codecs promise whatever a peer sends: nothing is lost, errors name method and path.

use codex_appserver_enums::{PlanType, TurnStatus};
use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::{ClientRequest, LoginAccountParams, ServerRequest, ThreadListParams};
use codex_appserver_types::*;
use codex_appserver_wire::{Patch, decode, encode};
use serde_json::{Value, json};

fn again<T: for<'de> codex_appserver_wire::Deserialize<'de> + codex_appserver_wire::Serialize>(
    text: &str,
) -> Value {
    let value: T = decode(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    serde_json::from_str(&encode(&value).expect("encodes")).expect("JSON")
}

fn notification_error(text: &str) -> String {
    ServerNotification::decode(text).expect_err("a broken notification").to_string()
}

#[test]
fn errors_name_method_and_path() {
    let turn = |rest: &str| {
        format!(
            r#"{{"method":"turn/completed","params":{{"threadId":"t","turn":{{"id":"x","items":[]{rest}}}}}}}"#
        )
    };
    assert_eq!(
        notification_error(&turn(r#","status":5"#)),
        "turn/completed: params.turn.status: invalid type: integer `5`, expected a string"
    );
    assert_eq!(notification_error(&turn("")), "turn/completed: params.turn: missing field `status`");
    assert_eq!(
        notification_error(r#"{"method":"turn/completed"}"#),
        "turn/completed: missing field `params`"
    );
    assert_eq!(notification_error(r#"{"params":{}}"#), "missing field `method`");
    assert_eq!(
        notification_error(r#"{"method":"turn/completed","params":{"#),
        "turn/completed: not valid JSON: EOF while parsing an object, line 1 column 37"
    );
}

#[test]
fn both_doors_read_and_refuse_alike() {
    use codex_appserver_wire::{NotificationEnvelope, RequestEnvelope};
    let whole = r#" {"method":"item/tool/call","id":7,"params":{"arguments":{"a":[1,"\u00e9"]},"callId":"c","threadId":"t","tool":"x","turnId":"u"}} "#;
    let late = r#"{"params":{"threadId":"t","item":{"id":"i","text":"x","type":"agentMessage"},"turnId":"u","completedAtMs":1},"method":"item/completed"}"#;
    let mut texts = vec![format!("{whole}{{}}"), whole.replace("\"id\":7,", ""), late.replace("\"i\"", "5")];
    texts.extend([whole, late].iter().flat_map(|text| (0..=text.len()).map(|end| text[..end].to_owned())));
    let (mut read, mut refused) = (0, 0);
    for text in &texts {
        let request = ServerRequest::decode(text);
        assert_eq!(request, decode::<RequestEnvelope<ServerRequest>>(text), "{text}");
        let notification = ServerNotification::decode(text);
        assert_eq!(notification, decode::<NotificationEnvelope<ServerNotification>>(text), "{text}");
        read += usize::from(request.is_ok()) + usize::from(notification.is_ok());
        refused += usize::from(request.is_err()) + usize::from(notification.is_err());
    }
    assert!(read >= 3 && refused > 500, "{read} read, {refused} refused");
}

#[test]
fn a_path_leads_through_a_tag_that_comes_late() {
    let text = r#"{"params":{"threadId":"t","turn":{"id":"x","items":[{"id":"a","text":3,"type":"agentMessage"}],
        "status":"completed"}},"method":"turn/completed"}"#;
    assert_eq!(
        notification_error(text),
        "turn/completed: params.turn.items[0].text: invalid type: integer `3`, expected a string"
    );
}

#[test]
fn key_order_does_not_matter() {
    let late: ThreadItem = decode(r#"{"text":"hi","id":"a","type":"agentMessage"}"#).expect("decodes");
    let early: ThreadItem = decode(r#"{"type":"agentMessage","id":"a","text":"hi"}"#).expect("decodes");
    assert_eq!(late, early);
    assert_eq!(late.id(), Some("a"));
    let notification = r#"{"params":{"threadId":"t"},"emittedAtMs":7,"method":"thread/archived"}"#;
    let envelope = ServerNotification::decode(notification).expect("decodes");
    assert_eq!((envelope.notification.method(), envelope.emitted_at_ms), ("thread/archived", Some(7)));
}

#[test]
fn what_a_newer_server_sends_is_kept() {
    let unknown = r#"{"method":"new/thing","params":{"a":[1]},"emittedAtMs":1}"#;
    let envelope = ServerNotification::decode(unknown).expect("decodes");
    assert_eq!(envelope.notification.method(), "new/thing");
    assert_eq!(
        serde_json::to_value(&envelope).expect("encodes"),
        serde_json::from_str::<Value>(unknown).expect("JSON")
    );

    let item = r#"{"type":"hologram","id":"a","depth":{"x":1}}"#;
    let decoded: ThreadItem = decode(item).expect("decodes");
    assert!(matches!(decoded, ThreadItem::Unrecognized(_)));
    assert_eq!((decoded.tag(), decoded.id()), ("hologram", Some("a")));
    assert_eq!(again::<ThreadItem>(item), serde_json::from_str::<Value>(item).expect("JSON"));

    let status: TurnStatus = decode("\"paused\"").expect("decodes");
    assert_eq!((status.as_str(), TurnStatus::ALL.contains(&status)), ("paused", false));
    assert_eq!(TurnStatus::from("completed"), TurnStatus::Completed);
    // `unknown` is a value of its own.
    assert!(matches!(PlanType::from("unknown"), PlanType::Unknown));
    assert!(matches!(PlanType::from("platinum"), PlanType::Unrecognized(_)));
}

#[test]
fn unions_without_a_tag() {
    for text in [
        r#""accept""#,
        r#"{"acceptWithExecpolicyAmendment":{"execpolicy_amendment":["ls"]}}"#,
        r#""somethingNew""#,
        r#"{"somethingNew":{"a":1}}"#,
    ] {
        assert_eq!(
            again::<CommandExecutionApprovalDecision>(text),
            serde_json::from_str::<Value>(text).expect("JSON")
        );
    }
    for text in
        [r#""contextWindowExceeded""#, r#"{"httpConnectionFailed":{"httpStatusCode":502}}"#, r#""brandNew""#]
    {
        assert_eq!(again::<CodexErrorInfo>(text), serde_json::from_str::<Value>(text).expect("JSON"));
    }
    let legacy = r#"{"type":"string","enum":["a"],"enumNames":["A"]}"#;
    assert_eq!(
        again::<McpElicitationPrimitiveSchema>(legacy),
        serde_json::from_str::<Value>(legacy).expect("JSON")
    );
    let number = r#"{"type":"number","maximum":2.5}"#;
    assert!(matches!(decode(number), Ok(McpElicitationPrimitiveSchema::Number(_))));
    let newer = r#"{"type":"date","earliest":"2020"}"#;
    assert_eq!(
        again::<McpElicitationPrimitiveSchema>(newer),
        serde_json::from_str::<Value>(newer).expect("JSON")
    );
    let output = r#"[{"type":"input_text","text":"x"}]"#;
    assert_eq!(again::<FunctionCallOutputBody>(output), serde_json::from_str::<Value>(output).expect("JSON"));
    assert!(matches!(decode("\"x\""), Ok(FunctionCallOutputBody::String(_))));
    assert!(decode::<FunctionCallOutputBody>("5").is_err());
    assert!(matches!(decode(r#"{"uri":"u","text":"t"}"#), Ok(ResourceContent::Text(_))));
    assert_eq!(
        decode::<ResourceContent>(r#"{"uri":"u"}"#).expect_err("neither").message(),
        "no arm of ResourceContent fits this object: it needs text and uri, or blob and uri"
    );
}

#[test]
fn an_inner_choice_is_an_enum() {
    let image = ImageUserInput::new(UrlOrFileId::Url("https://example.org/a.png".into()));
    let text = encode(&UserInput::from(image)).expect("encodes");
    assert_eq!(text, r#"{"type":"image","url":"https://example.org/a.png"}"#);
    assert!(matches!(
        decode(&text),
        Ok(UserInput::Image(ImageUserInput { url_or_file_id: UrlOrFileId::Url(_), .. }))
    ));
    let error = decode::<UserInput>(r#"{"type":"image"}"#).expect_err("neither");
    assert_eq!(error.message(), "missing field: one of `url`, `fileId`");
}

#[cfg(feature = "experimental")]
#[test]
fn names_on_the_wire_win_and_names_of_the_schema_decode() {
    let wire = json!({"type": "turnStarted", "position": 1, "turnId": "t", "startedAt": 5});
    let schema = json!({"type": "turnStarted", "position": 1, "turn_id": "t", "started_at": 5});
    assert_eq!(again::<ThreadTimelineEntry>(&wire.to_string()), wire);
    assert_eq!(again::<ThreadTimelineEntry>(&schema.to_string()), wire);
}

/// As `thread/timeline/list` of the real server sends it.
#[test]
fn realtime_items_are_camel_case_in_their_arms_as_well() {
    let wire = json!({
        "type": "bemItemPromoted", "id": "i", "realtimeSessionId": "r", "turnId": "t", "itemId": "m",
        "presentation": {"type": "wholeItem"},
    });
    let item = again::<ThreadRealtimeItem>(&wire.to_string());
    assert_eq!((&item["turnId"], &item["itemId"]), (&json!("t"), &json!("m")));
}

/// The real server says `subagent` and `mcp` in a conversation's summary, where a thread has `subAgent` and `appServer`.
#[test]
fn a_conversation_summary_has_an_older_source() {
    for source in [json!("mcp"), json!({"subagent": "review"}), json!({"internal": "memory_consolidation"})] {
        let decoded = decode::<V1SessionSource>(&source.to_string()).expect("decodes");
        assert!(!matches!(decoded, V1SessionSource::Unrecognized(_)), "{source}: {decoded:?}");
        assert_eq!(again::<V1SessionSource>(&source.to_string()), source);
    }
}

#[test]
fn absent_and_null_differ_where_the_protocol_says_so() {
    let mut params = ThreadListParams::new();
    assert_eq!(encode(&params).expect("encodes"), "{}");
    params.project_id = Patch::Null;
    assert_eq!(encode(&params).expect("encodes"), r#"{"projectId":null}"#);
    let params = ThreadListParams::new().project_id("p");
    assert_eq!(encode(&params).expect("encodes"), r#"{"projectId":"p"}"#);
    assert_eq!(decode::<ThreadListParams>(r#"{"projectId":null}"#).expect("decodes").project_id, Patch::Null);
}

#[test]
fn requests_keep_id_and_trace() {
    let text =
        r#"{"method":"thread/archive","id":"a-1","params":{"threadId":"t"},"trace":{"traceparent":"00-1"}}"#;
    assert_eq!(
        again::<codex_appserver_wire::RequestEnvelope<ClientRequest>>(text),
        serde_json::from_str::<Value>(text).expect("JSON")
    );
    let ask = r#"{"method":"attestation/generate","id":0}"#;
    assert!(matches!(
        ServerRequest::decode(ask).expect("decodes").request,
        ServerRequest::AttestationGenerate(_)
    ));
}

#[test]
fn secrets_do_not_reach_logs() {
    let login =
        LoginAccountParams::ApiKey(codex_appserver_requests::ApiKeyLoginAccountParams::new("sk-secret"));
    let debug = format!("{login:?}");
    assert!(!debug.contains("sk-secret") && debug.contains("[redacted]"), "{debug}");
}

#[test]
fn any_serde_format_reads_the_types() {
    let value = json!({"id": "a", "text": "hi", "type": "agentMessage"});
    let item: ThreadItem = serde_json::from_value(value).expect("decodes from a value");
    assert!(matches!(item, ThreadItem::AgentMessage(_)));
}

#[test]
fn a_tag_that_occurs_twice_is_an_error_wherever_it_stands() {
    for item in [
        r#"{"type":"agentMessage","type":"plan","id":"a","text":"hi"}"#,
        r#"{"type":"agentMessage","id":"a","text":"hi","type":"plan"}"#,
        r#"{"id":"a","type":"agentMessage","type":"plan","text":"hi"}"#,
        r#"{"type":"hologram","type":"plan","id":"a","text":"hi"}"#,
    ] {
        let error = decode::<ThreadItem>(item).expect_err("two tags");
        assert_eq!(error.message(), "duplicate field `type`", "{item}");
    }
    let twice = r#"{"method":"thread/archived","params":{"threadId":"t"},"method":"thread/closed"}"#;
    assert_eq!(notification_error(twice), "thread/archived: duplicate field `method`");
    // Any other member counts as its last occurrence.
    let item: ThreadItem =
        decode(r#"{"type":"agentMessage","id":"a","id":"b","text":"hi"}"#).expect("decodes");
    assert_eq!(item.id(), Some("b"));
}

#[test]
fn what_is_kept_is_kept_or_refused_never_lost() {
    let error =
        decode::<McpElicitationEnumSchema>(r#"{"type":"newer","x":1e999}"#).expect_err("no such number");
    assert!(error.to_string().contains("number out of range"), "{error}");
    let envelope = ServerNotification::decode(r#"{"method":"new/thing","params":null}"#).expect("decodes");
    assert_eq!(encode(&envelope).expect("encodes"), r#"{"method":"new/thing","params":null}"#);
}

#[test]
fn deep_nesting_is_an_error_or_skipped_never_a_crash() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let skipped = format!(r#"{{"type":"plan","id":"a","text":"t","new":{deep}}}"#);
    assert!(decode::<ThreadItem>(&skipped).is_ok(), "an unknown member is skipped");
    for text in [
        format!(r#"{{"new":{deep},"type":"plan","id":"a","text":"t"}}"#),
        format!(r#"{{"type":"hologram","x":{deep}}}"#),
        format!(r#"{{"type":"plan","id":{deep},"text":"t"}}"#),
        deep.clone(),
    ] {
        assert!(decode::<ThreadItem>(&text).is_err());
    }
}

#[test]
fn a_backtick_in_a_key_does_not_break_the_path() {
    let text = "{\"a`: b\":1,\"id\":\"x\",\"text\":{\"k\":1},\"type\":\"plan\"}";
    assert_eq!(decode::<ThreadItem>(text).expect_err("text is a string").path(), "text");
}
