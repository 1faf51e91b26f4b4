//! Lines to and from a server, without one.

use codex_appserver::{image_url, text};
use types_only::{describe, start_thread, start_turn};

#[test]
fn a_request_is_what_the_server_expects() {
    assert_eq!(
        start_thread(1, "gpt-5").unwrap(),
        r#"{"method":"thread/start","id":1,"params":{"cwd":"/home/user/project","model":"gpt-5"}}"#
    );
}

#[test]
fn input_is_made_without_a_client() {
    let line = start_turn(2, "t-1", [text("What is it?"), image_url("https://example.com/cat.png")]).unwrap();
    assert_eq!(
        line,
        concat!(
            r#"{"method":"turn/start","id":2,"params":{"effort":"high","input":["#,
            r#"{"type":"text","text":"What is it?","text_elements":[]},"#,
            r#"{"type":"image","url":"https://example.com/cat.png"}],"threadId":"t-1"}}"#
        )
    );
}

#[test]
fn a_recorded_notification_is_understood() {
    let recording = include_str!("../../../fixtures/recorded/approval-accept.jsonl");
    let row = recording.lines().find(|row| row.contains("turn/completed")).unwrap();
    let line = row.split_once("\"line\":\"").unwrap().1.strip_suffix("\"}").unwrap().replace("\\\"", "\"");
    assert_eq!(describe(&line).unwrap(), "turn 00000000-0000-7000-8000-000000000003 is completed");
}

#[test]
fn an_unknown_notification_is_shown() {
    let said = describe(r#"{"method":"new/thing","params":{"a":1}}"#).unwrap();
    assert_eq!(said, r#"new/thing: Some(Object {"a": Number(1)})"#);
}
