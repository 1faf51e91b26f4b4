//! What tools do that are futures: they wait, are dropped, and make calls of their own.

use std::sync::Arc;
use std::time::Duration;

use codex_appserver::{Codex, Thread, ThreadCall, Tool, ToolCall, Tools};
use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer, Step, Turn};
use serde_json::json;
use tokio::sync::{Barrier, Notify};

use crate::scenarios::{completed, playing, telling};
use crate::support::PATIENCE;
use crate::tools::{call, call_of, results};

/// A thread with tools.
async fn thread(scenario: Scenario, tools: impl Into<Tools>) -> (ScriptedServer, Thread) {
    let (server, stdout, stdin) = ScriptedServer::start_async(scenario).expect("it starts");
    let codex = Codex::builder().experimental_api(true).attach(stdout, stdin).await.expect("it connects");
    let start = codex.thread_start().tools(tools).expect("codex takes them");
    (server, start.await.expect("a thread"))
}

/// Says when it is dropped.
struct Guard(Arc<Notify>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_turn_drops_the_call() {
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, drops) = (begun.clone(), dropped.clone());
    let endless = Tool::new("endless", "Never ends.", move |()| {
        let (guard, begins) = (Guard(drops.clone()), begins.clone());
        async move {
            begins.notify_one();
            std::future::pending::<()>().await;
            drop(guard);
        }
    });
    let fine = Tool::new("fine", "Works.", |()| async { "fine" });
    let (server, _thread) = thread(telling([]), [endless, fine]).await;
    server.play([call("endless", json!({}))]);
    tokio::time::timeout(PATIENCE, begun.notified()).await.expect("it begins");
    server.play([completed("interrupted")]);
    tokio::time::timeout(PATIENCE, dropped.notified()).await.expect("it is dropped");
    // It is not answered: the server would ignore that.
    assert_eq!(
        results(&server, [call("fine", json!({}))], 1),
        [(true, json!([{"type": "inputText", "text": "fine"}]))]
    );
    assert_eq!(server.answers()[0].id, 1);
}

#[tokio::test]
async fn calls_run_at_once() {
    let together = Arc::new(Barrier::new(3));
    let meet = Tool::new("meet", "Waits for the others.", move |()| {
        let together = together.clone();
        async move {
            together.wait().await;
        }
    });
    let (server, _thread) = thread(telling([]), meet).await;
    server.play((0..3).map(|_| call("meet", json!({}))));
    tokio::task::spawn_blocking(move || server.wait_for_answers(3, PATIENCE))
        .await
        .expect("no panic")
        .expect("all");
}

#[tokio::test]
async fn a_panic_while_it_waits_is_a_failure() {
    let panics = Tool::new("panics", "Panics.", |()| async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(1, 2, "a test of panics");
    });
    let (server, _thread) = thread(telling([]), panics).await;
    let results = tokio::task::spawn_blocking(move || results(&server, [call("panics", json!({}))], 1));
    let text = json!([{"type": "inputText", "text": "failed to run the tool `panics`: it panicked"}]);
    assert_eq!(results.await.expect("no panic"), [(false, text)]);
}

/// The tool starts a thread of its own, on the connection that its call came from.
#[tokio::test]
async fn a_tool_may_run_a_turn() {
    let ask = Tool::with_call("ask", "Asks another agent.", |(), call: ToolCall| async move {
        let codex = call.codex().ok_or_else(|| anyhow::anyhow!("the connection is closed"))?;
        let result = codex.thread_start().await?.run("What do you think?").await?.into_result()?;
        anyhow::Ok(result.text().to_owned())
    });
    let (server, thread) = thread(playing([Turn::new(["I ", "think."])]), ask).await;
    let results = tokio::task::spawn_blocking(move || {
        (results(&server, [Step::Request(call_of("thread-1", "outer", "ask", json!({})))], 1), server)
    });
    let (results, server) = results.await.expect("no panic");
    assert_eq!(results, [(true, json!([{"type": "inputText", "text": "I think."}]))]);
    assert_eq!((server.count("thread/start"), thread.id()), (2, "thread-1"));
}

/// Nothing waits for a call that was never sent, or given up.
#[tokio::test]
async fn a_start_that_is_given_up_fails_its_calls() {
    let scenario = Scenario::new().answer("thread/start", Answer::never());
    let (server, stdout, stdin) = ScriptedServer::start_async(scenario).expect("it starts");
    let codex = Codex::builder().experimental_api(true).attach(stdout, stdin).await.expect("it connects");
    let word = || Tool::new("word", "Says a word.", |()| async { "word" });
    // Not polled at all.
    drop(codex.thread_start().tools(word()).expect("codex takes it").into_future());
    let start = codex.thread_start().tools(word()).expect("codex takes it");
    let begun = tokio::time::timeout(Duration::from_millis(20), start).await;
    begun.expect_err("it is given up");
    let results = tokio::task::spawn_blocking(move || results(&server, [call("word", json!({}))], 1));
    let results = tokio::time::timeout(PATIENCE, results).await.expect("it does not hang").expect("no panic");
    assert!(!results[0].0, "{results:?}");
}
