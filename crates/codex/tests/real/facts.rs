//! What a turn really did: its tokens, its files, its sub-agents, and the time it took.

use std::collections::VecDeque;
use std::time::Duration;

use codex_appserver::protocol::{AskForApproval, CustomReviewTarget, ReviewTarget};
use codex_appserver::{AgentState, Approvals, Decision, FileChange, ServerNotification, TurnResult};
use codex_appserver_testkit::{CodexHomeBuilder, Gate, ModelRequest, Reply, Usage};
use serde_json::json;

use crate::stage::Stage;

/// A reply that claims so many tokens, 10 of them written.
fn costing(total: u64, reply: Reply) -> Reply {
    reply.usage(Usage { input: total - 10, cached_input: 1, output: 10, ..Usage::default() })
}

fn used(result: &TurnResult) -> (u64, u64, bool) {
    let usage = result.turn_usage.expect("it was reported");
    (usage.own.total, usage.agents.total, usage.is_exact)
}

/// A call of a tool for sub-agents.
fn collaborate(id: &str, name: &str, arguments: &serde_json::Value) -> Reply {
    let call = json!({
        "type": "function_call", "id": format!("fc_{id}"), "call_id": format!("call_{id}"),
        "namespace": "multi_agent_v1", "name": name, "arguments": arguments.to_string(),
    });
    Reply::event(json!({"type": "response.output_item.done", "item": call}))
}

/// The sub-agent that the model was told of last.
fn known_agent(request: &ModelRequest) -> String {
    let input = request.body["input"].to_string();
    let (_, rest) = input.rsplit_once(r#"{\"agent_id\":\""#).expect("it was spawned");
    rest.split('\\').next().expect("an id").to_owned()
}

fn with_agents(home: CodexHomeBuilder) -> CodexHomeBuilder {
    home.feature("multi_agent", true)
}

#[tokio::test]
async fn a_turn_knows_its_cost_and_its_sub_agents() {
    let Some(stage) = Stage::with([], with_agents) else { return };
    let mut agent = VecDeque::from([
        costing(300, Reply::command("echo digging")),
        costing(400, Reply::text("It is dug.")),
    ]);
    let mut step = 0;
    stage.model.answer_with(move |request| {
        if request.user_texts().contains(&"Dig.") {
            return agent.pop_front().unwrap_or_default();
        }
        step += 1;
        match step {
            1 => costing(100, collaborate("spawn", "spawn_agent", &json!({"message": "Dig."}))),
            2 => {
                let wait = json!({"targets": [known_agent(request)], "timeout_ms": 30_000});
                costing(200, collaborate("wait", "wait_agent", &wait))
            }
            _ => costing(50, Reply::text("All done.")),
        }
    });
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let turn = thread.turn("Have it dug.").await.expect("a turn");
    let mut stream = turn.stream();
    while let Some(event) = stream.next().await {
        match event.expect("it goes on").notification() {
            Some(ServerNotification::TurnStarted(begun)) => assert_eq!(begun.thread_id, thread.id()),
            Some(ServerNotification::TurnCompleted(ended)) => assert_eq!(ended.turn.id, turn.id()),
            _ => {}
        }
    }
    let result = stream.into_result().expect("a result");
    assert_eq!((result.text(), used(&result)), ("All done.", (350, 700, true)));
    let agents = turn.agents();
    let [agent] = &agents[..] else { panic!("{agents:?}") };
    assert_eq!((agent.state, agent.result.as_deref()), (AgentState::Completed, Some("It is dug.")));
    assert_eq!(
        (agent.prompt.as_deref(), agent.parent_thread_id.as_deref()),
        (Some("Dig."), Some(thread.id()))
    );
    assert_eq!(agent.usage.map(|usage| usage.total), Some(700));
    // The next turn on the thread has a cost of its own.
    let next = thread.run("And now?").await.expect("a result");
    assert_eq!(used(&next), (50, 0, true));
    assert_eq!(next.usage.map(|usage| usage.total.total_tokens), Some(400), "that is the whole thread");
}

#[tokio::test]
async fn a_sub_agent_may_outlive_its_turn() {
    let Some(stage) = Stage::with([], with_agents) else { return };
    let gate = Gate::new();
    let held = gate.clone();
    let mut step = 0;
    stage.model.answer_with(move |request| {
        if request.user_texts().contains(&"Dig.") {
            return Reply::hold(&held).then(costing(300, Reply::text("It is dug.")));
        }
        step += 1;
        match step {
            1 => costing(100, collaborate("spawn", "spawn_agent", &json!({"message": "Dig."}))),
            _ => costing(50, Reply::text("It digs.")),
        }
    });
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let turn = thread.turn("Have it dug.").await.expect("a turn");
    let mut everything = codex.client().events(codex_appserver::Filter::tree(turn.id()));
    let result = turn.run().await.expect("a result");
    assert_eq!(used(&result), (150, 0, true));
    let states = || turn.agents().iter().map(|agent| agent.state.is_active()).collect::<Vec<_>>();
    assert_eq!(states(), [true]);
    gate.open();
    loop {
        let event = everything.next().await.expect("an event").expect("it goes on");
        if let Some(ServerNotification::TurnCompleted(ended)) = event.into_notification()
            && ended.turn.id != turn.id()
        {
            break;
        }
    }
    assert_eq!(states(), [false]);
    let result = turn.result().expect("a result");
    assert_eq!(used(&result), (150, 300, true));
}

#[tokio::test]
async fn requests_that_fail_and_threads_that_are_resumed_are_not_counted_twice() {
    let Some(stage) = Stage::set([
        costing(100, Reply::command("echo one")),
        costing(200, Reply::text("Two.")),
        Reply::stream_error("server_error", "no luck"),
        costing(40, Reply::text("Three.")),
    ]) else {
        return;
    };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    assert_eq!(used(&thread.run("Go.").await.expect("a result")), (300, 0, true));
    let failed = thread.run("Again.").await.expect("a value");
    assert_eq!((failed.is_completed(), used(&failed)), (false, (0, 0, true)));
    let id = thread.id().to_owned();
    codex.close().await;
    let codex = stage.codex().await;
    let thread = codex.thread_resume(id).exclude_turns(true).await.expect("it is kept");
    assert_eq!(used(&thread.run("Once more.").await.expect("a result")), (40, 0, true));
}

#[tokio::test]
async fn a_review_reports_no_usage() {
    let review = r#"{"findings":[],"overall_correctness":"patch is correct","overall_explanation":"Fine.","overall_confidence_score":1.0}"#;
    let Some(stage) = Stage::set([Reply::text(review), costing(40, Reply::text("Fine."))]) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let target = ReviewTarget::Custom(CustomReviewTarget::new("Look at it."));
    let review = thread.review(target).await.expect("a review");
    assert_eq!(review.run().await.expect("a result").turn_usage, None);
    assert!(review.agents().is_empty());
    assert_eq!(used(&thread.run("Go.").await.expect("a result")), (40, 0, true));
}

#[tokio::test]
async fn only_applied_patches_change_files() {
    let update = "*** Begin Patch\n*** Update File: kept.txt\n*** Move to: sub/moved.txt\n@@\n-old\n+new\n*** End Patch\n";
    let Some(stage) = Stage::set([
        Reply::add_file("declined.txt", "no\n"),
        Reply::add_file("made.txt", "by codex\n"),
        Reply::patch(update),
        Reply::command("echo more > by-command.txt"),
        Reply::text("Done."),
    ]) else {
        return;
    };
    std::fs::write(stage.home.workspace().join("kept.txt"), "old\n").expect("it is written");
    let codex = stage.codex().await;
    let thread = codex.thread_start().approval_policy(AskForApproval::Untrusted).await.expect("a thread");
    thread.on_approval(Approvals::ask(|request| async move {
        let declined = request.diff().is_some_and(|diff| diff.contains("declined.txt"));
        if declined { Decision::Decline } else { Decision::Accept }
    }));
    let result = thread.run("Change files.").await.expect("a result").into_result().expect("it went well");
    let files = result.files_changed();
    let files: Vec<_> = files.iter().map(|file| (&*file.path, &file.change)).collect();
    let from = "kept.txt".to_owned();
    assert_eq!(files, [("made.txt", &FileChange::Added), ("sub/moved.txt", &FileChange::Moved { from })]);
    assert!(stage.home.workspace().join("by-command.txt").exists(), "the command ran");
    let diff = result.diff.expect("a diff");
    assert!(
        diff.contains("made.txt") && !diff.contains("by-command.txt") && !diff.contains("declined"),
        "{diff}"
    );
}

#[tokio::test]
async fn a_slow_approval_is_no_silence() {
    let Some(stage) =
        Stage::set([Reply::command_to_approve("touch out-of-bounds", "for a test"), Reply::text("Done.")])
    else {
        return;
    };
    let approvals = Approvals::ask(|_| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Decision::Decline
    });
    // The model answers within the time of the watchdog, a person does not.
    let builder =
        stage.builder().watchdog(Duration::from_millis(500)).max_duration(Duration::from_millis(900));
    let codex = builder.approvals(approvals).start().await.expect("a codex");
    let thread = codex.thread_start().await.expect("a thread");
    let result = thread.run("Go.").await.expect("no stall");
    assert!(result.is_completed() && !result.timed_out, "{result:?}");
    assert!(result.duration.is_some_and(|took| took > Duration::from_secs(1)), "{result:?}");
}

#[tokio::test]
async fn a_turn_that_takes_too_long_has_what_there_is() {
    let endless = Reply::unfinished_text(["I will never"]).then(Reply::hold(&Gate::new()));
    let Some(stage) = Stage::set([endless]) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let turn = thread.turn("Go.").await.expect("a turn").max_duration(Duration::from_millis(500));
    let result = turn.run().await.expect("a value");
    assert_eq!((result.status.as_str(), result.timed_out), ("interrupted", true));
    assert_eq!(result.text(), "I will never");
}
