//! What a front end does with the types of the protocol alone, in a browser as well: build requests, read
//! notifications.

use codex_appserver::Input;
use codex_appserver::protocol::wire::{DecodeError, EncodeError, encode_request};
use codex_appserver::protocol::{ServerNotification, ThreadStartParams, TurnStartParams, method};

/// A `thread/start` request as a line to send.
pub fn start_thread(id: i64, model: &str) -> Result<String, EncodeError> {
    let params = ThreadStartParams::new().model(model).cwd("/home/user/project");
    encode_request::<method::ThreadStart>(&id.into(), &params, None)
}

/// A `turn/start` request as a line to send.
pub fn start_turn(id: i64, thread: &str, input: impl Into<Input>) -> Result<String, EncodeError> {
    let params = TurnStartParams::new(thread, Vec::from(input.into())).effort("high");
    encode_request::<method::TurnStart>(&id.into(), &params, None)
}

/// What a received notification says, in a few words.
pub fn describe(line: &str) -> Result<String, DecodeError> {
    Ok(match ServerNotification::decode(line)?.notification {
        ServerNotification::TurnCompleted(done) => format!("turn {} is {}", done.turn.id, done.turn.status),
        ServerNotification::Unrecognized(unknown) => format!("{}: {:?}", unknown.method, unknown.params),
        other => other.method().to_owned(),
    })
}
