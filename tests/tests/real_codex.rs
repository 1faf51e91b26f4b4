//! The generated calls against the real `codex app-server`, offline.

use codex_appserver_methods::Methods;
use codex_appserver_shapes::CODEX_VERSION;
use codex_appserver_tests::repo::real_codex;
use codex_appserver_tests::stdio::{Failure, Stdio1};
use codex_appserver_types::ClientInfo;
use codex_appserver_wire::{BlockingTransport, RpcErrorKind};

#[test]
fn the_real_server_takes_and_answers_the_generated_calls() {
    let Some(codex) = real_codex("the_real_server_takes_and_answers_the_generated_calls") else { return };
    let client = Stdio1::start(&codex).expect("codex starts");

    let me = ClientInfo::new("codex_appserver_tests", "0.1.0");
    let hello = client.initialize(me).call().expect("initialize");
    assert!(
        hello.user_agent.starts_with(&format!("codex_appserver_tests/{CODEX_VERSION}")),
        "{}",
        hello.user_agent
    );
    client.initialized().call().expect("initialized");

    // Params that are required, optional, nullable, empty and none.
    let thread = client.thread_start().model("gpt-5.5").call().expect("thread/start").thread;
    assert_eq!(client.thread_read(&thread.id).call().expect("thread/read").thread.id, thread.id);
    assert!(!client.model_list().call().expect("model/list").data.is_empty());
    client.config_read().call().expect("config/read");
    client.skills_list().call().expect("skills/list");
    client.mcp_server_status_list().limit(5u32).call().expect("mcpServerStatus/list");
    client.config_requirements_read().call().expect("configRequirements/read");
    client.model_provider_capabilities_read().call().expect("modelProvider/capabilities/read");
    client.account_read().call().expect("account/read");

    // Methods that only our tables know.
    assert!(client.get_auth_status().call().expect("getAuthStatus").auth_method.is_none());
    let error = client.git_diff_to_remote("/nonexistent").call().expect_err("no repository there");
    assert!(matches!(&error, Failure::Rpc(error) if error.message.contains("git diff")), "{error:?}");

    let error = client.thread_read("no-such-thread").call().expect_err("there is no such thread");
    assert!(matches!(&error, Failure::Rpc(error) if error.code == -32600), "{error:?}");
    client.stop().expect("codex stops");
}

/// A thread id that no server ever gave out.
const NO_THREAD: &str = r#"{"threadId":"0199a2b4-0000-7000-8000-000000000000"}"#;

/// What sort of error the server answers with.
#[track_caller]
fn provoke(client: &Stdio1, method: &'static str, params: &str) -> RpcErrorKind {
    match client.send(method, Some(params.to_owned())) {
        Err(Failure::Rpc(error)) => error.kind(),
        other => panic!("{method}: no error of the server but {other:?}"),
    }
}

/// The kinds that one request at a time can provoke: the server is not overloaded by it, and does not answer
/// what is no JSON.
#[test]
fn the_errors_of_the_real_server_are_of_the_kind_they_are_taken_for() {
    use RpcErrorKind::*;
    let Some(codex) = real_codex("the_errors_of_the_real_server_are_of_the_kind_they_are_taken_for") else {
        return;
    };
    let client = Stdio1::start(&codex).expect("codex starts");
    assert_eq!(provoke(&client, "thread/list", "{}"), NotInitialized);
    let hello = r#"{"clientInfo":{"name":"codex_appserver_tests","version":"0.1.0"}}"#;
    client.send("initialize", Some(hello.to_owned())).expect("initialize");
    assert_eq!(provoke(&client, "initialize", hello), AlreadyInitialized);

    for (method, params, kind) in [
        ("no/such/method", "{}", MethodNotFound),
        ("thread/start", r#"{"sandbox":"nope"}"#, InvalidRequest),
        ("thread/read", "{}", InvalidRequest),
        ("thread/read", r#"{"threadId":"no-such-thread"}"#, InvalidRequest),
        ("thread/unarchive", NO_THREAD, InvalidRequest),
        ("thread/read", NO_THREAD, ThreadNotFound),
        ("thread/resume", NO_THREAD, NotRecorded),
        ("thread/compact/start", NO_THREAD, ThreadNotFound),
        ("thread/settings/update", NO_THREAD, NeedsExperimentalApi),
        ("thread/start", r#"{"experimentalRawEvents":true}"#, NeedsExperimentalApi),
        ("fs/readFile", r#"{"path":"/no/such/file"}"#, Internal),
    ] {
        assert_eq!(provoke(&client, method, params), kind, "{method} {params}");
    }
    let thread = client.thread_start().call().expect("thread/start").thread.id;
    let long = "x".repeat((1 << 20) + 1);
    let input = format!(r#"{{"threadId":"{thread}","input":[{{"type":"text","text":"{long}"}}]}}"#);
    assert_eq!(provoke(&client, "turn/start", &input), InvalidParams);
    client.stop().expect("codex stops");

    let client = Stdio1::start(&codex).expect("codex starts");
    let hello = hello.replace("}}", r#"},"capabilities":{"experimentalApi":true}}"#);
    client.send("initialize", Some(hello)).expect("initialize");
    assert_eq!(provoke(&client, "thread/items/list", NO_THREAD), NotRecorded);
    assert_eq!(provoke(&client, "thread/queue/list", NO_THREAD), NotRecorded);
    client.stop().expect("codex stops");
}
