//! Messages of the server, for tests.

use codex_appserver_client::Event;
use codex_appserver_methods::protocol::ThreadReadResponse;
use codex_appserver_methods::protocol::wire::{NotificationEnvelope, RequestEnvelope};
use serde_json::{Value, json};

/// A notification, decoded from its line.
pub(super) fn event(method: &str, params: Value) -> Event {
    let line = json!({"method": method, "params": params}).to_string();
    Event::Notification(NotificationEnvelope::decode(&line).expect("a notification"))
}

/// A request, decoded from its line.
pub(super) fn request(method: &str, params: Value) -> Event {
    let line = json!({"method": method, "id": 1, "params": params}).to_string();
    Event::Request(RequestEnvelope::decode(&line).expect("a request"))
}

/// A turn without items, on behalf of the turn `root`.
pub(super) fn turn(id: &str, status: &str, root: &str) -> Value {
    json!({"id": id, "items": [], "status": status, "rootTurnId": root})
}

/// The answer to `thread/read` of a thread `T` with this status.
pub(super) fn read(status: &str, turns: Value) -> ThreadReadResponse {
    let thread = json!({"id": "T", "sessionId": "T", "preview": "", "ephemeral": false, "modelProvider": "",
        "createdAt": 1, "updatedAt": 1, "status": {"type": status, "activeFlags": []}, "cwd": "/", "cliVersion": "0",
        "source": "vscode", "turns": turns, "projectId": null});
    serde_json::from_value(json!({"thread": thread})).expect("a response")
}
