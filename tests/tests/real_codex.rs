//! The generated calls against the real `codex app-server`, offline.

use codex_appserver_methods::Methods;
use codex_appserver_tests::repo::real_codex;
use codex_appserver_tests::stdio::{Failure, Stdio1};
use codex_appserver_types::ClientInfo;

#[test]
fn the_real_server_takes_and_answers_the_generated_calls() {
    let Some(codex) = real_codex("the_real_server_takes_and_answers_the_generated_calls") else { return };
    let client = Stdio1::start(&codex).expect("codex starts");

    let me = ClientInfo::new("codex_appserver_tests", "0.1.0");
    let hello = client.initialize(me).call().expect("initialize");
    assert!(hello.user_agent.starts_with("codex_appserver_tests/0.169.0"), "{}", hello.user_agent);
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
