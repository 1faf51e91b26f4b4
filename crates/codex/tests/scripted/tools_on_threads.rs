//! What tools do that are functions: they block, look whether they are still wanted, and make calls of their own.

use std::sync::{Arc, Barrier, mpsc};
use std::time::Instant;

use codex_appserver::ThreadCall;
use codex_appserver::blocking::{Codex, Thread, Tool, ToolCall, Tools};
use codex_appserver_testkit::scripted::{Scenario, ScriptedServer, Step, Turn};
use serde_json::json;

use crate::scenarios::{completed, playing, telling};
use crate::support::PATIENCE;
use crate::tools::{call, call_of, results};

/// A thread with tools.
fn thread(scenario: Scenario, tools: impl Into<Tools>) -> (ScriptedServer, Thread) {
    let (server, stdout, stdin) = ScriptedServer::start(scenario).expect("it starts");
    let codex = Codex::builder().experimental_api(true).attach(stdout, stdin).expect("it connects");
    let start = codex.thread_start().tools(tools).expect("codex takes them");
    (server, start.call().expect("a thread"))
}

#[test]
fn the_end_of_the_turn_cancels_the_call() {
    let (cancelled, cancels) = mpsc::channel();
    let endless = Tool::with_call("endless", "Never ends.", move |(), call: ToolCall| {
        let begun = Instant::now();
        cancelled.send(false).expect("the test waits");
        while !call.is_cancelled() && begun.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
        cancelled.send(call.is_cancelled()).expect("the test waits");
    });
    let fine = Tool::new("fine", "Works.", |()| "fine");
    let (server, _thread) = thread(telling([]), [endless, fine]);
    server.play([call("endless", json!({}))]);
    assert_eq!(cancels.recv_timeout(PATIENCE), Ok(false), "it begins");
    server.play([completed("interrupted")]);
    assert_eq!(cancels.recv_timeout(PATIENCE), Ok(true), "it is cancelled");
    // It is not answered: the server would ignore that.
    assert_eq!(
        results(&server, [call("fine", json!({}))], 1),
        [(true, json!([{"type": "inputText", "text": "fine"}]))]
    );
    assert_eq!(server.answers()[0].id, 1);
}

#[test]
fn calls_run_at_once() {
    let together = Arc::new(Barrier::new(3));
    let meet = Tool::new("meet", "Waits for the others.", move |()| {
        together.wait();
    });
    let (server, _thread) = thread(telling([]), meet);
    server.play((0..3).map(|_| call("meet", json!({}))));
    server.wait_for_answers(3, PATIENCE).expect("all answers");
}

/// The tool starts a thread of its own, on the connection that its call came from.
#[test]
fn a_tool_may_run_a_turn() {
    let ask = Tool::with_call("ask", "Asks another agent.", |(), call: ToolCall| {
        let codex = call.codex().ok_or_else(|| anyhow::anyhow!("the connection is closed"))?;
        let result = codex.thread_start().call()?.run("What do you think?")?.into_result()?;
        anyhow::Ok(result.text().to_owned())
    });
    let (server, thread) = thread(playing([Turn::new(["I ", "think."])]), ask);
    let results = results(&server, [Step::Request(call_of("thread-1", "outer", "ask", json!({})))], 1);
    assert_eq!(results, [(true, json!([{"type": "inputText", "text": "I think."}]))]);
    assert_eq!((server.count("thread/start"), thread.id()), (2, "thread-1"));
}
