//! What a client can read and keep without an account.

use anyhow::{Result, ensure};
use codex_appserver_enums::{EnvironmentStatusKind, ThreadMemoryMode};
use codex_appserver_methods::Methods as _;
use codex_appserver_notifications::ServerNotification;
use codex_appserver_testkit::{Gate, Reply};
use codex_appserver_types::{ProjectRoot, Thread, ThreadItem, ThreadReadStateOperation, ThreadTimelineEntry};

use crate::sessions::Stage;
use crate::sessions::stage::{input, text};

/// Each method once; some only because they are there (`mock/experimentalMethod` echoes).
pub(super) fn reads(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    ensure!(client.account_session_list().call()?.sessions.is_empty());
    ensure!(!client.collaboration_mode_list().call()?.data.is_empty());
    // The one environment of this machine is always there.
    ensure!(client.environment_status("local").call()?.status == EnvironmentStatusKind::Ready);
    client.environment_info("local").call()?;
    client.memory_status().call()?;
    ensure!(client.mock_experimental_method().value("echo").call()?.echoed.as_deref() == Some("echo"));
    client.remote_control_status_read().call()?;
    client.server_diagnostics().call()?;
    ensure!(!client.thread_realtime_list_voices().call()?.voices.v2.is_empty());
    client.user_verification_status().call()?;

    let root = ProjectRoot::new(text(&stage.home.workspace())?);
    let project = client.project_create("key-1", "A project", [root]).call()?.project;
    ensure!(client.project_read(&project.id).call()?.project.name == "A project");
    client.project_update(&project.id).name("Another name").call()?;
    ensure!(client.project_list().call()?.data[0].name == "Another name");
    client.project_delete(&project.id).call()?;
    ensure!(client.project_list().call()?.data.is_empty());
    Ok(())
}

/// Views of a thread: its timeline, single items, what a search finds, what was read, and what is queued.
///
/// The timeline is written in camelCase, other than its schema says; both are read.
pub(super) fn threads(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    let thread = stage.start_thread()?;
    stage.model.push(Reply::text("A needle."));
    let turn = stage.turn(&thread, "What is in the haystack?")?;
    let changed = client.expect("thread/readState/changed", |notification| match notification {
        ServerNotification::ThreadReadStateChanged(changed) => Some(changed.read_state.clone()),
        _ => None,
    })?;
    ensure!(changed.first_unread.is_some(), "{changed:?}");
    let read = client.thread_read_state_update(&thread.id, changed.revision, ThreadReadStateOperation::Read);
    ensure!(read.call()?.read_state.first_unread.is_none());

    let timeline = client.thread_timeline_list(&thread.id).call()?.data;
    ensure!(matches!(timeline.first(), Some(ThreadTimelineEntry::TurnStarted(_))), "{timeline:?}");
    ensure!(matches!(timeline.last(), Some(ThreadTimelineEntry::TurnCompleted(_))), "{timeline:?}");
    let items: Vec<String> = timeline
        .iter()
        .filter_map(|entry| match entry {
            ThreadTimelineEntry::Item(entry) => entry.item.id().map(str::to_owned),
            _ => None,
        })
        .collect();
    ensure!(items.len() == 2, "{timeline:?}");
    ensure!(client.thread_items_read(&thread.id, &turn.id, items).call()?.data.len() == 2);

    ensure!(client.thread_search("haystack").call()?.data.len() == 1);
    ensure!(client.thread_search_occurrences(&thread.id, "needle").call()?.data.len() == 1);
    client.thread_settings_update(&thread.id).effort("high").call()?;
    client.expect("thread/settings/updated", |notification| {
        matches!(notification, ServerNotification::ThreadSettingsUpdated(_)).then_some(())
    })?;
    client.thread_memory_mode_set(&thread.id, ThreadMemoryMode::Disabled).call()?;
    ensure!(client.thread_background_terminals_list(&thread.id).call()?.data.is_empty());
    ensure!(client.thread_increment_elicitation(&thread.id).call()?.count == 1);
    ensure!(client.thread_decrement_elicitation(&thread.id).call()?.count == 0);
    queue(stage, &thread)
}

/// A message is queued behind a running turn, seen in the queue, and taken out again before its turn comes.
fn queue(stage: &Stage, thread: &Thread) -> Result<()> {
    let client = &stage.client;
    let gate = Gate::new();
    stage.model.push(Reply::text("One moment.").then(Reply::hold(&gate)));
    stage.start_turn_and_wait(thread, "Take your time.")?;
    let later = input("Later.");
    stage.item("the message", |item| match item {
        ThreadItem::AgentMessage(message) => (message.text == "One moment.").then_some(()),
        _ => None,
    })?;
    let changed = || {
        client.expect("thread/queue/changed", |notification| {
            matches!(notification, ServerNotification::ThreadQueueChanged(_)).then_some(())
        })
    };
    let queued = client.thread_queue_add(&thread.id, "message-1", later).call()?.queued_submission;
    changed()?;
    let listed = client.thread_queue_list(&thread.id).call()?.data;
    ensure!(listed.len() == 1 && listed[0].id == queued.id, "{listed:?}");
    client.thread_queue_delete(&thread.id, &queued.id).call()?;
    changed()?;
    ensure!(client.thread_queue_list(&thread.id).call()?.data.is_empty());
    gate.open();
    stage.completed(thread)?;
    Ok(())
}
