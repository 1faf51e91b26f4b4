//! What a small client makes of the generated crates; `../codex-codes/src/consumer.rs` does the like.

use codex_appserver_methods::Methods;
use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::{
    InitializeResponse, ModelListResponse, ServerRequest, ThreadListResponse, ThreadStartParams,
    ThreadStartResponse, TurnStartParams, TurnStartResponse,
};
use codex_appserver_types::TextUserInput;
use codex_appserver_wire::{self as wire, BlockingTransport, DecodeError, EncodeError, Endpoint};

/// Decodes any notification.
pub fn notification(line: &str) -> Result<usize, DecodeError> {
    ServerNotification::decode(line).map(|envelope| envelope.notification.method().len())
}

/// Decodes any request of the server.
pub fn server_request(line: &str) -> Result<usize, DecodeError> {
    ServerRequest::decode(line).map(|envelope| envelope.request.method().len())
}

/// Decodes the answer to `initialize`.
pub fn initialize(result: &str) -> Result<InitializeResponse, DecodeError> {
    wire::decode(result)
}

/// Decodes the answer to `thread/start`.
pub fn thread_start(result: &str) -> Result<ThreadStartResponse, DecodeError> {
    wire::decode(result)
}

/// Decodes the answer to `turn/start`.
pub fn turn_start(result: &str) -> Result<TurnStartResponse, DecodeError> {
    wire::decode(result)
}

/// Decodes the answer to `thread/list`.
pub fn thread_list(result: &str) -> Result<ThreadListResponse, DecodeError> {
    wire::decode(result)
}

/// Decodes the answer to `model/list`.
pub fn model_list(result: &str) -> Result<ModelListResponse, DecodeError> {
    wire::decode(result)
}

/// Encodes the params of `thread/start`.
pub fn thread_start_params(model: &str) -> Result<String, EncodeError> {
    wire::encode(&ThreadStartParams::new().model(model))
}

/// Encodes the params of `turn/start`.
pub fn turn_start_params(thread_id: &str, text: &str) -> Result<String, EncodeError> {
    wire::encode(&TurnStartParams::new(thread_id, [TextUserInput::new(text).into()]))
}

/// A connection that answers every request alike.
pub struct Canned(pub String);

impl Endpoint for Canned {
    type Error = Box<dyn std::error::Error>;
}

impl BlockingTransport for Canned {
    fn send(&self, _: &'static str, _: Option<String>) -> Result<String, Self::Error> {
        Ok(self.0.clone())
    }

    fn notify(&self, _: &'static str, _: Option<String>) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Calls `turn/start` through its flat wrapper.
pub fn call(
    client: &Canned,
    thread_id: &str,
    text: &str,
) -> Result<TurnStartResponse, Box<dyn std::error::Error>> {
    client.turn_start(thread_id, [TextUserInput::new(text).into()]).model("gpt-5").call()
}
