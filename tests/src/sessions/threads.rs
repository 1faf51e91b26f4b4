//! The life of a thread: named, read, listed, forked, archived, resumed, deleted.

use anyhow::{Context as _, Result, ensure};
use codex_appserver_enums::{ThreadGoalStatus, TurnStatus};
use codex_appserver_methods::Methods as _;
use codex_appserver_notifications::ServerNotification;
use codex_appserver_testkit::Reply;
use codex_appserver_types::Thread;

use super::{Scenario, Stage};

pub(super) const SCENARIOS: &[Scenario] =
    &[Scenario::new("threads", threads), Scenario::new("thread-extras", extras)];

/// Waits for a notification of this method that is about this thread.
macro_rules! expect_about {
    ($stage:ident, $arm:ident, $thread:expr) => {
        $stage.client.expect(stringify!($arm), |notification| match notification {
            ServerNotification::$arm(told) => (told.thread_id == $thread.id).then(|| told.clone()),
            _ => None,
        })
    };
}

/// A thread keeps its turns and its name through a fork, an archive and a resume, and is gone when deleted.
fn threads(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    let first = stage.start_thread()?;
    stage.model.push(Reply::text("Nice to meet you."));
    let turn = stage.turn(&first, "Hello.")?;

    client.thread_name_set(&first.id, "A first thread").call()?;
    ensure!(expect_about!(stage, ThreadNameUpdated, first)?.thread_name.as_deref() == Some("A first thread"));
    let read = client.thread_read(&first.id).include_turns(true).call()?.thread;
    ensure!(read.turns.len() == 1 && read.turns[0].id == turn.id, "{read:?}");
    ensure!(read.name.as_deref() == Some("A first thread"), "{read:?}");
    ensure!(client.thread_turns_list(&first.id).call()?.data.len() == 1);
    ensure!(client.thread_items_list(&first.id).call()?.data.len() == 2, "a user's and an agent's message");
    ensure!(ids(stage, false)? == [first.id.as_str()]);

    let fork = fork(stage, &first)?;
    client.thread_archive(&first.id).call()?;
    expect_about!(stage, ThreadArchived, first)?;
    ensure!(ids(stage, true)? == [first.id.as_str()] && ids(stage, false)? == [fork.id.as_str()]);
    client.thread_unarchive(&first.id).call()?;
    expect_about!(stage, ThreadUnarchived, first)?;
    ensure!(ids(stage, false)?.len() == 2);

    let resumed = client.thread_resume(&first.id).call()?.thread;
    // A resume also tells the token usage and the goal, of which there is none.
    expect_about!(stage, ThreadGoalCleared, first)?;
    ensure!(resumed.turns.len() == 1 && resumed.name == read.name, "{resumed:?}");
    stage.model.push(Reply::text("Welcome back."));
    stage.turn(&resumed, "I am back.")?;
    let told = stage.model.requests()[2].user_texts().join("\n");
    ensure!(told.contains("Hello.") && !told.contains("another"), "{told}");

    client.thread_delete(&fork.id).call()?;
    expect_about!(stage, ThreadDeleted, fork)?;
    client.thread_read(&fork.id).call().err().context("a deleted thread can be read")?;
    ensure!(ids(stage, false)? == [first.id.as_str()]);
    client.thread_unsubscribe(&first.id).call()?;
    Ok(())
}

/// Forks a thread and goes on in the fork, which knows what was said before.
fn fork(stage: &Stage, source: &Thread) -> Result<Thread> {
    let fork = stage.client.thread_fork(&source.id).call()?.thread;
    ensure!(fork.id != source.id && fork.forked_from_id.as_ref() == Some(&source.id), "{fork:?}");
    stage.started(&fork)?;
    stage.model.push(Reply::text("We are somewhere else."));
    ensure!(stage.turn(&fork, "This is another thread.")?.status == TurnStatus::Completed);
    let told = stage.model.requests()[1].user_texts().join("\n");
    ensure!(told.contains("Hello."), "{told}");
    Ok(fork)
}

fn ids(stage: &Stage, archived: bool) -> Result<Vec<String>> {
    let listed = stage.client.thread_list().archived(archived).call()?.data;
    Ok(listed.into_iter().map(|thread| thread.id).collect())
}

/// What hangs on a thread beside its turns: a goal, a section, items put in by the client, and commands of the
/// user, each of which is a turn of its own.
fn extras(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    let thread = stage.start_thread()?;
    stage.model.push(Reply::text("Yes?"));
    stage.turn(&thread, "Hello.")?;
    let said = serde_json::json!({
        "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Put in from outside."}],
    });
    client.thread_inject_items(&thread.id, [said]).call()?;
    stage.model.push(Reply::text("I see."));
    stage.turn(&thread, "What else?")?;
    ensure!(stage.model.requests()[1].user_texts().contains(&"Put in from outside."));

    // A goal that is active makes the thread go on by itself.
    client.thread_goal_set(&thread.id).objective("Rest.").status(ThreadGoalStatus::Paused).call()?;
    ensure!(expect_about!(stage, ThreadGoalUpdated, thread)?.goal.objective == "Rest.");
    ensure!(client.thread_goal_get(&thread.id).call()?.goal.is_some());
    ensure!(client.thread_goal_clear(&thread.id).call()?.cleared);
    expect_about!(stage, ThreadGoalCleared, thread)?;

    let section = client.thread_section_create("Reading").call()?.section;
    client.thread_section_move(&thread.id, Some(section.id.clone())).call()?;
    expect_about!(stage, ThreadSectionChanged, thread)?;
    ensure!(!client.thread_section_list().call()?.data.is_empty());
    client.thread_section_delete(&section.id).call()?;

    client.thread_shell_command(&thread.id, "echo from the user").call()?;
    let output = stage.item("a command of the user", |item| match item {
        codex_appserver_types::ThreadItem::CommandExecution(command) => {
            Some(command.aggregated_output.clone())
        }
        _ => None,
    })?;
    ensure!(output.as_deref() == Some("from the user\n"), "{output:?}");
    stage.completed(&thread)?;
    Ok(())
}
