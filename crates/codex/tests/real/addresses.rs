//! The real codex on its default socket, and behind its proxy.

use codex_appserver::client::Process;
use codex_appserver::{Address, ClientError, Codex, Error, blocking};
use codex_appserver_testkit::Reply;

use crate::listening::Listening;
use crate::stage::Stage;

/// The proxy of the codex whose home this is.
fn proxy(stage: &Stage) -> Address {
    Address::from(
        Process::from_command(&stage.command()).env_clear().envs(stage.home.environment()).arg("proxy"),
    )
}

fn blocking(stage: &Stage) -> blocking::CodexBuilder {
    let process = stage.process();
    blocking::Codex::builder().process(|_| process)
}

async fn run(codex: &Codex) -> String {
    let thread = codex.thread_start().await.expect("a thread");
    let result = thread.run("Say hello.").await.expect("a turn");
    result.text().to_owned()
}

#[tokio::test]
async fn the_default_socket_is_that_of_the_home() {
    let Some(stage) = Stage::set([Reply::text("Hello."), Reply::text("Hello again.")]) else { return };
    let server = Listening::start_default(&stage);
    // The address is the text `unix://`.
    let codex = server.connect(|| stage.builder()).await;
    assert_eq!(run(&codex).await, "Hello.");
    codex.close().await;
    let codex = stage.builder().connect_default().await.expect("the same server");
    assert_eq!(run(&codex).await, "Hello again.");
    codex.close().await;
    let on_threads = tokio::task::spawn_blocking(move || {
        let codex = blocking(&stage).connect_default().expect("the same server");
        let threads = codex.thread_list().call().expect("the threads of both turns").data.len();
        codex.close();
        (stage, threads)
    });
    let (_stage, threads) = on_threads.await.expect("a thread");
    assert_eq!(threads, 2);
}

#[tokio::test]
async fn a_proxy_leads_to_the_server() {
    let Some(stage) = Stage::set([Reply::text("Hello."), Reply::text("Hello again.")]) else { return };
    let server = Listening::start_default(&stage);
    server.connect(|| stage.builder()).await.close().await;
    let codex = Codex::builder().connect_to(&proxy(&stage)).await.expect("a connection");
    assert_eq!(run(&codex).await, "Hello.");
    // The proxy ends with its input, and the server goes on.
    let status = codex.close().await.expect("the proxy has ended");
    assert!(status.success(), "{status}");
    let on_threads = tokio::task::spawn_blocking(move || {
        let codex = blocking(&stage).connect_to(&proxy(&stage)).expect("a connection");
        let thread = codex.thread_start().call().expect("a thread");
        let text = thread.run("Say hello.").expect("a turn").text().to_owned();
        (codex.close().expect("the proxy has ended"), text)
    });
    let (status, text) = on_threads.await.expect("a thread");
    assert!(status.success() && text == "Hello again.", "{status}: {text}");
}

/// Without a server the proxy says so on its standard error, and ends.
#[tokio::test]
async fn a_proxy_without_a_server_says_why() {
    let Some(stage) = Stage::set([]) else { return };
    let error = Codex::builder().connect_to(&proxy(&stage)).await.expect_err("no server");
    assert!(matches!(error, Error::Client(ClientError::Connect { .. })), "{error:?}");
    let text = error.to_string();
    for expected in
        ["app-server proxy`: ", "the process ended with exit status: 1", "failed to connect to socket at "]
    {
        assert!(text.contains(expected), "{text}");
    }
    let error = stage.builder().connect_default().await.expect_err("no server").to_string();
    assert!(error.contains("app-server-control.sock: ") && error.contains("--listen unix://"), "{error}");
}
