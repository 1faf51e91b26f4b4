//! What a front end does with the generated crates alone: build a request, read notifications.

use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::wire::{DecodeError, EncodeError, encode_request};
use codex_appserver_requests::{ThreadStartParams, method};

/// A `thread/start` request as a line to send.
pub fn start_thread(id: i64, model: &str) -> Result<String, EncodeError> {
    let params = ThreadStartParams::new().model(model).cwd("/home/user/project");
    encode_request::<method::ThreadStart>(&id.into(), &params, None)
}

/// What a received notification says, in a few words.
pub fn describe(line: &str) -> Result<String, DecodeError> {
    Ok(match ServerNotification::decode(line)?.notification {
        ServerNotification::TurnCompleted(done) => format!("turn {} is {}", done.turn.id, done.turn.status),
        ServerNotification::Unrecognized(unknown) => format!("{}: {:?}", unknown.method, unknown.params),
        other => other.method().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_the_server_expects() {
        assert_eq!(
            start_thread(1, "gpt-5").unwrap(),
            r#"{"method":"thread/start","id":1,"params":{"cwd":"/home/user/project","model":"gpt-5"}}"#
        );
    }

    #[test]
    fn a_recorded_notification_is_understood() {
        let recording = include_str!("../../fixtures/recorded/turns.jsonl");
        let row = recording.lines().find(|row| row.contains("turn/completed")).unwrap();
        let line = row.split_once("\"line\":\"").unwrap().1.strip_suffix("\"}").unwrap().replace("\\\"", "\"");
        assert_eq!(describe(&line).unwrap(), "turn 00000000-0000-7000-8000-000000000003 is completed");
    }

    #[test]
    fn an_unknown_notification_is_shown() {
        let said = describe(r#"{"method":"new/thing","params":{"a":1}}"#).unwrap();
        assert_eq!(said, r#"new/thing: Some(Object {"a": Number(1)})"#);
    }
}
