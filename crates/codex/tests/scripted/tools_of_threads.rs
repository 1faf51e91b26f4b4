//! Which threads have which tools, and from when on: threads that are started, resumed, forked, of sub-agents, of others.

use std::time::Duration;

use codex_appserver::client::Unhandled;
use codex_appserver::client::wire::Request;
use codex_appserver::generic::Codex;
use codex_appserver::protocol::method;
use codex_appserver::{Decision, ThreadCall};
use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer, Step};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::{completed, started, telling};
use crate::support::{Kit, PATIENCE};
use crate::tools::{DECLINED, call, call_of, call_on, experimental, results, says, text};

both!(
    a_call_before_the_thread_is_known_waits,
    a_call_for_a_thread_that_is_never_started_fails,
    a_resumed_thread_finds_its_tools_by_name,
    a_fork_takes_the_tools_over,
    a_sub_agent_has_the_tools_of_its_thread,
    tools_can_be_replaced,
    calls_for_threads_of_others_are_left_to_them,
    a_thread_has_its_approvals_from_the_start,
);

/// An answer that the server holds back until [`beside`] says so.
fn held(answer: Answer) -> Answer {
    answer.until("release")
}

/// On an OS thread of its own: plays steps once the server holds an answer back, waits for answers of the client, has the
/// server go on, and waits for as many answers as there are requests.
fn beside<R: Kit>(
    server: ScriptedServer,
    codex: &Codex<R>,
    method: &'static str,
    steps: Vec<Step>,
    answers: u64,
) -> std::thread::JoinHandle<(ScriptedServer, Vec<(bool, Value)>)> {
    let client = codex.client().clone();
    std::thread::spawn(move || {
        server.wait_for(method, 1, PATIENCE).expect("the call is sent");
        let requests = steps.len() as u64;
        server.play(steps);
        while client.stats().server_requests < requests {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(20));
        server.wait_for_answers(answers, PATIENCE).expect("these do not wait");
        assert_eq!(server.answers().len() as u64, answers, "the others wait");
        client.notify_raw("release", json!({})).expect("it is sent");
        let results = results(&server, [], requests);
        (server, results)
    })
}

/// The server calls a tool as soon as it has sent the answer, and here even before.
async fn a_call_before_the_thread_is_known_waits<R: Kit>() {
    for method in ["thread/start", "thread/fork"] {
        let scenario = Scenario::new().answer(method, held(Answer::thread()));
        let (server, codex) = R::attach(experimental(), scenario).await;
        let beside = beside(server, &codex, method, vec![call("word", json!({}))], 0);
        let tool = says("word", "late");
        let opened = match method {
            "thread/start" => R::send(codex.thread_start().tools(tool).expect("codex takes it")).await,
            _ => R::send(codex.thread_fork("source").tools(tool).expect("codex takes it")).await,
        };
        opened.expect("a thread");
        assert_eq!(text(&beside.join().expect("no panic").1[0]), (true, "late"), "{method}");
    }
}

async fn a_call_for_a_thread_that_is_never_started_fails<R: Kit>() {
    let scenario = Scenario::new().answer("thread/start", held(Answer::error(-32600, "no")));
    let (server, codex) = R::attach(experimental(), scenario).await;
    let beside = beside(server, &codex, "thread/start", vec![call("word", json!({}))], 0);
    R::send(codex.thread_start().tools(says("word", "")).expect("codex takes it"))
        .await
        .expect_err("it is refused");
    assert_eq!(text(&beside.join().expect("no panic").1[0]), (false, DECLINED));
}

/// The server is told nothing of the tools. They are there before it answers, also without the experimental API.
async fn a_resumed_thread_finds_its_tools_by_name<R: Kit>() {
    let (server, codex) = R::start(Scenario::new().answer("thread/resume", held(Answer::thread()))).await;
    let calls = vec![call("word", json!({})), call("gone", json!({}))];
    let beside = beside(server, &codex, "thread/resume", calls, 2);
    let resume = codex.thread_resume("thread-1").tools([says("word", "again")]).expect("codex takes it");
    R::send(resume).await.expect("a thread");
    let (server, results) = beside.join().expect("no panic");
    assert_eq!(server.params("thread/resume"), [json!({"threadId": "thread-1", "excludeTurns": true})]);
    assert_eq!(text(&results[0]), (true, "again"));
    let (success, text) = text(&results[1]);
    assert!(!success && text.contains("`gone`") && text.contains("`word`"), "{text}");
}

async fn a_fork_takes_the_tools_over<R: Kit>() {
    let fork = |id: &str| {
        let Value::Object(result) = fork_result(id) else { unreachable!("it is an object") };
        Answer::result(result.into())
    };
    let scenario = telling([]).answer("thread/fork", fork("fork-1")).answer("thread/fork", fork("fork-2"));
    let (server, codex) = R::attach(experimental(), scenario).await;
    let start = codex.thread_start().tools(says("word", "inherited")).expect("codex takes it");
    let thread = R::send(start).await.expect("a thread");
    let fork = R::send(thread.fork()).await.expect("a fork");
    let other = thread.fork().tools(says("word", "own")).expect("codex takes it");
    let other = R::send(other).await.expect("a fork");
    let calls = [thread.id(), fork.id(), other.id()].map(|id| call_on(id, "word"));
    let results = results(&server, calls, 3);
    let texts: Vec<_> = results.iter().map(text).collect();
    assert_eq!(texts, [(true, "inherited"), (true, "inherited"), (true, "own")]);
    let forked = json!({"threadId": "thread-1", "excludeTurns": true});
    assert_eq!(server.params("thread/fork"), [forked.clone(), forked]);
}

fn fork_result(id: &str) -> Value {
    json!({
        "thread": {
            "id": id, "sessionId": id, "preview": "", "ephemeral": false, "modelProvider": "scripted",
            "createdAt": 1, "updatedAt": 1, "status": {"type": "idle"}, "cwd": "/workspace", "cliVersion": "0",
            "source": "vscode", "turns": [], "projectId": null,
        },
        "model": "gpt-5.5", "modelProvider": "scripted", "cwd": "/workspace", "approvalPolicy": "on-request",
        "approvalsReviewer": "user", "sandbox": {"type": "readOnly", "networkAccess": false},
    })
}

async fn a_sub_agent_has_the_tools_of_its_thread<R: Kit>() {
    let (server, codex) = R::attach(experimental(), telling([])).await;
    let start = codex.thread_start().tools(says("word", "found")).expect("codex takes it");
    let _thread = R::send(start).await.expect("a thread");
    let begun = |thread: &str, turn: &str, root: &str| {
        let turn = json!({"id": turn, "items": [], "status": "inProgress", "rootTurnId": root});
        Step::notify("turn/started", json!({"threadId": thread, "turn": turn}))
    };
    let steps = [
        begun("thread-1", "turn-1", "turn-1"),
        begun("helper", "errand", "turn-1"),
        Step::Request(call_of("helper", "errand", "word", json!({}))),
        begun("stranger", "work", "elsewhere"),
        Step::Request(call_of("stranger", "work", "word", json!({}))),
        completed("completed"),
        Step::Request(call_of("helper", "errand", "word", json!({}))),
    ];
    let results = results(&server, steps, 3);
    let texts: Vec<_> = results.iter().map(text).collect();
    assert_eq!(texts, [(true, "found"), (false, DECLINED), (true, "found")], "it may outlive the turn");
}

async fn tools_can_be_replaced<R: Kit>() {
    let (server, codex) =
        R::attach(experimental(), telling([]).answer("thread/resume", Answer::thread())).await;
    let start = codex.thread_start().tools(says("word", "old")).expect("codex takes it");
    let thread = R::send(start).await.expect("a thread");
    // A tool that holds a thread can be replaced.
    let held = R::tool("word", move |(), _| thread.id().len().to_string());
    for tool in [held, says("word", "new")] {
        let resume = codex.thread_resume("thread-1").tools(tool).expect("codex takes it");
        R::send(resume).await.expect("a thread");
    }
    assert_eq!(text(&results(&server, [call("word", json!({}))], 1)[0]), (true, "new"));
}

/// On a shared server: a thread of others, one that was resumed to watch it, one that was started without tools, one that
/// was resumed with its tools.
async fn calls_for_threads_of_others_are_left_to_them<R: Kit>() {
    let builder = experimental().client(|client| client.unhandled(Unhandled::LeaveToOthers));
    let resumed = |id: &str| Answer::result(fork_result(id));
    let scenario =
        telling([]).answer("thread/resume", resumed("watched")).answer("thread/resume", resumed("served"));
    let (server, codex) = R::attach(builder, scenario).await;
    let _own = R::send(codex.thread_start()).await.expect("a thread");
    let _watched = R::send(codex.thread_resume("watched")).await.expect("a thread");
    let resume = codex.thread_resume("served").tools(says("word", "mine")).expect("codex takes it");
    let _served = R::send(resume).await.expect("a thread");
    let threads = ["theirs", "watched", "thread-1", "served"];
    let mut results = results(&server, threads.map(|thread| call_on(thread, "word")), 2);
    // The ids count all four calls.
    let ids: Vec<_> = server.answers().iter().filter_map(|answer| answer.id.as_i64()).collect();
    assert!(ids.len() == 2 && ids.contains(&2) && ids.contains(&3), "{ids:?}");
    let last = results.pop().expect("two");
    assert_eq!((text(&results[0]), text(&last)), ((false, DECLINED), (true, "mine")));
}

/// A command of the first turn, and one that a shared server repeats before it answers `thread/resume`.
async fn a_thread_has_its_approvals_from_the_start<R: Kit>() {
    let asked = |thread: &str| {
        let params =
            json!({"threadId": thread, "turnId": "turn-1", "itemId": "i", "startedAtMs": 1, "command": "ls"});
        Step::ask(method::ItemCommandExecutionRequestApproval::METHOD, params)
    };
    let resumed = Answer::never().then([
        asked("resumed"),
        asked("elsewhere"),
        Step::Json(json!({"id": "$id", "result": fork_result("resumed")})),
    ]);
    let scenario =
        telling([started(), asked("thread-1"), completed("completed")]).answer("thread/resume", resumed);
    let (server, codex) = R::start(scenario).await;
    let accepting = R::ask(|_| Decision::Accept);
    let thread = R::send(codex.thread_start().approvals(accepting)).await.expect("a thread");
    R::run_on(&thread, "go").await.expect("a result");
    let approvals = R::ask(|_| Decision::AcceptForSession);
    R::send(codex.thread_resume("resumed").approvals(approvals)).await.expect("a thread");
    let words: Vec<_> = server
        .answers()
        .into_iter()
        .map(|answer| answer.result.unwrap_or_default()["decision"].clone())
        .collect();
    assert_eq!(words, ["accept", "acceptForSession", "decline"]);
}
