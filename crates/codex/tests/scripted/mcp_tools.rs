//! Tool calls of MCP servers that need leave: who decides, and what is answered.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use codex_appserver::generic::{Approvals, Codex};
use codex_appserver::{ApprovalRequest, Decision};
use codex_appserver_testkit::scripted::{Answer, Ask, Scenario, ScriptedServer, Step};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::{completed, started, telling};
use crate::support::{Kit, PATIENCE, thread};

both!(
    a_tool_call_says_what_it_is_about,
    each_decision_has_its_answer,
    the_turn_of_a_tool_call_decides,
    a_rule_accepts_only_calls_that_were_announced,
    what_is_no_approval_is_not_accepted,
    a_withdrawn_tool_call_wants_no_answer,
);

/// The question about a tool call of a thread, with this `_meta`.
pub fn elicitation(thread: &str, turn: &Value, meta: &Value) -> Step {
    let params = json!({
        "threadId": thread, "turnId": turn, "serverName": "files", "mode": "form", "message": "May it erase?",
        "requestedSchema": {"type": "object", "properties": {}}, "_meta": meta,
    });
    Step::Request(Ask::new("mcpServer/elicitation/request", params).wait())
}

fn meta(what: &str) -> Value {
    json!({
        "codex_approval_kind": "mcp_tool_call", "tool_name": "erase", "tool_params": {"what": what},
        "persist": ["session", "always"],
    })
}

fn asked(what: &str) -> Step {
    elicitation("thread-1", &json!("turn-1"), &meta(what))
}

/// The call that a question is about.
fn announced(id: &str, what: &str) -> Step {
    let item = json!({
        "type": "mcpToolCall", "id": id, "server": "files", "tool": "erase", "status": "inProgress",
        "arguments": {"what": what},
    });
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "item": item, "startedAtMs": 1});
    Step::notify("item/started", params)
}

fn begun(thread: &str, turn: &str, root: &str) -> Step {
    let turn = json!({"id": turn, "items": [], "status": "inProgress", "rootTurnId": root});
    Step::notify("turn/started", json!({"threadId": thread, "turn": turn}))
}

fn results(server: &ScriptedServer) -> Vec<Value> {
    server.answers().into_iter().map(|answer| answer.result.unwrap_or_default()).collect()
}

/// What the server is answered to the steps of a turn.
async fn answers<R: Kit>(approvals: Approvals<R>, steps: impl IntoIterator<Item = Step>) -> Vec<Value> {
    let scenario = telling([started()].into_iter().chain(steps).chain([completed("completed")]));
    let (server, thread) = thread::<R>(Codex::builder().approvals(approvals), scenario).await;
    R::run_on(&thread, "go").await.expect("a result");
    results(&server)
}

fn accepted() -> Value {
    json!({"action": "accept", "content": {}})
}

fn declined() -> Value {
    json!({"action": "decline"})
}

async fn a_tool_call_says_what_it_is_about<R: Kit>() {
    let seen: Arc<Mutex<Vec<ApprovalRequest>>> = Arc::default();
    let keep = seen.clone();
    let approvals = R::ask(move |request| {
        keep.lock().expect("no panic").push(request);
        Decision::Accept
    });
    let mut meta = meta("it");
    meta["tool_title"] = json!("Erase it");
    meta["tool_description"] = json!("Erases.");
    meta["tool_annotations"] = json!({"readOnlyHint": false, "destructiveHint": true});
    let steps = [announced("call-1", "it"), elicitation("thread-1", &json!("turn-1"), &meta)];
    assert_eq!(answers::<R>(approvals, steps).await, [accepted()]);
    let seen = seen.lock().expect("no panic");
    let request = &seen[0];
    assert_eq!(request.thread_id(), "thread-1");
    assert_eq!((request.turn_id(), request.item_id()), (Some("turn-1"), Some("call-1")));
    assert_eq!((request.mcp_tool(), request.reason()), (Some(("files", "erase")), Some("May it erase?")));
    assert!(request.asks_for_more());
    let ApprovalRequest::McpTool(asked) = request else { panic!("{request:?}") };
    assert_eq!((asked.title.as_deref(), asked.description.as_deref()), (Some("Erase it"), Some("Erases.")));
    assert_eq!(asked.params, Some(json!({"what": "it"})));
    assert_eq!((asked.annotations.read_only, asked.annotations.destructive), (Some(false), Some(true)));
    assert!(asked.can_remember_for_session && asked.can_remember_always);
    assert_eq!(json!(asked.meta), meta);
}

async fn each_decision_has_its_answer<R: Kit>() {
    let remembered = |way: &str| json!({"action": "accept", "content": {}, "_meta": {"persist": way}});
    let rule = codex_appserver::protocol::CommandExecutionApprovalDecision::Accept;
    for (decision, offered, answer) in [
        (Decision::Accept, json!(["session", "always"]), accepted()),
        (Decision::AcceptForSession, json!(["session", "always"]), remembered("session")),
        (Decision::AcceptAlways, json!(["session", "always"]), remembered("always")),
        // What is not offered is not remembered.
        (Decision::AcceptForSession, json!("always"), accepted()),
        (Decision::AcceptAlways, json!("session"), remembered("session")),
        (Decision::AcceptAlways, Value::Null, accepted()),
        (Decision::AcceptAlways, json!({"always": true}), accepted()),
        (Decision::Decline, json!("session"), declined()),
        (Decision::Cancel, json!("session"), json!({"action": "cancel"})),
        (rule.into(), json!("session"), declined()),
    ] {
        let mut meta = meta("it");
        meta["persist"] = offered.clone();
        let approvals = R::ask({
            let decision = decision.clone();
            move |_| decision.clone()
        });
        let steps = [elicitation("thread-1", &json!("turn-1"), &meta)];
        assert_eq!(answers::<R>(approvals, steps).await, [answer], "{decision:?} {offered}");
    }
}

async fn the_turn_of_a_tool_call_decides<R: Kit>() {
    let ask = |thread: &str, turn: Value| elicitation(thread, &turn, &meta("it"));
    // Where the connection accepts: who asks, and the answer if the turn, the thread or neither has approvals.
    for (steps, of_turn, of_thread, of_neither) in [
        (vec![ask("thread-1", json!("turn-1"))], "decline", "decline", "accept"),
        // The turn that runs on the thread.
        (vec![ask("thread-1", Value::Null)], "decline", "decline", "accept"),
        (
            vec![begun("helper", "errand", "turn-1"), ask("helper", json!("errand"))],
            "decline",
            "decline",
            "accept",
        ),
        (
            vec![begun("helper", "errand", "turn-1"), ask("helper", Value::Null)],
            "decline",
            "decline",
            "accept",
        ),
        // It may be a sub-agent, of which this client was not told.
        (vec![ask("stranger", Value::Null)], "decline", "decline", "accept"),
        (vec![begun("stranger", "work", "work"), ask("stranger", Value::Null)], "accept", "accept", "accept"),
    ] {
        for (place, word) in [("turn", of_turn), ("thread", of_thread), ("neither", of_neither)] {
            let until = Step::Until("thread/name/set".into());
            let steps = [until, started()].into_iter().chain(steps.clone()).chain([completed("completed")]);
            let scenario = telling(steps).answer("thread/name/set", Answer::result(json!({})));
            let accepting = Codex::builder().approvals(R::ask(|_| Decision::Accept));
            let (server, thread) = thread::<R>(accepting, scenario).await;
            let turn = R::send(thread.turn("go")).await.expect("a turn");
            match place {
                "turn" => turn.on_approval(Approvals::decline_all()),
                "thread" => thread.on_approval(Approvals::decline_all()),
                _ => {}
            }
            R::send(thread.set_name("now")).await.expect("it is named");
            R::run_turn(&turn).await.expect("a result");
            assert_eq!(results(&server)[0]["action"], word, "{place}: {:?}", server.answers());
        }
    }
}

async fn a_rule_accepts_only_calls_that_were_announced<R: Kit>() {
    let approvals = || Approvals::accept_for_session_if(|asked| asked.mcp_tool() == Some(("files", "erase")));
    let remembered = json!({"action": "accept", "content": {}, "_meta": {"persist": "session"}});
    let steps = [
        announced("call-1", "it"),
        asked("it"),
        // The MCP server asks once more, in the same words.
        asked("it"),
        announced("call-2", "this"),
        asked("that"),
    ];
    assert_eq!(answers::<R>(approvals(), steps).await, [remembered, declined(), declined()]);
}

async fn what_is_no_approval_is_not_accepted<R: Kit>() {
    let mut other_kind = meta("it");
    other_kind["codex_approval_kind"] = json!("tool_suggestion");
    let mut odd_kind = meta("it");
    odd_kind["codex_approval_kind"] = json!(["mcp_tool_call"]);
    let mut nameless = meta("it");
    nameless["tool_name"] = json!(7);
    for meta in [Value::Null, json!("mcp_tool_call"), other_kind, odd_kind, nameless] {
        let approvals = R::ask(|request| panic!("{request:?}"));
        let steps = [elicitation("thread-1", &json!("turn-1"), &meta)];
        assert_eq!(answers::<R>(approvals, steps).await, [declined()], "{meta}");
    }
    // What does not decode cannot be an approval.
    for (member, value) in
        [("serverName", json!(5)), ("threadId", Value::Null), ("requestedSchema", json!("x"))]
    {
        let Step::Request(mut ask) = asked("it") else { panic!("it is a request") };
        ask.params[member] = value;
        let scenario = telling([started(), Step::Request(ask), completed("completed")]);
        let builder = Codex::builder().approvals(R::ask(|_| Decision::Accept));
        let (server, thread) = thread::<R>(builder, scenario).await;
        R::run_on(&thread, "go").await.expect("a result");
        assert_eq!(results(&server), [declined()], "{member}");
    }
}

async fn a_withdrawn_tool_call_wants_no_answer<R: Kit>() {
    let Step::Request(ask) = self::asked("it") else { panic!("it is a request") };
    let ask = Step::Request(Ask { wait: false, ..ask });
    let withdrawn = Step::notify("serverRequest/resolved", json!({"threadId": "thread-1", "requestId": 0}));
    let (release, held) = channel::<()>();
    let (tell, asked) = channel::<()>();
    let both = Mutex::new((tell, held));
    // It decides only when the question is gone.
    let approvals = R::ask(move |_| {
        let both = both.lock().expect("no panic");
        both.0.send(()).expect("the test waits");
        both.1.recv_timeout(PATIENCE).expect("it is released");
        Decision::Accept
    });
    let named = Answer::result(json!({})).then([withdrawn, completed("completed")]);
    let scenario: Scenario = telling([started(), ask]).answer("thread/name/set", named);
    let (server, thread) = thread::<R>(Codex::builder().approvals(approvals), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    asked.recv_timeout(PATIENCE).expect("it is asked");
    R::send(thread.set_name("now")).await.expect("it is named");
    assert!(R::run_turn(&turn).await.expect("a result").is_completed());
    release.send(()).expect("it waits");
    R::send(thread.set_name("later")).await.ok();
    assert!(server.answers().is_empty(), "{:?}", server.answers());
}
