//! Who decides what the agent may do.

use std::sync::{Arc, Mutex};

use codex_appserver::generic::{Approvals, Codex};
use codex_appserver::protocol::{
    CommandExecutionApprovalDecision, GrantedPermissionProfile, PermissionGrantScope,
    PermissionsRequestApprovalResponse,
};
use codex_appserver::{ApprovalRequest, Decision};
use codex_appserver_testkit::scripted::{Answer, Ask, Scenario, ScriptedServer, Step, Turn};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::{completed, playing, started, telling};
use crate::support::{Kit, PATIENCE, thread};

both!(
    requests_are_declined_by_default,
    a_request_says_what_it_is_about,
    a_rule_accepts_for_the_session,
    turns_decide_before_threads_and_threads_before_connections,
    a_turn_keeps_its_approvals_until_it_ends,
    a_sub_agent_counts_as_its_turn,
    a_rule_does_not_accept_unknown_changes,
    approvals_that_hold_a_turn_can_be_replaced,
    file_changes_come_with_their_diff,
    permissions_are_granted_as_asked,
    an_answer_for_commands_declines_anything_else,
    some_permissions_are_granted_and_others_not,
    approvals_are_taken_off_again,
);

/// What asks for leave, and with what.
fn ask(kind: &str, more: &Value) -> Ask {
    let mut params = json!({"threadId": "$params.threadId", "turnId": "turn-$count", "itemId": "call-1", "startedAtMs": 1});
    for (name, value) in more.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    Ask::new(format!("item/{kind}/requestApproval"), params).wait()
}

fn command() -> Ask {
    ask(
        "commandExecution",
        &json!({
            "command": "rm -r /", "cwd": "/workspace", "reason": "to be sure",
            "availableDecisions": ["accept", "cancel"],
        }),
    )
}

fn permissions() -> Ask {
    ask("permissions", &json!({"cwd": "/workspace", "permissions": {"network": {"enabled": true}}}))
}

/// What an item of a turn asks for leave.
fn asked(kind: &str, thread: &str, turn: &str, item: &str) -> Step {
    Step::Request(ask(kind, &json!({"threadId": thread, "turnId": turn, "itemId": item})))
}

/// Turns that each ask once.
fn asking(requests: impl IntoIterator<Item = Ask>) -> Scenario {
    playing(requests.into_iter().map(|request| Turn::new(["done"]).ask(request)))
}

fn results(server: &ScriptedServer) -> Vec<Value> {
    server.answers().into_iter().map(|answer| answer.result.unwrap_or_default()).collect()
}

async fn requests_are_declined_by_default<R: Kit>() {
    let (server, thread) =
        thread::<R>(Codex::builder(), asking([command(), ask("fileChange", &json!({})), permissions()]))
            .await;
    for _ in 0..3 {
        assert!(R::run_on(&thread, "go").await.expect("a result").is_completed());
    }
    let declined = json!({"decision": "decline"});
    assert_eq!(results(&server), [declined.clone(), declined, json!({"permissions": {}})]);
}

async fn a_request_says_what_it_is_about<R: Kit>() {
    let seen: Arc<Mutex<Vec<ApprovalRequest>>> = Arc::default();
    let keep = seen.clone();
    let approvals = R::ask(move |request| {
        keep.lock().expect("no panic").push(request);
        Decision::Cancel
    });
    let (server, thread) = thread::<R>(Codex::builder().approvals(approvals), asking([command()])).await;
    R::run_on(&thread, "go").await.expect("a result");
    assert_eq!(results(&server), [json!({"decision": "cancel"})]);
    let seen = seen.lock().expect("no panic");
    let request = &seen[0];
    assert_eq!((request.turn_id(), request.item_id()), (Some("turn-1"), Some("call-1")));
    assert_eq!(request.thread_id(), "thread-1");
    assert_eq!((request.command(), request.cwd()), (Some("rm -r /"), Some("/workspace")));
    assert_eq!((request.reason(), request.diff()), (Some("to be sure"), None));
    let decisions = [CommandExecutionApprovalDecision::Accept, CommandExecutionApprovalDecision::Cancel];
    assert_eq!(request.available_decisions(), Some(&decisions[..]));
}

async fn a_rule_accepts_for_the_session<R: Kit>() {
    let ls = ask("commandExecution", &json!({"command": "ls"}));
    let approvals = Approvals::accept_for_session_if(|request| request.command() == Some("ls"));
    let (server, thread) = thread::<R>(Codex::builder().approvals(approvals), asking([ls, command()])).await;
    R::run_on(&thread, "go").await.expect("a result");
    R::run_on(&thread, "go on").await.expect("a result");
    assert_eq!(results(&server), [json!({"decision": "acceptForSession"}), json!({"decision": "decline"})]);
}

async fn turns_decide_before_threads_and_threads_before_connections<R: Kit>() {
    let always = |decision: Decision| R::ask(move |_| decision.clone());
    let builder = Codex::builder().approvals(always(Decision::Accept));
    let (server, codex) = R::attach(builder, asking([command(), command(), command(), command()])).await;
    let first = R::send(codex.thread_start()).await.expect("a thread");
    let second = R::send(codex.thread_start()).await.expect("a thread");
    second.on_approval(always(Decision::Cancel));
    R::run_on(&first, "go").await.expect("a result");
    R::run_on(&second, "go").await.expect("a result");
    codex.on_approval(always(Decision::AcceptForSession));
    R::run_on(&first, "go").await.expect("a result");
    R::run_on(&second, "go").await.expect("a result");
    let words: Vec<_> = results(&server).iter().map(|result| result["decision"].clone()).collect();
    assert_eq!(words, ["accept", "cancel", "acceptForSession", "cancel"]);
}

async fn a_turn_keeps_its_approvals_until_it_ends<R: Kit>() {
    // The turn asks once the client has sent this, and again.
    let asked = |n: u64| asked("commandExecution", "thread-1", "turn-1", &format!("call-{n}"));
    let named = || Answer::result(json!({}));
    let scenario = telling([started()])
        .answer("thread/name/set", named().then([asked(1)]))
        .answer("thread/name/set", named().then([asked(2), completed("completed")]))
        .answer("thread/name/set", named().then([asked(3)]));
    let (server, thread) = thread::<R>(Codex::builder(), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    turn.on_approval(R::ask(|_| Decision::Accept));
    R::send(thread.set_name("once")).await.expect("it is named");
    server.wait_for_answers(1, PATIENCE).expect("the turn decides");
    // Handles come and go.
    let stream = turn.stream();
    drop((turn, stream));
    R::send(thread.set_name("twice")).await.expect("it is named");
    server.wait_for_answers(2, PATIENCE).expect("the turn decides");
    R::run_turn(&thread.follow("turn-1")).await.ok();
    while thread.codex().client().stats().notifications < 3 {
        std::thread::yield_now();
    }
    // The start of another subscription forgets the turns that have ended.
    drop(thread.follow("turn-2"));
    R::send(thread.set_name("late")).await.expect("it is named");
    server.wait_for_answers(3, PATIENCE).expect("the connection decides");
    let words: Vec<_> = results(&server).iter().map(|result| result["decision"].clone()).collect();
    assert_eq!(words, ["accept", "accept", "decline"]);
}

async fn a_sub_agent_counts_as_its_turn<R: Kit>() {
    let begun = |thread: &str, turn: &str, root: &str| {
        let turn = json!({"id": turn, "items": [], "status": "inProgress", "rootTurnId": root});
        Step::notify("turn/started", json!({"threadId": thread, "turn": turn}))
    };
    let asked = |thread: &str, turn: &str| asked("commandExecution", thread, turn, "call");
    let steps = [
        begun("thread-1", "turn-1", "turn-1"),
        begun("helper", "errand", "turn-1"),
        asked("helper", "errand"),
        begun("stranger", "work", "elsewhere"),
        asked("stranger", "work"),
        completed("completed"),
    ];
    for of_turn in [true, false] {
        let scenario = telling([Step::Until("thread/name/set".into())].into_iter().chain(steps.clone()))
            .answer("thread/name/set", Answer::result(json!({})));
        let accepting = R::ask(|_| Decision::Accept);
        let (server, thread) = thread::<R>(Codex::builder().approvals(accepting), scenario).await;
        let turn = R::send(thread.turn("go")).await.expect("a turn");
        if of_turn {
            turn.on_approval(Approvals::decline_all());
        } else {
            thread.on_approval(Approvals::decline_all());
        }
        R::send(thread.set_name("now")).await.expect("it is named");
        R::run_turn(&turn).await.expect("a result");
        let words: Vec<_> = results(&server).iter().map(|result| result["decision"].clone()).collect();
        assert_eq!(words, ["decline", "accept"], "as its turn or thread decides, and as the connection does");
    }
}

async fn a_rule_does_not_accept_unknown_changes<R: Kit>() {
    let approvals = Approvals::accept_for_session_if(|request| {
        request
            .changes()
            .is_none_or(|changes| changes.iter().all(|change| change.path.starts_with("/workspace/")))
    });
    let (server, thread) = thread::<R>(
        Codex::builder().approvals(approvals),
        asking([ask("fileChange", &json!({})), command()]),
    )
    .await;
    R::run_on(&thread, "go").await.expect("a result");
    R::run_on(&thread, "go on").await.expect("a result");
    assert_eq!(results(&server), [json!({"decision": "decline"}), json!({"decision": "acceptForSession"})]);
}

async fn approvals_that_hold_a_turn_can_be_replaced<R: Kit>() {
    let (_server, codex) = R::start(playing([Turn::new(["a"])])).await;
    let thread = R::send(codex.thread_start()).await.expect("a thread");
    let turn = R::send(thread.turn("go")).await.expect("a turn").interrupt_on_drop();
    turn.on_approval(Approvals::decline_all());
    R::run_turn(&turn).await.expect("a result");
    let held = turn.clone();
    thread.on_approval(Approvals::accept_for_session_if(move |_| held.id().is_empty()));
    let held = turn.clone();
    codex.on_approval(Approvals::accept_for_session_if(move |_| held.id().is_empty()));
    drop(turn);
    thread.on_approval(Approvals::decline_all());
    codex.on_approval(Approvals::decline_all());
}

async fn file_changes_come_with_their_diff<R: Kit>() {
    let changes =
        |path: &str| json!([{"path": path, "kind": {"type": "update"}, "diff": "@@ -1 +1 @@\n-a\n+b\n"}]);
    let announced = |id: &str, path: &str| {
        let item = json!({"type": "fileChange", "id": id, "status": "inProgress", "changes": changes(path)});
        let params = json!({"threadId": "thread-1", "turnId": "turn-1", "item": item, "startedAtMs": 1});
        Step::notify("item/started", params)
    };
    let params =
        json!({"threadId": "thread-1", "turnId": "turn-1", "itemId": "call-1", "changes": changes("new")});
    let updated = Step::notify("item/fileChange/patchUpdated", params);
    let asked = |id: &str| asked("fileChange", "thread-1", "turn-1", id);
    let steps = [
        announced("call-0", "old"),
        announced("call-1", "older"),
        updated,
        asked("call-1"),
        asked("call-2"),
        completed("completed"),
    ];
    let diffs: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let keep = diffs.clone();
    let approvals = R::ask(move |request| {
        keep.lock().expect("no panic").push(request.diff());
        Decision::Accept
    });
    let (_server, thread) = thread::<R>(Codex::builder().approvals(approvals), telling(steps)).await;
    R::run_on(&thread, "go").await.expect("a result");
    let diff = "change new\n@@ -1 +1 @@\n-a\n+b\n".to_owned();
    assert_eq!(*diffs.lock().expect("no panic"), [Some(diff), None]);
}

async fn permissions_are_granted_as_asked<R: Kit>() {
    let decisions = Mutex::new(vec![Decision::Cancel, Decision::AcceptForSession, Decision::Accept]);
    let next = move || decisions.lock().expect("no panic").pop().expect("one for each");
    let approvals = R::ask(move |_| next());
    let (server, thread) = thread::<R>(
        Codex::builder().approvals(approvals),
        asking([permissions(), permissions(), permissions()]),
    )
    .await;
    for _ in 0..3 {
        R::run_on(&thread, "go").await.expect("a result");
    }
    let granted = |scope: &str| json!({"permissions": {"network": {"enabled": true}}, "scope": scope});
    assert_eq!(results(&server), [granted("turn"), granted("session"), json!({"permissions": {}})]);
}

async fn an_answer_for_commands_declines_anything_else<R: Kit>() {
    let word = CommandExecutionApprovalDecision::Accept;
    let approvals = R::ask(move |_| Decision::from(word.clone()));
    let requests = [command(), ask("fileChange", &json!({})), permissions()];
    let (server, thread) = thread::<R>(Codex::builder().approvals(approvals), asking(requests)).await;
    for _ in 0..3 {
        R::run_on(&thread, "go").await.expect("a result");
    }
    let expected =
        [json!({"decision": "accept"}), json!({"decision": "decline"}), json!({"permissions": {}})];
    assert_eq!(results(&server), expected);
}

async fn some_permissions_are_granted_and_others_not<R: Kit>() {
    let files = json!({"read": ["/etc"], "write": ["/srv"], "entries": [
        {"access": "read", "path": {"type": "path", "path": "/etc"}},
        {"access": "write", "path": {"type": "path", "path": "/srv"}},
    ]});
    let wanted = json!({"network": {"enabled": true}, "fileSystem": files});
    let asking_for = || ask("permissions", &json!({"cwd": "/workspace", "permissions": wanted.clone()}));
    let approvals = R::ask(|request| {
        let parts: Vec<_> = request.permissions().iter().map(ToString::to_string).collect();
        assert_eq!(parts, ["use the network", "read /etc", "write /srv"]);
        request.grant(PermissionGrantScope::Session, |part| part.to_string().starts_with("read"))
    });
    let requests = [asking_for(), command()];
    let (server, codex) = R::attach(Codex::builder().approvals(approvals), asking(requests)).await;
    let thread = R::send(codex.thread_start()).await.expect("a thread");
    R::run_on(&thread, "go").await.expect("a result");
    // Granted permissions are no answer to a command.
    let granted = PermissionsRequestApprovalResponse::new(GrantedPermissionProfile::new());
    codex.on_approval(R::ask(move |_| granted.clone().into()));
    R::run_on(&thread, "go").await.expect("a result");
    let files = json!({"read": ["/etc"], "entries": [
        {"access": "read", "path": {"type": "path", "path": "/etc"}},
    ]});
    let expected =
        [json!({"permissions": {"fileSystem": files}, "scope": "session"}), json!({"decision": "decline"})];
    assert_eq!(results(&server), expected);
}

async fn approvals_are_taken_off_again<R: Kit>() {
    let always = |decision: Decision| R::ask(move |_| decision.clone());
    // The turn asks once the client has sent this, and again.
    let asked = |n: u64| asked("commandExecution", "thread-1", "turn-1", &format!("call-{n}"));
    let named = |n: u64| Answer::result(json!({})).then([asked(n)]);
    let scenario = (1..=3).fold(telling([started()]), |all, n| all.answer("thread/name/set", named(n)));
    let builder = Codex::builder().approvals(always(Decision::Cancel));
    let (server, thread) = thread::<R>(builder, scenario).await;
    thread.on_approval(always(Decision::AcceptForSession));
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    turn.on_approval(always(Decision::Accept));
    for n in 1..=3 {
        R::send(thread.set_name("now")).await.expect("it is named");
        server.wait_for_answers(n, PATIENCE).expect("an answer");
        if n == 1 {
            turn.clear_approvals();
        } else {
            thread.clear_approvals();
        }
    }
    let words: Vec<_> = results(&server).iter().map(|result| result["decision"].clone()).collect();
    assert_eq!(words, ["accept", "acceptForSession", "cancel"]);
}
