//! The flat wrappers on an async and on a blocking transport, and what they send.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use codex_appserver_methods::{BlockingServerRequestHandler, Methods, ServerRequestHandler};
use codex_appserver_requests::*;
use codex_appserver_types::{TextUserInput, UserInput};
use codex_appserver_wire::{
    BlockingTransport, DecodeError, EncodeError, Endpoint, HandlerError, RpcError, Transport,
};

/// Keeps what was sent and answers with a fixed result.
struct Recorder {
    sent: Mutex<Vec<String>>,
    result: &'static str,
}

impl Recorder {
    fn answering(result: &'static str) -> Self {
        Self { sent: Mutex::default(), result }
    }

    fn keep(&self, method: &str, params: Option<String>) {
        let line = format!("{method} {}", params.as_deref().unwrap_or("-"));
        self.sent.lock().expect("no panic").push(line);
    }

    fn sent(&self) -> Vec<String> {
        self.sent.lock().expect("no panic").drain(..).collect()
    }
}

#[derive(Debug)]
struct Failure {
    text: String,
    raw: Option<String>,
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        Self { text: error.to_string(), raw: None }
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self { text: error.to_string(), raw: error.raw().map(str::to_owned) }
    }
}

impl Endpoint for Recorder {
    type Error = Failure;
}

impl Transport for Recorder {
    async fn send(&self, method: &'static str, params: Option<String>) -> Result<String, Failure> {
        self.keep(method, params);
        Ok(self.result.to_owned())
    }

    async fn notify(&self, method: &'static str, params: Option<String>) -> Result<(), Failure> {
        self.keep(method, params);
        Ok(())
    }
}

impl BlockingTransport for Recorder {
    fn send(&self, method: &'static str, params: Option<String>) -> Result<String, Failure> {
        self.keep(method, params);
        Ok(self.result.to_owned())
    }

    fn notify(&self, method: &'static str, params: Option<String>) -> Result<(), Failure> {
        self.keep(method, params);
        Ok(())
    }
}

/// A future that never waits needs no runtime.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the recorder never waits"),
    }
}

#[test]
fn required_params_are_arguments_and_optional_ones_setters() {
    let client = Recorder::answering(r#"{"turn":{"id":"u","items":[],"status":"inProgress"}}"#);
    let input = [UserInput::from(TextUserInput::new("hi"))];
    let turn = ready(async { client.turn_start("t", input.clone()).effort("high").model("gpt-5").await });
    assert_eq!(turn.expect("decodes").turn.id, "u");
    client.turn_start("t", input).call().expect("decodes");
    assert_eq!(
        client.sent(),
        [
            r#"turn/start {"effort":"high","input":[{"type":"text","text":"hi","text_elements":[]}],"model":"gpt-5","threadId":"t"}"#,
            r#"turn/start {"input":[{"type":"text","text":"hi","text_elements":[]}],"threadId":"t"}"#,
        ]
    );
}

#[test]
fn every_kind_of_params_is_sent_as_the_server_takes_it() {
    let client = Recorder::answering("{}");
    client.account_logout().call().expect("no params");
    client.model_provider_capabilities_read().map(drop).call().ok();
    client.account_rate_limits_read().map(drop).call().ok();
    client.account_rate_limits_read().exclude_reset_credit_details(true).map(drop).call().ok();
    client.account_login_start(ApiKeyLoginAccountParams::new("k")).map(drop).call().ok();
    client.initialized().call().expect("a notification");
    ready(async { client.initialized().await }).expect("a notification");
    assert_eq!(
        client.sent(),
        [
            "account/logout -",
            "modelProvider/capabilities/read {}",
            "account/rateLimits/read -",
            r#"account/rateLimits/read {"excludeResetCreditDetails":true}"#,
            r#"account/login/start {"type":"apiKey","apiKey":"k"}"#,
            "initialized -",
            "initialized -",
        ]
    );
}

#[test]
fn a_response_can_become_something_else_and_keeps_the_setters() {
    let client = Recorder::answering(r#"{"data":[]}"#);
    let calls = RefCell::new(0);
    let count = client.thread_list().map(|response| {
        *calls.borrow_mut() += 1;
        response.data.len()
    });
    assert_eq!(count.limit(3u32).call().expect("decodes"), 0);
    assert_eq!((calls.into_inner(), client.sent()), (1, vec![r#"thread/list {"limit":3}"#.to_owned()]));
}

#[test]
fn a_broken_answer_names_the_method_and_is_kept() {
    let client = Recorder::answering(r#"{"turn":{"id":1}}"#);
    let blocking = client.turn_start("t", []).call().expect_err("an id is a string");
    let awaited = ready(async { client.turn_start("t", []).await }).expect_err("an id is a string");
    for error in [blocking, awaited] {
        assert_eq!(error.text, "turn/start: result.turn.id: invalid type: integer `1`, expected a string");
        assert_eq!(error.raw.as_deref(), Some(client.result));
    }
}

struct Approver;

impl ServerRequestHandler for Approver {
    async fn attestation_generate(
        &self,
        _: AttestationGenerateParams,
    ) -> Result<AttestationGenerateResponse, HandlerError> {
        Err(RpcError::internal("no attestation here").into())
    }
}

impl BlockingServerRequestHandler for Approver {}

#[test]
fn nothing_is_accepted_by_default() {
    let ask = r#"{"method":"item/fileChange/requestApproval","id":3,"params":
        {"threadId":"t","turnId":"u","itemId":"i","startedAtMs":1}}"#;
    let request = ServerRequest::decode(ask).expect("decodes").request;
    let unhandled = Err(HandlerError::Unhandled);
    assert_eq!(ready(ServerRequestHandler::handle(&Approver, request.clone())), unhandled);
    assert_eq!(BlockingServerRequestHandler::handle(&Approver, request), unhandled);
    let unknown = ServerRequest::decode(r#"{"method":"new/ask","id":1}"#).expect("decodes").request;
    assert_eq!(ready(ServerRequestHandler::handle(&Approver, unknown.clone())), unhandled);
    assert_eq!(BlockingServerRequestHandler::handle(&Approver, unknown), unhandled);
}

#[test]
fn an_error_of_a_handler_is_not_taken_for_an_unhandled_request() {
    let ask = r#"{"method":"attestation/generate","id":0,"params":{}}"#;
    let request = ServerRequest::decode(ask).expect("decodes").request;
    let answer = ready(ServerRequestHandler::handle(&Approver, request.clone()));
    assert_eq!(answer, Err(HandlerError::Rpc(RpcError::internal("no attestation here"))));
    assert_eq!(BlockingServerRequestHandler::handle(&Approver, request), Err(HandlerError::Unhandled));
}

#[test]
fn the_wrappers_and_the_shapes_are_of_one_codex() {
    assert_eq!(codex_appserver_methods::CODEX_VERSION, codex_appserver_shapes::CODEX_VERSION);
}
