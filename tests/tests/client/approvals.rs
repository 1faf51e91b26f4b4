//! What the server asks, and every way to answer it or not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use codex_appserver_client::{Client, Error, HandlerError, Methods, ServerNotification, blocking};
use codex_appserver_enums::{
    CommandExecutionStatus, FileChangeApprovalDecision, PatchApplyStatus, TurnStatus,
};
use codex_appserver_requests::{
    CommandExecutionRequestApprovalResponse as CommandAnswer, FileChangeRequestApprovalResponse as FileAnswer,
};
use codex_appserver_testkit::Reply;
use codex_appserver_types::{
    CommandExecutionApprovalDecision as Decision, DynamicToolSpec, FunctionDynamicToolSpec, Thread,
    ThreadItem,
};
use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;

use crate::side::{Command, Side, Tasks, both};
use crate::stage::{Stage, in_time, tell};
use crate::story::Story;

both!(
    each_decision_about_a_command_does_what_it_says,
    each_decision_about_a_file_change_does_what_it_says,
    what_nothing_handles_is_declined,
    a_handler_that_panics_declines,
    a_responder_that_is_dropped_declines,
    a_responder_answers_later_from_elsewhere,
    an_interrupt_withdraws_the_request,
    requests_without_a_decline_are_refused_and_the_turn_ends,
);

/// A turn in which the model wants to run a command.
async fn ask_to_run<S: Side>(stage: &Stage, client: &S::Client, thread: &Thread, run: &str) -> Story<S> {
    stage.model.push(Reply::command_to_approve(run, "To see."));
    stage.model.push(Reply::text("So be it."));
    tell::<S>(client, thread, "Run it.").await.1
}

/// How the command and the turn ended.
async fn outcome<S: Side>(story: &mut Story<S>) -> (CommandExecutionStatus, TurnStatus) {
    let command = story.item("the command", |item| match item {
        ThreadItem::CommandExecution(command) => Some(command.status.clone()),
        _ => None,
    });
    (command.await, story.completed().await.status)
}

async fn each_decision_about_a_command_does_what_it_says<S: Side>() {
    use CommandExecutionStatus::{Completed, Declined};
    for (decision, command, turn) in [
        (Decision::Accept, Completed, TurnStatus::Completed),
        (Decision::AcceptForSession, Completed, TurnStatus::Completed),
        (Decision::Decline, Declined, TurnStatus::Completed),
        (Decision::Cancel, Declined, TurnStatus::Interrupted),
    ] {
        let Some(stage) = Stage::set() else { return };
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, answer) = (asked.clone(), decision.clone());
        let builder = S::on_command(S::builder(), move |params| {
            assert!(params.command.as_deref().is_some_and(|command| command.contains("touch here")));
            count.fetch_add(1, Ordering::SeqCst);
            Ok(CommandAnswer::new(answer.clone()))
        });
        let client = stage.spawn::<S>(builder).await;
        let thread = stage.thread::<S>(&client).await;
        let mut story = ask_to_run::<S>(&stage, &client, &thread, "touch here").await;
        assert_eq!(outcome(&mut story).await, (command.clone(), turn), "{decision:?}");
        assert_eq!(stage.home.workspace().join("here").exists(), command == Completed, "{decision:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{decision:?}");
        if decision == Decision::AcceptForSession {
            let mut story = ask_to_run::<S>(&stage, &client, &thread, "touch here").await;
            assert_eq!(outcome(&mut story).await, (Completed, TurnStatus::Completed));
            assert_eq!(asked.load(Ordering::SeqCst), 1, "it was asked a second time");
        }
    }
}

async fn each_decision_about_a_file_change_does_what_it_says<S: Side>() {
    use FileChangeApprovalDecision as Decision;
    use PatchApplyStatus::{Completed, Declined};
    for (decision, patch, turn) in [
        (Decision::Accept, Some(Completed), TurnStatus::Completed),
        (Decision::AcceptForSession, Some(Completed), TurnStatus::Completed),
        (Decision::Decline, Some(Declined), TurnStatus::Completed),
        (Decision::Cancel, None, TurnStatus::Interrupted),
    ] {
        let Some(stage) = Stage::set() else { return };
        let answer = decision.clone();
        let builder = S::on_file_change(S::builder(), move |_| Ok(FileAnswer::new(answer.clone())));
        let client = stage.spawn::<S>(builder).await;
        let thread = stage.thread::<S>(&client).await;
        stage.model.push(Reply::add_file("new.txt", "one\ntwo\n"));
        stage.model.push(Reply::text("So be it."));
        let (_, mut story) = tell::<S>(&client, &thread, "Add a file.").await;
        assert_eq!(story.completed().await.status, turn, "{decision:?}");
        let statuses = story.all(|told| match told {
            ServerNotification::ItemCompleted(completed) => match &completed.item {
                ThreadItem::FileChange(change) => Some(change.status.clone()),
                _ => None,
            },
            _ => None,
        });
        // A change that is cancelled with its turn has no end of its own.
        assert_eq!(statuses, patch.as_slice(), "{decision:?}");
        assert_eq!(stage.home.workspace().join("new.txt").exists(), patch == Some(Completed), "{decision:?}");
    }
}

const DECLINED: (CommandExecutionStatus, TurnStatus) =
    (CommandExecutionStatus::Declined, TurnStatus::Completed);

/// Without a handler, and with one that passes: the command does not run, and the turn goes on.
async fn what_nothing_handles_is_declined<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let passing = S::on_command(S::builder(), |_| Err(HandlerError::Unhandled));
    for builder in [S::builder(), passing] {
        let client = stage.spawn::<S>(builder).await;
        let thread = stage.thread::<S>(&client).await;
        let mut story = ask_to_run::<S>(&stage, &client, &thread, "touch here").await;
        assert_eq!(outcome(&mut story).await, DECLINED);
        assert!(!stage.home.workspace().join("here").exists());
        S::shutdown(&client).await;
    }
}

async fn a_handler_that_panics_declines<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let builder = S::on_command(S::builder(), |_| panic!("this handler is meant to panic"));
    let client = stage.spawn::<S>(builder).await;
    let thread = stage.thread::<S>(&client).await;
    // The connection survives it, more than once.
    for _ in 0..2 {
        let mut story = ask_to_run::<S>(&stage, &client, &thread, "touch here").await;
        assert_eq!(outcome(&mut story).await, DECLINED);
    }
}

async fn a_responder_that_is_dropped_declines<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let builder = S::on_later::<Command>(S::builder(), |_, later| drop(later));
    let client = stage.spawn::<S>(builder).await;
    let thread = stage.thread::<S>(&client).await;
    let mut story = ask_to_run::<S>(&stage, &client, &thread, "touch here").await;
    assert_eq!(outcome(&mut story).await, DECLINED);
}

/// The request waits as long as it must; meanwhile the connection is of use.
async fn a_responder_answers_later_from_elsewhere<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let (asked, mut asks) = unbounded_channel();
    let builder = S::on_later::<Command>(S::builder(), move |_, later| {
        asked.send(later).expect("the test listens");
    });
    let client = stage.spawn::<S>(builder).await;
    let thread = stage.thread::<S>(&client).await;
    let mut story = ask_to_run::<S>(&stage, &client, &thread, "touch here").await;
    let later = in_time(asks.recv()).await.expect("a request");
    for _ in 0..100 {
        S::send(client.thread_loaded_list()).await.expect("the server answers");
    }
    let answered = S::go(async move { later.respond(CommandAnswer::new(Decision::Accept)) });
    in_time(answered).await.expect("it ran").expect("the answer was wanted");
    assert_eq!(outcome(&mut story).await, (CommandExecutionStatus::Completed, TurnStatus::Completed));
}

/// The turn is over before the request is answered: the answer is not wanted any more, and says so.
async fn an_interrupt_withdraws_the_request<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let (asked, mut asks) = unbounded_channel();
    let builder = S::on_later::<Command>(S::builder(), move |_, later| {
        asked.send(later).expect("the test listens");
    });
    let client = stage.spawn::<S>(builder).await;
    let thread = stage.thread::<S>(&client).await;
    stage.model.push(Reply::command_to_approve("touch here", "To see."));
    let (turn, mut story) = tell::<S>(&client, &thread, "Run it.").await;
    let (id, _) = story.request().await;
    let later = in_time(asks.recv()).await.expect("a request");
    S::send(client.turn_interrupt(&thread.id, &turn.id)).await.expect("the turn runs");
    story.resolved(&id).await;
    let late = later.respond(CommandAnswer::new(Decision::Accept)).expect_err("nobody waits for it");
    assert!(matches!(late, Error::Resolved { .. }), "{late}");
    let ended = story.all(|told| match told {
        ServerNotification::TurnCompleted(completed) => Some(completed.turn.status.clone()),
        _ => None,
    });
    assert_eq!(ended, [TurnStatus::Interrupted]);
    assert!(!stage.home.workspace().join("here").exists());
}

/// Questions to the user, permissions and tools of the client: nobody is there, and the model is told so.
async fn requests_without_a_decline_are_refused_and_the_turn_ends<S: Side>() {
    let home = |home: codex_appserver_testkit::CodexHomeBuilder| {
        home.feature("request_permissions_tool", true).feature("default_mode_request_user_input", true)
    };
    let Some(stage) = Stage::with(home) else { return };
    let client = stage.spawn::<S>(S::experimental(S::builder())).await;
    let weather = FunctionDynamicToolSpec::new("The weather.", json!({"type": "object"}), "weather");
    let call = client.thread_start().dynamic_tools([DynamicToolSpec::Function(weather)]);
    let thread = S::send(call.cwd(stage.path(""))).await.expect("thread/start").thread;
    let wanted = json!({"reason": "To look.", "permissions": {"network": {"enabled": true}}});
    for reply in [
        Reply::ask_user("Which way?", ["left", "right"]),
        Reply::function_call("request_permissions", wanted.to_string()),
        Reply::function_call("weather", "{}"),
    ] {
        stage.model.push(reply);
        stage.model.push(Reply::text("Without, then."));
        let (_, mut story) = tell::<S>(&client, &thread, "Ask.").await;
        story.request().await;
        assert_eq!(story.completed().await.status, TurnStatus::Completed);
        assert_eq!(story.messages(), ["Without, then."]);
    }
}

/// A handler may call the client it serves.
#[test]
fn a_handler_may_call_its_client() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        let builder = Client::builder().on_command_approval(
            |params: codex_appserver_requests::CommandExecutionRequestApprovalParams, context| async move {
                let client = context.client().expect("the client is there");
                assert_eq!(context.thread_id(), Some(&*params.thread_id));
                let read = client.thread_read(&params.thread_id).await.expect("thread/read");
                assert_eq!(read.thread.id, params.thread_id);
                Ok::<_, HandlerError>(CommandAnswer::new(Decision::Accept))
            },
        );
        let client = stage.spawn::<Tasks>(builder).await;
        let thread = stage.thread::<Tasks>(&client).await;
        let mut story = ask_to_run::<Tasks>(&stage, &client, &thread, "touch here").await;
        assert_eq!(outcome(&mut story).await.0, CommandExecutionStatus::Completed);
    });
}

/// The same on threads.
#[test]
fn a_blocking_handler_may_call_its_client() {
    let Some(stage) = Stage::set() else { return };
    let builder = blocking::Client::builder().on_command_approval(
        |params: codex_appserver_requests::CommandExecutionRequestApprovalParams,
         context: blocking::Context| {
            let client = context.client().expect("the client is there");
            let read = client.thread_read(&params.thread_id).call().expect("thread/read");
            assert_eq!(read.thread.id, params.thread_id);
            Ok::<_, HandlerError>(CommandAnswer::new(Decision::Accept))
        },
    );
    crate::side::Threads::run(async {
        type S = crate::side::Threads;
        let client = stage.spawn::<S>(builder).await;
        let thread = stage.thread::<S>(&client).await;
        let mut story = ask_to_run::<S>(&stage, &client, &thread, "touch here").await;
        assert_eq!(outcome(&mut story).await.0, CommandExecutionStatus::Completed);
    });
}

/// The future of a handler is dropped when its request is withdrawn.
#[test]
fn an_interrupt_cancels_the_handler() {
    struct Told(Option<tokio::sync::oneshot::Sender<()>>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.take().map(|told| told.send(()));
        }
    }
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        let (begun, mut begins) = unbounded_channel();
        let (told, dropped) = tokio::sync::oneshot::channel();
        let told = std::sync::Mutex::new(Some(Told(Some(told))));
        let builder = Client::builder().on_command_approval(
            move |_: codex_appserver_requests::CommandExecutionRequestApprovalParams, _| {
                let guard = told.lock().expect("no panic").take();
                let begun = begun.clone();
                async move {
                    let _guard = guard;
                    begun.send(()).expect("the test listens");
                    std::future::pending::<Result<CommandAnswer, HandlerError>>().await
                }
            },
        );
        let client = stage.spawn::<Tasks>(builder).await;
        let thread = stage.thread::<Tasks>(&client).await;
        stage.model.push(Reply::command_to_approve("touch here", "To see."));
        let (turn, mut story) = tell::<Tasks>(&client, &thread, "Run it.").await;
        in_time(begins.recv()).await.expect("the handler began");
        client.turn_interrupt(&thread.id, &turn.id).await.expect("the turn runs");
        in_time(dropped).await.expect("the handler is dropped");
        assert_eq!(story.completed().await.status, TurnStatus::Interrupted);
    });
}
