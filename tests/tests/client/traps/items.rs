//! Items: their deltas, their beginnings without an end, and what comes after the turn.

use std::process::Command as Program;

use codex_appserver_client::{Client, Filter, HandlerError, Methods as _, ServerNotification};
use codex_appserver_enums::{CommandExecutionStatus, TurnStatus};
use codex_appserver_requests::{
    CommandExecutionRequestApprovalParams, CommandExecutionRequestApprovalResponse,
};
use codex_appserver_testkit::{Gate, Reply};
use codex_appserver_types::{CommandExecutionApprovalDecision, CommandExecutionThreadItem, ThreadItem};
use serde_json::json;

use crate::side::{Side as _, Tasks};
use crate::stage::{Stage, input, tell};
use crate::story::Story;

/// A client that lets every command run.
fn permissive() -> codex_appserver_client::ClientBuilder {
    Client::builder().on_command_approval(|_: CommandExecutionRequestApprovalParams, _| async {
        let accept = CommandExecutionApprovalDecision::Accept;
        Ok::<_, HandlerError>(CommandExecutionRequestApprovalResponse::new(accept))
    })
}

fn command(item: &ThreadItem) -> Option<CommandExecutionThreadItem> {
    match item {
        ThreadItem::CommandExecution(command) => Some(CommandExecutionThreadItem::clone(command)),
        _ => None,
    }
}

/// However many deltas of a command's output the server leaves out, the completed item has it whole.
#[test]
fn the_completed_command_has_the_whole_output_whatever_its_deltas_were() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        let client = stage.spawn::<Tasks>(permissive()).await;
        let thread = stage.thread::<Tasks>(&client).await;
        let mut story = Story::<Tasks>::of_thread(&client, &thread);
        let mut silent = 0;
        for round in 0..10 {
            stage.model.push(Reply::command_to_approve(format!("seq {round} 200"), "To count."));
            stage.model.push(Reply::text("Counted."));
            client.turn_start(&thread.id, input("Count.")).await.expect("turn/start");
            let done = story.item("the command", command).await;
            assert_eq!((&done.status, done.exit_code), (&CommandExecutionStatus::Completed, Some(0)));
            let whole: String = (round..=200).map(|number| format!("{number}\n")).collect();
            assert_eq!(done.aggregated_output.as_deref(), Some(&*whole));
            let pieces = story.all(|told| match told {
                ServerNotification::ItemCommandExecutionOutputDelta(delta) => {
                    (delta.item_id == done.id).then_some(())
                }
                _ => None,
            });
            silent += usize::from(pieces.is_empty());
            story.completed().await;
        }
        println!("{silent} of 10 commands had no output delta");
    });
}

/// Deltas of messages come whole and in order, over a long stream too.
#[test]
fn the_deltas_of_a_message_add_up_to_it() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        let chunks: Vec<String> = (0..1000).map(|number| format!("{number} ")).collect();
        stage.model.push(Reply::text_chunks(chunks.clone()));
        let client = stage.client().await;
        let thread = stage.thread::<Tasks>(&client).await;
        let (_, mut story) = tell::<Tasks>(&client, &thread, "Count.").await;
        story.completed().await;
        assert_eq!(story.deltas(), chunks.concat());
        assert_eq!(story.messages(), [chunks.concat()]);
    });
}

/// What an interrupt leaves behind: an item that began and has no end. `turn/completed` still comes.
#[test]
fn an_interrupted_turn_ends_although_its_message_does_not() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        stage.model.push(Reply::unfinished_text(["Half a"]).then(Reply::hold(&Gate::new())));
        let client = stage.client().await;
        let thread = stage.thread::<Tasks>(&client).await;
        let (turn, mut story) = tell::<Tasks>(&client, &thread, "Speak.").await;
        assert_eq!(story.delta().await, "Half a");
        client.turn_interrupt(&thread.id, &turn.id).await.expect("turn/interrupt");
        assert_eq!(story.completed().await.status, TurnStatus::Interrupted);
        let (started, completed) = story.items();
        assert_eq!((started.len(), completed.len()), (2, 1), "{:?}", story.names());
    });
}

/// After a steer, and after a stream that broke and was tried again, the first message stays without an end and
/// the second is whole.
#[test]
fn a_message_that_was_begun_anew_is_told_from_its_first_attempt() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        let process = stage.process().config("model_providers.mock.stream_max_retries", "1");
        let client = Client::builder().spawn(process).await.expect("the server starts");
        let thread = stage.thread::<Tasks>(&client).await;

        stage.model.push(Reply::unfinished_text(["I go right"]).then(Reply::hold(&Gate::new())));
        stage.model.push(Reply::text_chunks(["I go", " left."]));
        let (turn, mut story) = tell::<Tasks>(&client, &thread, "Go.").await;
        story.delta().await;
        let steered = client.turn_steer(&thread.id, &turn.id, input("Left.")).await.expect("turn/steer");
        assert_eq!(steered.turn_id, turn.id);
        begun_anew(&mut story, "I go rightI go left.", "I go left.").await;

        stage.model.push(Reply::dropped(["Hal"]));
        stage.model.push(Reply::text_chunks(["Half ", "and half."]));
        let (_, mut story) = tell::<Tasks>(&client, &thread, "Again.").await;
        begun_anew(&mut story, "HalHalf and half.", "Half and half.").await;
        let retried = story.all(|told| match told {
            ServerNotification::Error(error) => Some(error.will_retry),
            _ => None,
        });
        assert_eq!(retried, [true]);
    });
}

async fn begun_anew(story: &mut Story, deltas: &str, message: &str) {
    assert_eq!(story.completed().await.status, TurnStatus::Completed);
    assert_eq!(story.deltas(), deltas);
    assert_eq!(story.messages(), [message]);
    let (started, completed) = story.items();
    let unfinished = started.iter().filter(|id| !completed.contains(id)).count();
    assert_eq!(unfinished, 1, "{:?}", story.names());
}

/// A command that outlives its turn ends later; a subscription to the turn still gets that.
#[test]
fn what_outlives_its_turn_still_reaches_the_subscription_of_the_turn() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        let pipe = stage.path("pipe");
        let made = Program::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
        assert!(made.success());
        let call = json!({
            "cmd": format!("cat {pipe}"), "yield_time_ms": 250,
            "sandbox_permissions": "require_escalated", "justification": "To wait.",
        });
        stage.model.push(Reply::function_call("exec_command", call.to_string()));
        stage.model.push(Reply::text("It runs."));
        let client = stage.spawn::<Tasks>(permissive()).await;
        let thread = stage.thread::<Tasks>(&client).await;
        let (turn, mut story) = tell::<Tasks>(&client, &thread, "Run it.").await;
        story.narrow(Filter::turn(&turn.id));
        story.completed().await;
        let (started, completed) = story.items();
        assert!(
            started.iter().any(|id| !completed.contains(id)),
            "the command has ended: {:?}",
            story.names()
        );

        std::fs::write(&pipe, "late\n").expect("the command reads");
        let done = story.item("the command", command).await;
        assert_eq!(done.aggregated_output.as_deref(), Some("late\n"));
    });
}

/// A sub-agent has a thread of its own: its events are seen by who listens to all, and a subscription to the
/// thread that started it stays free of them.
#[test]
fn a_sub_agent_is_told_apart_by_its_thread() {
    Tasks::run(async {
        let Some(stage) = Stage::with(|home| home.feature("multi_agent", true)) else { return };
        let spawn = json!({
            "type": "function_call", "id": "fc_1", "call_id": "call_spawn", "namespace": "multi_agent_v1",
            "name": "spawn_agent", "arguments": json!({"message": "Dig."}).to_string(),
        });
        let mut spawn = Some(spawn);
        stage.model.answer_with(move |request| match (request.last_user_text(), spawn.take()) {
            (Some("Dig."), call) => {
                spawn = call;
                Reply::text("Dug.")
            }
            (_, Some(call)) => Reply::event(json!({"type": "response.output_item.done", "item": call})),
            _ => Reply::text("It digs."),
        });
        let client = stage.client().await;
        let mut all = Story::<Tasks>::of_all(&client);
        let thread = stage.thread::<Tasks>(&client).await;
        let (turn, mut story) = tell::<Tasks>(&client, &thread, "Have it dug.").await;
        let (mut own, mut other) = (None, None);
        while own.is_none() || other.is_none() {
            let done = all.notification("turn/completed", |told| match told {
                ServerNotification::TurnCompleted(done) => {
                    Some((done.thread_id.clone(), done.turn.id.clone()))
                }
                _ => None,
            });
            let (thread_id, turn_id) = done.await;
            let whose = if thread_id == thread.id { &mut own } else { &mut other };
            *whose = Some((thread_id, turn_id));
        }
        assert_eq!(own, Some((thread.id.clone(), turn.id.clone())));
        let agent = other.expect("it was just set").0;
        let root = all.all(|told| match told {
            ServerNotification::TurnStarted(started) => {
                (started.thread_id == agent).then(|| started.turn.root_turn_id.clone())
            }
            _ => None,
        });
        assert_eq!(root, [Some(turn.id)], "{:?}", all.names());

        story.completed().await;
        assert!(!story.deltas().contains("Dug."), "{}", story.deltas());
        assert!(all.deltas().contains("Dug."), "{}", all.deltas());
    });
}
