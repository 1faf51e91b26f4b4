//! Changes of files that the server asks about.

use anyhow::{Result, ensure};
use codex_appserver_enums::{FileChangeApprovalDecision, PatchApplyStatus, TurnStatus};
use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::{FileChangeRequestApprovalResponse, ServerRequest};
use codex_appserver_testkit::Reply;
use codex_appserver_types::{FileChangeThreadItem, Thread, ThreadItem};

use super::{Scenario, Stage};

pub(super) const SCENARIOS: &[Scenario] = &[Scenario::new("file-change", file_change)];

/// One patch is accepted and one declined: the one file is there and the other is not.
///
/// In a sandbox that may not write, codex asks about every patch. The first names the diff of the turn
/// (`turn/diff/updated`).
fn file_change(stage: &Stage) -> Result<()> {
    let thread = stage.start_thread()?;
    let accepted = patch(stage, &thread, "accepted.txt", FileChangeApprovalDecision::Accept)?;
    ensure!(accepted.status == PatchApplyStatus::Completed, "{accepted:?}");
    ensure!(
        accepted.changes.len() == 1 && accepted.changes[0].path.ends_with("accepted.txt"),
        "{accepted:?}"
    );
    let written = std::fs::read_to_string(stage.home.workspace().join("accepted.txt"))?;
    ensure!(written == "one\ntwo\n", "{written:?}");
    let diff = stage.client.expect("turn/diff/updated", |notification| match notification {
        ServerNotification::TurnDiffUpdated(updated) => Some(updated.diff.clone()),
        _ => None,
    })?;
    ensure!(diff.contains("+two"), "{diff}");

    let declined = patch(stage, &thread, "declined.txt", FileChangeApprovalDecision::Decline)?;
    ensure!(declined.status == PatchApplyStatus::Declined, "{declined:?}");
    ensure!(!stage.home.workspace().join("declined.txt").exists(), "the declined patch was applied");
    Ok(())
}

/// A turn in which the model adds a file, with the client's answer.
fn patch(
    stage: &Stage,
    thread: &Thread,
    file: &str,
    answer: FileChangeApprovalDecision,
) -> Result<FileChangeThreadItem> {
    stage.model.push(Reply::add_file(file, "one\ntwo\n"));
    stage.model.push(Reply::text("So be it."));
    stage.start_turn(thread, "Add a file.")?;
    let (id, ()) = stage.client.expect_request("a file change approval", |request| match request {
        ServerRequest::ItemFileChangeRequestApproval(_) => Some(()),
        _ => None,
    })?;
    stage.client.answer(id.clone(), FileChangeRequestApprovalResponse::new(answer))?;
    stage.resolved(&id)?;
    let item = stage.item("a file change", |item| match item {
        ThreadItem::FileChange(change) => Some(change.clone()),
        _ => None,
    })?;
    let turn = stage.completed(thread)?;
    ensure!(turn.status == TurnStatus::Completed, "{turn:?}");
    Ok(item)
}
