//! Sub-agents of a turn on the thread `T`, as the server reports them.

use serde_json::{Value, json};

use super::*;
use crate::core::fixtures;
use crate::turns::FileChange;

fn started(thread: &str, turn: &str) -> Event {
    let turn = fixtures::turn(turn, "inProgress", "U");
    fixtures::event("turn/started", json!({"threadId": thread, "turn": turn}))
}

fn ended(thread: &str, turn: &str, status: &str, said: &str) -> Event {
    let mut turn = fixtures::turn(turn, status, "U");
    turn["items"] = json!([{"type": "agentMessage", "id": "m", "text": said}]);
    if status == "failed" {
        turn["error"] = json!({"message": "no such model"});
    }
    fixtures::event("turn/completed", json!({"threadId": thread, "turn": turn}))
}

fn item(method: &str, thread: &str, item: &Value) -> Event {
    let params =
        json!({"threadId": thread, "turnId": "any", "item": item, "startedAtMs": 1, "completedAtMs": 1});
    fixtures::event(method, params)
}

/// A call of an agent on this thread to one of its sub-agents, with what it sees of it.
fn call(tool: &str, thread: &str, child: &str, seen: &str) -> Event {
    let call = json!({"type": "collabAgentToolCall", "id": tool, "tool": tool, "status": "completed",
        "senderThreadId": thread, "receiverThreadIds": [child], "prompt": "Dig.", "model": null,
        "agentsStates": {child: {"status": seen, "message": null}}});
    item("item/completed", thread, &call)
}

fn agents(events: impl IntoIterator<Item = Event>) -> Agents {
    let mut agents = Agents::default();
    events.into_iter().for_each(|event| agents.on_event(&event, "T"));
    agents
}

fn states(agents: &Agents) -> Vec<AgentState> {
    agents.iter().map(Agent::state).collect()
}

#[test]
fn a_tree_grows_with_its_children() {
    use AgentState::{Completed, Failed, Running, Starting};
    let mut known = agents([
        started("T", "U"),
        call("spawnAgent", "T", "child", "pendingInit"),
        started("child", "C"),
        // The turn may begin before the call that started it has returned.
        started("grandchild", "G"),
        call("spawnAgent", "child", "grandchild", "running"),
        call("spawnAgent", "T", "late", "pendingInit"),
    ]);
    assert_eq!(states(&known), [Running, Running, Starting]);
    let parents: Vec<_> = known.iter().map(|agent| agent.parent.clone().unwrap_or_default()).collect();
    assert_eq!(parents, ["T", "child", "T"]);
    assert_eq!(known.take_spawned(), ["child", "grandchild", "late"]);
    assert!(known.take_spawned().is_empty() && known.are_active());
    for event in [
        ended("grandchild", "G", "completed", "deep"),
        ended("child", "C", "failed", ""),
        started("late", "L"),
        ended("late", "L", "completed", "done"),
        ended("T", "U", "completed", "all"),
    ] {
        known.on_event(&event, "T");
    }
    assert_eq!(states(&known), [Failed, Completed, Completed]);
    assert!(!known.are_active());
    let [child, grandchild, late] = &known.all[..] else { panic!("{known:?}") };
    assert_eq!((child.error.as_deref(), child.prompt.as_deref()), (Some("no such model"), Some("Dig.")));
    assert_eq!((grandchild.result.as_deref(), late.result.as_deref()), (Some("deep"), Some("done")));
}

/// It has no turn of its own on the thread of the turn, and the turn itself is no sub-agent.
#[test]
fn a_review_is_no_sub_agent() {
    let known = agents([started("T", "inner"), ended("T", "U", "completed", "fine")]);
    assert!(known.all.is_empty());
}

#[test]
fn an_agent_that_is_named_by_its_path_needs_no_call() {
    let activity = json!({"type": "subAgentActivity", "id": "a", "kind": "started", "agentThreadId": "child",
        "agentPath": "/root/digger"});
    let completed = json!({"type": "subAgentActivity", "id": "b", "kind": "completed", "agentThreadId": "other",
        "agentPath": "/root/older"});
    let known = agents([item("item/started", "T", &activity), item("item/completed", "T", &completed)]);
    let [agent] = &known.all[..] else { panic!("{known:?}") };
    assert_eq!((agent.path.as_deref(), agent.parent.as_deref()), (Some("/root/digger"), Some("T")));
}

#[test]
fn order_and_repetition_do_not_matter() {
    let spawned = || call("spawnAgent", "T", "child", "pendingInit");
    let (begun, over) = (|| started("child", "C"), || ended("child", "C", "completed", "done"));
    for events in [
        vec![spawned(), begun(), over()],
        vec![over(), spawned(), begun()],
        vec![begun(), over(), begun(), over(), spawned(), spawned()],
        // How it is seen is old news by then.
        vec![spawned(), begun(), over(), call("wait", "T", "child", "running")],
    ] {
        let known = agents(events.clone());
        assert_eq!(states(&known), [AgentState::Completed], "{events:?}");
        assert_eq!(known.all[0].result.as_deref(), Some("done"));
    }
}

/// The turn of an agent that is shut down has no end of its own.
#[test]
fn states_that_no_turn_tells_are_taken_from_its_parent() {
    use AgentState::{Completed, Failed, Interrupted, Running};
    let begun = || started("child", "C");
    for (event, seen, expected) in [
        (None, "errored", Failed),
        (None, "shutdown", Interrupted),
        (None, "completed", Completed),
        (Some(begun()), "shutdown", Interrupted),
        (Some(begun()), "completed", Running),
        (Some(begun()), "interrupted", Running),
        (Some(ended("child", "C", "completed", "")), "shutdown", Completed),
    ] {
        let spawned = call("spawnAgent", "T", "child", "pendingInit");
        let known = agents([spawned].into_iter().chain(event).chain([call("wait", "T", "child", seen)]));
        assert_eq!(states(&known), [expected], "{seen}");
    }
}

/// Input for an agent of an earlier turn starts a turn of it on behalf of this one.
#[test]
fn an_agent_of_an_earlier_turn_is_listed_once_it_works_again() {
    let sent = call("sendInput", "T", "child", "completed");
    assert!(agents([sent.clone()]).all.is_empty());
    let mut known = agents([started("child", "again"), sent]);
    assert_eq!(states(&known), [AgentState::Running]);
    assert!(known.take_spawned().is_empty(), "its thread is not new");
}

#[test]
fn prompts_messages_and_files_are_kept() {
    let asked = json!({"type": "userMessage", "id": "u", "content": [{"type": "text", "text": "Dig."}]});
    let more = json!({"type": "userMessage", "id": "v", "content": [{"type": "text", "text": "More."}]});
    let message = |text: &str| json!({"type": "agentMessage", "id": "m", "text": text});
    let patch = |id: &str, status: &str, path: &str| {
        json!({"type": "fileChange", "id": id, "status": status,
            "changes": [{"path": path, "kind": {"type": "add"}, "diff": ""}]})
    };
    let known = agents([
        started("child", "C"),
        item("item/started", "child", &asked),
        item("item/started", "child", &message("not yet")),
        item("item/completed", "child", &patch("1", "completed", "/work/a")),
        item("item/completed", "child", &patch("1", "completed", "/work/a")),
        item("item/completed", "child", &patch("2", "declined", "/work/b")),
        item("item/completed", "child", &message("half")),
        item("item/started", "child", &more),
        item("item/completed", "T", &patch("3", "completed", "/work/own")),
    ]);
    let [agent] = &known.all[..] else { panic!("{known:?}") };
    assert_eq!((agent.prompt.as_deref(), agent.result.as_deref()), (Some("Dig."), Some("half")));
    let files = agent.files_changed(Some("/work"));
    assert_eq!(files.len(), 1);
    assert_eq!((&*files[0].path, &files[0].change), ("a", &FileChange::Added));
}
