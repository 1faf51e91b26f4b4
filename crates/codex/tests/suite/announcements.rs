//! Deciding where announcements were missed, or cannot be read: nothing is accepted that nobody knows.

use codex_appserver::Decision;
use codex_appserver_testkit::scripted::{Answer, Ask, Scenario, ScriptedServer, Step};
use serde_json::{Value, json};

use super::{PATIENCE, completed, started, telling, thread_with, turn};
use crate::sdk;

fn asked(what: &str, thread: &str, turn: &str) -> Step {
    let params = json!({"threadId": thread, "turnId": turn, "itemId": "call", "startedAtMs": 1});
    Step::Request(Ask::new(format!("item/{what}/requestApproval"), params).wait())
}

/// A file change that is announced with these changes.
fn announced(changes: &Value) -> Step {
    let item = json!({"type": "fileChange", "id": "call", "status": "inProgress", "changes": changes});
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "item": item, "startedAtMs": 1});
    Step::notify("item/started", params)
}

fn begun(thread: &str, turn: &str, root: &str) -> Value {
    let turn = json!({"id": turn, "items": [], "status": "inProgress", "rootTurnId": root});
    json!({"threadId": thread, "turn": turn})
}

/// A turn of which these steps come once the thread was named.
fn once_named(steps: impl IntoIterator<Item = Step>) -> Scenario {
    telling(
        [Step::Until("thread/name/set".into()), started()]
            .into_iter()
            .chain(steps)
            .chain([completed("completed")]),
    )
    .answer("thread/name/set", Answer::result(json!({})))
    .answer("thread/read", at_work())
}

/// What the server answers whoever missed something.
fn at_work() -> Answer {
    thread_with(json!({"type": "active", "activeFlags": ["waitingOnApproval"]}), json!([turn("inProgress")]))
}

fn words(server: &ScriptedServer) -> Vec<Value> {
    let answers = server.answers().into_iter();
    answers.map(|answer| answer.result.unwrap_or_default()["decision"].clone()).collect()
}

test! {
    fn a_patch_that_cannot_be_read_is_not_taken_for_the_one_before() {
        let fine = json!([{"path": "/workspace/a", "kind": {"type": "update"}, "diff": ""}]);
        let updated = Step::notify("item/fileChange/patchUpdated", json!({"threadId": "thread-1", "turnId": "turn-1",
            "itemId": "call", "changes": [{"path": "/etc/passwd", "kind": 5, "diff": ""}]}));
        let nothing = announced(&json!([]));
        let broken = Step::line(r#"{"method":"item/fileChange/patchUpdated","#);
        for (steps, word) in [
            (vec![announced(&fine)], "acceptForSession"),
            (vec![announced(&fine), updated], "decline"),
            (vec![announced(&fine), broken], "decline"),
            (vec![nothing], "decline"),
        ] {
            let approvals = sdk::Approvals::accept_for_session_if(|request| {
                let changes = request.changes().unwrap_or_default();
                request.changes().is_some() && changes.iter().all(|change| change.path.starts_with("/workspace/"))
            });
            let steps = steps.into_iter().chain([asked("fileChange", "thread-1", "turn-1"), completed("completed")]);
            // A line that nobody can read may have been the end, so the server is asked.
            let scenario = telling(steps).answer("thread/read", at_work());
            let (server, codex) = attach!(sdk::Codex::builder().approvals(approvals), scenario);
            let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
            wait!(thread.run("go")).expect("a result");
            assert_eq!(words(&server), [word]);
        }
    }

    fn a_turn_that_may_be_a_sub_agents_is_not_anybodys() {
        let unreadable = Step::notify("turn/started", json!({"threadId": "helper",
            "turn": {"id": "errand", "items": 5, "status": "inProgress", "rootTurnId": "turn-1"}}));
        let crowd = Step::flood(1100, "turn/started", begun("other", "other-$i", "other-$i"));
        let announced = Step::notify("turn/started", begun("helper", "errand", "turn-1"));
        let broken = Step::line(r#"{"method":"turn/started","#);
        for steps in [vec![unreadable], vec![broken], vec![announced, crowd]] {
            let steps = steps.into_iter().chain([asked("commandExecution", "helper", "errand")]);
            let accepting = sdk::Approvals::ask(decide!(|_| Decision::Accept));
            let (server, codex) = attach!(sdk::Codex::builder().approvals(accepting), once_named(steps));
            let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
            let turn = send!(thread.turn("go")).expect("a turn");
            turn.on_approval(sdk::Approvals::decline_all());
            send!(thread.set_name("now")).expect("it is named");
            wait!(turn.run()).expect("a result");
            assert_eq!(words(&server), ["decline"]);
        }
    }

    fn a_turn_with_its_own_approvals_has_them_whatever_was_missed() {
        let message = json!({"type": "agentMessage", "id": "m-$i", "text": "x".repeat(1 << 20)});
        let params = json!({"threadId": "thread-1", "turnId": "turn-1", "item": message, "startedAtMs": 1});
        let steps = [Step::flood(20, "item/started", params), asked("commandExecution", "thread-1", "turn-1")];
        let (server, codex) = attach!(sdk::Codex::builder().event_capacity(64 << 20), once_named(steps));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        turn.on_approval(sdk::Approvals::ask(decide!(|_| Decision::Accept)));
        send!(thread.set_name("now")).expect("it is named");
        wait!(turn.run()).expect("a result");
        assert_eq!(words(&server), ["accept"]);
    }

    fn a_turn_that_has_ended_gets_no_approvals_any_more() {
        let late = Answer::result(json!({})).then([asked("commandExecution", "thread-1", "turn-1")]);
        let scenario = telling([started(), completed("completed")]).answer("thread/name/set", late);
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        let codex = codex.expect("a connection");
        let thread = send!(codex.thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        while codex.client().stats().notifications < 3 {
            std::thread::yield_now();
        }
        turn.on_approval(sdk::Approvals::ask(decide!(|_| Decision::Accept)));
        drop(turn);
        send!(thread.set_name("late")).expect("it is named");
        server.wait_for_answers(1, PATIENCE).expect("the connection decides");
        assert_eq!(words(&server), ["decline"]);
    }

    fn a_sub_agent_that_outlives_its_turn_gets_nothing_from_others() {
        let steps = [started(), Step::notify("turn/started", begun("helper", "errand", "turn-1"))];
        let late = Answer::result(json!({})).then([asked("commandExecution", "helper", "errand")]);
        let scenario = telling(steps)
            .answer("thread/name/set", Answer::result(json!({})).then([completed("completed")]))
            .answer("thread/name/set", late);
        let accepting = sdk::Approvals::ask(decide!(|_| Decision::Accept));
        let (server, codex) = attach!(sdk::Codex::builder().approvals(accepting), scenario);
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        turn.on_approval(sdk::Approvals::decline_all());
        send!(thread.set_name("end")).expect("it is named");
        wait!(turn.run()).expect("a result");
        send!(thread.set_name("late")).expect("it is named");
        server.wait_for_answers(1, PATIENCE).expect("it is declined");
        assert_eq!(words(&server), ["decline"]);
    }
}
