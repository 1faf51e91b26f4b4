//! What a small client makes of codex-codes, decoding and encoding through `Value` as its own clients do;
//! `../ours/src/consumer.rs` does the like.

use codex_codes::{
    Error, InitializeResponse, ModelListResponse, ServerMessage, ThreadListResponse, ThreadStartParams,
    ThreadStartResponse, TurnStartParams, TurnStartResponse, UserInput,
};
use serde_json::Value;

/// Decodes any notification and any request of the server.
pub fn server_message(line: &str) -> Result<usize, Error> {
    ServerMessage::from_json_str(line).map(|message| match message {
        ServerMessage::Notification(notification) => notification.method().len(),
        ServerMessage::Request { request, .. } => request.method().len(),
    })
}

/// Decodes the answer to `initialize`.
pub fn initialize(result: Value) -> serde_json::Result<InitializeResponse> {
    serde_json::from_value(result)
}

/// Decodes the answer to `thread/start`.
pub fn thread_start(result: Value) -> serde_json::Result<ThreadStartResponse> {
    serde_json::from_value(result)
}

/// Decodes the answer to `turn/start`.
pub fn turn_start(result: Value) -> serde_json::Result<TurnStartResponse> {
    serde_json::from_value(result)
}

/// Decodes the answer to `thread/list`.
pub fn thread_list(result: Value) -> serde_json::Result<ThreadListResponse> {
    serde_json::from_value(result)
}

/// Decodes the answer to `model/list`.
pub fn model_list(result: Value) -> serde_json::Result<ModelListResponse> {
    serde_json::from_value(result)
}

/// Encodes the params of `thread/start`.
pub fn thread_start_params(model: &str) -> serde_json::Result<Value> {
    serde_json::to_value(ThreadStartParams { model: Some(model.to_owned()), ..ThreadStartParams::default() })
}

/// Encodes the params of `turn/start`.
pub fn turn_start_params(thread_id: &str, text: &str) -> serde_json::Result<Value> {
    serde_json::to_value(TurnStartParams {
        input: vec![UserInput::Text { text: text.to_owned(), text_elements: None }],
        thread_id: thread_id.to_owned(),
        ..TurnStartParams::default()
    })
}
