//! Who decides what the agent may do.

use std::sync::{Arc, Mutex};

use codex_appserver::protocol::CommandExecutionApprovalDecision;
use codex_appserver::{ApprovalRequest, Decision};
use codex_appserver_testkit::scripted::{Answer, Ask, ScriptedServer, Step, Turn};
use serde_json::{Value, json};

use super::{completed, playing, started, telling};
use crate::sdk;

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
        &json!({"command": "rm -r /", "cwd": "/workspace", "reason": "to be sure",
        "availableDecisions": ["accept", "cancel"]}),
    )
}

fn permissions() -> Ask {
    ask("permissions", &json!({"cwd": "/workspace", "permissions": {"network": {"enabled": true}}}))
}

/// Turns that each ask once.
fn asking(requests: impl IntoIterator<Item = Ask>) -> codex_appserver_testkit::scripted::Scenario {
    playing(requests.into_iter().map(|request| Turn::new(["done"]).ask(request)))
}

fn results(server: &ScriptedServer) -> Vec<Value> {
    server.answers().into_iter().map(|answer| answer.result.unwrap_or_default()).collect()
}

test! {
    fn nobody_accepts_by_default() {
        let (server, codex) =
            attach!(sdk::Codex::builder(), asking([command(), ask("fileChange", &json!({})), permissions()]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        for _ in 0..3 {
            assert!(wait!(thread.run("go")).expect("a result").is_completed());
        }
        let declined = json!({"decision": "decline"});
        assert_eq!(results(&server), [declined.clone(), declined, json!({"permissions": {}})]);
    }

    fn whoever_is_asked_knows_what_it_is_about() {
        let seen: Arc<Mutex<Vec<ApprovalRequest>>> = Arc::default();
        let keep = seen.clone();
        let approvals = sdk::Approvals::ask(decide!(|request| {
            keep.lock().expect("no panic").push(request);
            Decision::Cancel
        }));
        let (server, codex) = attach!(sdk::Codex::builder().approvals(approvals), asking([command()]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        wait!(thread.run("go")).expect("a result");
        assert_eq!(results(&server), [json!({"decision": "cancel"})]);
        let seen = seen.lock().expect("no panic");
        let request = &seen[0];
        assert_eq!((request.thread_id(), request.turn_id(), request.item_id()), ("thread-1", "turn-1", "call-1"));
        assert_eq!((request.command(), request.cwd()), (Some("rm -r /"), Some("/workspace")));
        assert_eq!((request.reason(), request.diff()), (Some("to be sure"), None));
        let decisions = [CommandExecutionApprovalDecision::Accept, CommandExecutionApprovalDecision::Cancel];
        assert_eq!(request.available_decisions(), Some(&decisions[..]));
    }

    fn what_is_harmless_may_be_accepted_for_the_session() {
        let ls = ask("commandExecution", &json!({"command": "ls"}));
        let approvals = sdk::Approvals::accept_for_session_if(|request| request.command() == Some("ls"));
        let (server, codex) = attach!(sdk::Codex::builder().approvals(approvals), asking([ls, command()]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        wait!(thread.run("go")).expect("a result");
        wait!(thread.run("go on")).expect("a result");
        assert_eq!(results(&server), [json!({"decision": "acceptForSession"}), json!({"decision": "decline"})]);
    }

    fn the_turn_decides_before_its_thread_and_that_before_all() {
        let always = |decision: Decision| sdk::Approvals::ask(decide!(|_| decision.clone()));
        let builder = sdk::Codex::builder().approvals(always(Decision::Accept));
        let (server, codex) = attach!(builder, asking([command(), command(), command(), command()]));
        let codex = codex.expect("a connection");
        let (first, second) = (send!(codex.thread_start()).expect("a thread"), send!(codex.thread_start()).expect("a thread"));
        second.on_approval(always(Decision::Cancel));
        wait!(first.run("go")).expect("a result");
        wait!(second.run("go")).expect("a result");
        codex.on_approval(always(Decision::AcceptForSession));
        wait!(first.run("go")).expect("a result");
        wait!(second.run("go")).expect("a result");
        let words: Vec<_> = results(&server).iter().map(|result| result["decision"].clone()).collect();
        assert_eq!(words, ["accept", "cancel", "acceptForSession", "cancel"]);
    }

    fn a_turn_has_its_own_approvals_until_it_ends() {
        // The turn asks once the client has sent this, and again.
        let asked = |n: u64| Step::Request(Ask::new("item/commandExecution/requestApproval", json!({
            "threadId": "thread-1", "turnId": "turn-1", "itemId": format!("call-{n}"), "startedAtMs": 1})).wait());
        let named = || Answer::result(json!({}));
        let scenario = telling([started()])
            .answer("thread/name/set", named().then([asked(1)]))
            .answer("thread/name/set", named().then([asked(2), completed("completed")]))
            .answer("thread/name/set", named().then([asked(3)]));
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        turn.on_approval(sdk::Approvals::ask(decide!(|_| Decision::Accept)));
        send!(thread.set_name("once")).expect("it is named");
        server.wait_for_answers(1, super::PATIENCE).expect("the turn decides");
        // Handles come and go.
        let stream = turn.stream();
        drop((turn, stream));
        send!(thread.set_name("twice")).expect("it is named");
        server.wait_for_answers(2, super::PATIENCE).expect("the turn decides");
        wait!(thread.follow("turn-1").run()).ok();
        while thread.codex().client().stats().notifications < 3 {
            std::thread::yield_now();
        }
        // Whoever starts to listen to a turn has the ended ones forgotten.
        drop(thread.follow("turn-2"));
        send!(thread.set_name("late")).expect("it is named");
        server.wait_for_answers(3, super::PATIENCE).expect("the connection decides");
        let words: Vec<_> = results(&server).iter().map(|result| result["decision"].clone()).collect();
        assert_eq!(words, ["accept", "accept", "decline"]);
    }

    fn a_sub_agent_counts_as_the_turn_that_it_works_for() {
        let begun = |thread: &str, turn: &str, root: &str| Step::notify("turn/started", json!({"threadId": thread,
            "turn": {"id": turn, "items": [], "status": "inProgress", "rootTurnId": root}}));
        let asked = |thread: &str, turn: &str| Step::Request(Ask::new("item/commandExecution/requestApproval", json!({
            "threadId": thread, "turnId": turn, "itemId": "call", "startedAtMs": 1})).wait());
        let steps = [begun("thread-1", "turn-1", "turn-1"), begun("helper", "errand", "turn-1"), asked("helper", "errand"),
            begun("stranger", "work", "elsewhere"), asked("stranger", "work"), completed("completed")];
        for of_turn in [true, false] {
            let scenario = telling([Step::Until("thread/name/set".into())].into_iter().chain(steps.clone()))
                .answer("thread/name/set", Answer::result(json!({})));
            let accepting = sdk::Approvals::ask(decide!(|_| Decision::Accept));
            let (server, codex) = attach!(sdk::Codex::builder().approvals(accepting), scenario);
            let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
            let turn = send!(thread.turn("go")).expect("a turn");
            if of_turn {
                turn.on_approval(sdk::Approvals::decline_all());
            } else {
                thread.on_approval(sdk::Approvals::decline_all());
            }
            send!(thread.set_name("now")).expect("it is named");
            wait!(turn.run()).expect("a result");
            let words: Vec<_> = results(&server).iter().map(|result| result["decision"].clone()).collect();
            assert_eq!(words, ["decline", "accept"], "of its turn or thread, and of nobody here");
        }
    }

    fn changes_that_nobody_knows_are_not_accepted_by_a_rule() {
        let approvals = sdk::Approvals::accept_for_session_if(|request| {
            request.changes().is_none_or(|changes| changes.iter().all(|change| change.path.starts_with("/workspace/")))
        });
        let (server, codex) =
            attach!(sdk::Codex::builder().approvals(approvals), asking([ask("fileChange", &json!({})), command()]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        wait!(thread.run("go")).expect("a result");
        wait!(thread.run("go on")).expect("a result");
        assert_eq!(results(&server), [json!({"decision": "decline"}), json!({"decision": "acceptForSession"})]);
    }

    fn approvals_that_hold_a_turn_can_be_replaced() {
        let (_server, codex) = attach!(sdk::Codex::builder(), playing([Turn::new(["a"])]));
        let codex = codex.expect("a connection");
        let thread = send!(codex.thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn").interrupt_on_drop();
        turn.on_approval(sdk::Approvals::decline_all());
        wait!(turn.run()).expect("a result");
        let held = turn.clone();
        thread.on_approval(sdk::Approvals::accept_for_session_if(move |_| held.id().is_empty()));
        let held = turn.clone();
        codex.on_approval(sdk::Approvals::accept_for_session_if(move |_| held.id().is_empty()));
        drop(turn);
        thread.on_approval(sdk::Approvals::decline_all());
        codex.on_approval(sdk::Approvals::decline_all());
    }

    fn file_changes_come_with_their_diff() {
        let item = |id: &str, path: &str| json!({"type": "fileChange", "id": id, "status": "inProgress",
            "changes": [{"path": path, "kind": {"type": "update"}, "diff": "@@ -1 +1 @@\n-a\n+b\n"}]});
        let announced = |id: &str, path: &str| Step::notify("item/started", json!({
            "threadId": "thread-1", "turnId": "turn-1", "item": item(id, path), "startedAtMs": 1}));
        let updated = Step::notify("item/fileChange/patchUpdated", json!({
            "threadId": "thread-1", "turnId": "turn-1", "itemId": "call-1",
            "changes": item("", "new")["changes"]}));
        let asked = |id: &str| Step::Request(Ask::new("item/fileChange/requestApproval", json!({
            "threadId": "thread-1", "turnId": "turn-1", "itemId": id, "startedAtMs": 1})).wait());
        let steps = [announced("call-0", "old"), announced("call-1", "older"), updated,
            asked("call-1"), asked("call-2"), completed("completed")];
        let diffs: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
        let keep = diffs.clone();
        let approvals = sdk::Approvals::ask(decide!(|request| {
            keep.lock().expect("no panic").push(request.diff());
            Decision::Accept
        }));
        let (_server, codex) = attach!(sdk::Codex::builder().approvals(approvals), telling(steps));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        wait!(thread.run("go")).expect("a result");
        let diff = "change new\n@@ -1 +1 @@\n-a\n+b\n".to_owned();
        assert_eq!(*diffs.lock().expect("no panic"), [Some(diff), None]);
    }

    fn permissions_are_granted_as_far_as_they_are_asked_for() {
        let decisions = Mutex::new(vec![Decision::Cancel, Decision::AcceptForSession, Decision::Accept]);
        let next = move || decisions.lock().expect("no panic").pop().expect("one for each");
        let approvals = sdk::Approvals::ask(decide!(|_| next()));
        let (server, codex) =
            attach!(sdk::Codex::builder().approvals(approvals), asking([permissions(), permissions(), permissions()]));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        for _ in 0..3 {
            wait!(thread.run("go")).expect("a result");
        }
        let granted = |scope: &str| json!({"permissions": {"network": {"enabled": true}}, "scope": scope});
        assert_eq!(results(&server), [granted("turn"), granted("session"), json!({"permissions": {}})]);
    }

    fn an_answer_for_commands_declines_anything_else() {
        let word = CommandExecutionApprovalDecision::Accept;
        let approvals = sdk::Approvals::ask(decide!(|_| Decision::from(word.clone())));
        let requests = [command(), ask("fileChange", &json!({})), permissions()];
        let (server, codex) = attach!(sdk::Codex::builder().approvals(approvals), asking(requests));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        for _ in 0..3 {
            wait!(thread.run("go")).expect("a result");
        }
        let expected = [json!({"decision": "accept"}), json!({"decision": "decline"}), json!({"permissions": {}})];
        assert_eq!(results(&server), expected);
    }
}
