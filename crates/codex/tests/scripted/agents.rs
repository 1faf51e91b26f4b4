//! Sub-agents: whose events are whose, and who is still at work.

use codex_appserver::generic::{Codex, Turn};
use codex_appserver::{AgentState, Event, Filter, ServerNotification};
use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::{completed, delta, started, telling};
use crate::support::{Kit, PATIENCE, thread};

both!(
    a_stream_has_the_events_of_its_turn_alone,
    a_stream_may_have_the_events_of_sub_agents,
    the_end_of_a_sub_agent_is_no_end,
    a_tree_is_listed,
    a_sub_agent_that_outlives_its_turn_is_seen,
    a_tree_can_be_subscribed_to,
    each_turn_has_its_own_sub_agents,
    a_review_is_no_sub_agent,
);

fn turn(method: &str, thread: &str, id: &str, root: &str, status: &str) -> Step {
    let message = json!({"type": "agentMessage", "id": "m", "text": format!("{id} is {status}")});
    let items = if status == "inProgress" { json!([]) } else { json!([message]) };
    let turn = json!({"id": id, "items": items, "status": status, "rootTurnId": root});
    Step::notify(method, json!({"threadId": thread, "turn": turn}))
}

fn begun(thread: &str, id: &str) -> Step {
    turn("turn/started", thread, id, "turn-1", "inProgress")
}

fn ended(thread: &str, id: &str, status: &str) -> Step {
    turn("turn/completed", thread, id, "turn-1", status)
}

fn item(thread: &str, turn: &str, item: &Value) -> Step {
    let params = json!({"threadId": thread, "turnId": turn, "item": item, "completedAtMs": 1});
    Step::notify("item/completed", params)
}

fn spawned(thread: &str, turn: &str, child: &str) -> Step {
    let call = json!({"type": "collabAgentToolCall", "id": child, "tool": "spawnAgent", "status": "completed",
        "senderThreadId": thread, "receiverThreadIds": [child], "prompt": format!("Go, {child}."),
        "agentsStates": {child: {"status": "pendingInit"}}});
    item(thread, turn, &call)
}

fn said(thread: &str, turn: &str) -> Step {
    let params = json!({"threadId": thread, "turnId": turn, "itemId": "m", "delta": "from below"});
    Step::notify("item/agentMessage/delta", params)
}

/// A turn with a sub-agent, which has one as well. Both end before it.
fn family() -> Scenario {
    telling([
        started(),
        spawned("thread-1", "turn-1", "child"),
        begun("child", "C"),
        said("child", "C"),
        spawned("child", "C", "grandchild"),
        begun("grandchild", "G"),
        ended("grandchild", "G", "completed"),
        delta("own"),
        ended("child", "C", "failed"),
        completed("completed"),
    ])
}

/// The methods of all events up to the end, each with its turn if that is another one.
async fn told<R: Kit>(turn: &Turn<R>) -> Vec<String> {
    let (mut stream, mut told) = (turn.stream(), Vec::new());
    while let Some(event) = R::next(&mut stream).await {
        let Event::Notification(envelope) = event.expect("an event") else { panic!("only notifications") };
        let notification = envelope.notification;
        let of = match &notification {
            ServerNotification::TurnStarted(params) => params.turn.id.clone(),
            ServerNotification::TurnCompleted(params) => params.turn.id.clone(),
            ServerNotification::ItemCompleted(params) => params.turn_id.clone(),
            ServerNotification::ItemAgentMessageDelta(params) => params.turn_id.clone(),
            other => panic!("{other:?}"),
        };
        told.push(format!("{} {of}", notification.method()));
    }
    assert!(stream.result().is_some());
    told
}

const OWN: [&str; 4] = [
    "turn/started turn-1",
    "item/completed turn-1",
    "item/agentMessage/delta turn-1",
    "turn/completed turn-1",
];

async fn a_stream_has_the_events_of_its_turn_alone<R: Kit>() {
    let (_server, thread) = thread::<R>(Codex::builder(), family()).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    assert_eq!(told(&turn).await, OWN);
    assert_eq!(turn.result().expect("a result").text(), "own");
}

async fn a_stream_may_have_the_events_of_sub_agents<R: Kit>() {
    let scenario = family();
    let (server, codex) = R::start(scenario.answer("thread/name/set", Answer::result(json!({})))).await;
    let thread = R::send(codex.thread_start()).await.expect("a thread");
    let turn = R::send(thread.turn("go")).await.expect("a turn").with_agent_events();
    let told = told(&turn).await;
    let without: Vec<_> = told.iter().filter(|told| told.ends_with("turn-1")).collect();
    assert_eq!(without, OWN.iter().collect::<Vec<_>>());
    for other in
        ["turn/started C", "item/completed C", "turn/started G", "turn/completed G", "turn/completed C"]
    {
        assert!(told.iter().any(|told| told == other), "{other} is missing: {told:?}");
    }
    drop(server);
}

async fn the_end_of_a_sub_agent_is_no_end<R: Kit>() {
    let steps = [
        started(),
        begun("child", "C"),
        ended("child", "C", "interrupted"),
        delta("on"),
        completed("completed"),
    ];
    let (_server, thread) = thread::<R>(Codex::builder(), telling(steps)).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn").with_agent_events();
    let result = R::run_turn(&turn).await.expect("a result");
    assert_eq!((result.status.as_str(), result.text(), &*result.turn_id), ("completed", "on", "turn-1"));
}

async fn a_tree_is_listed<R: Kit>() {
    let (_server, thread) = thread::<R>(Codex::builder(), family()).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    R::run_turn(&turn).await.expect("a result");
    let agents = turn.agents();
    let [child, grandchild] = &agents[..] else { panic!("{agents:?}") };
    assert_eq!((&*child.thread_id, child.parent_thread_id.as_deref()), ("child", Some("thread-1")));
    assert_eq!((child.state, child.prompt.as_deref()), (AgentState::Failed, Some("Go, child.")));
    assert_eq!(
        (&*grandchild.thread_id, grandchild.parent_thread_id.as_deref()),
        ("grandchild", Some("child"))
    );
    assert_eq!(grandchild.state, AgentState::Completed);
    assert_eq!(grandchild.result.as_deref(), Some("G is completed"));
}

async fn a_sub_agent_that_outlives_its_turn_is_seen<R: Kit>() {
    let steps =
        [started(), spawned("thread-1", "turn-1", "child"), begun("child", "C"), completed("completed")];
    let scenario = telling(steps)
        .answer("thread/name/set", Answer::result(json!({})).then([ended("child", "C", "completed")]));
    let (server, thread) = thread::<R>(Codex::builder(), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    assert!(R::run_turn(&turn).await.expect("a result").is_completed());
    assert_eq!(turn.agents()[0].state, AgentState::Running);
    R::send(thread.set_name("end")).await.expect("it is named");
    server.wait_for("thread/name/set", 1, PATIENCE).expect("it ends");
    while turn.agents()[0].state.is_active() {
        std::thread::yield_now();
    }
    assert_eq!(turn.agents()[0].result.as_deref(), Some("C is completed"));
}

async fn a_tree_can_be_subscribed_to<R: Kit>() {
    let (_server, codex) = R::start(family()).await;
    let [mut tree, mut own] =
        [Filter::tree("turn-1"), Filter::turn("turn-1")].map(|filter| codex.client().events(filter));
    let thread = R::send(codex.thread_start()).await.expect("a thread");
    R::run_on(&thread, "go").await.expect("a result");
    let ends = |events: &mut codex_appserver::client::generic::Events<R>| {
        std::iter::from_fn(|| events.try_next())
            .filter_map(|event| event.expect("an event").into_notification())
            .filter(|notification| matches!(notification, ServerNotification::TurnCompleted(_)))
            .count()
    };
    assert_eq!((ends(&mut tree), ends(&mut own)), (3, 1));
}

async fn each_turn_has_its_own_sub_agents<R: Kit>() {
    // Another turn starts one as well, and the sub-agent of the first gets more to do from the second.
    let other = [
        turn("turn/started", "thread-2", "turn-2", "turn-2", "inProgress"),
        spawned("thread-2", "turn-2", "stranger"),
        turn("turn/started", "stranger", "S", "turn-2", "inProgress"),
        turn("turn/started", "child", "more", "turn-2", "inProgress"),
    ];
    let steps = [
        started(),
        spawned("thread-1", "turn-1", "child"),
        begun("child", "C"),
        ended("child", "C", "completed"),
    ];
    let steps = steps.into_iter().chain(other).chain([completed("completed")]);
    let (_server, thread) = thread::<R>(Codex::builder(), telling(steps)).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    R::run_turn(&turn).await.expect("a result");
    let agents: Vec<_> = turn.agents().into_iter().map(|agent| (agent.thread_id, agent.state)).collect();
    assert_eq!(agents, [("child".to_owned(), AgentState::Completed)]);
}

async fn a_review_is_no_sub_agent<R: Kit>() {
    let inner = json!({"id": "inner", "items": [], "status": "inProgress", "rootTurnId": "turn-1"});
    let inner = Step::notify("turn/started", json!({"threadId": "thread-1", "turn": inner}));
    let (_server, thread) =
        thread::<R>(Codex::builder(), telling([inner, delta("fine"), completed("completed")])).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let told = told(&turn).await;
    assert_eq!(told.first().map(String::as_str), Some("turn/started inner"));
    assert!(turn.agents().is_empty() && turn.result().expect("a result").text() == "fine");
}
