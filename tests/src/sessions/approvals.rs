//! Commands that the server asks about, and each answer a client can give.
//!
//! The request has a list `availableDecisions`. For these commands it has `accept`, an amendment of the
//! policy and `cancel`; `acceptForSession` and `decline` are not in it and understood all the same.

use anyhow::{Result, ensure};
use codex_appserver_enums::{CommandExecutionStatus, TurnStatus};
use codex_appserver_methods::Methods as _;
use codex_appserver_requests::CommandExecutionRequestApprovalResponse;
use codex_appserver_testkit::Reply;
use codex_appserver_types::{
    CommandExecutionApprovalDecision, CommandExecutionThreadItem, Thread, ThreadItem,
};

use super::{Scenario, Stage};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new("approval-accept", accept),
    Scenario::new("approval-accept-for-session", accept_for_session),
    Scenario::new("approval-decline", decline),
    Scenario::new("approval-cancel", cancel),
    Scenario::new("approval-interrupted", interrupted),
];

/// The model wants to run a command outside the sandbox: codex asks the client first.
fn run(command: &str) -> Reply {
    Reply::command_to_approve(command, "The test wants it.")
}

/// Says something that makes the model run a command, and answers the question that follows.
fn ask(stage: &Stage, thread: &Thread, answer: CommandExecutionApprovalDecision) -> Result<()> {
    stage.start_turn(thread, "Run it.")?;
    let (id, item) = stage.command_approval()?;
    ensure!(item.starts_with("call_"), "the approval is not about the call of the model: {item}");
    stage.client.answer(id.clone(), CommandExecutionRequestApprovalResponse::new(answer))?;
    stage.resolved(&id)
}

fn command(stage: &Stage) -> Result<CommandExecutionThreadItem> {
    stage.item("a command", |item| match item {
        ThreadItem::CommandExecution(command) => Some(CommandExecutionThreadItem::clone(command)),
        _ => None,
    })
}

/// `accept`: the command runs and the model reads its output.
fn accept(stage: &Stage) -> Result<()> {
    stage.model.push(run("echo accepted"));
    stage.model.push(Reply::text("It ran."));
    let thread = stage.start_thread()?;
    ask(stage, &thread, CommandExecutionApprovalDecision::Accept)?;
    let item = command(stage)?;
    ensure!(item.status == CommandExecutionStatus::Completed && item.exit_code == Some(0), "{item:?}");
    ensure!(item.aggregated_output.as_deref() == Some("accepted\n"), "{item:?}");
    ensure!(stage.completed(&thread)?.status == TurnStatus::Completed);
    let output = stage.model.requests()[1].tool_output("call_1_1").unwrap_or_default();
    ensure!(output.contains("accepted"), "{output}");
    Ok(())
}

/// `acceptForSession`: the same command runs again without a question. Another command is asked about.
fn accept_for_session(stage: &Stage) -> Result<()> {
    let thread = stage.start_thread()?;
    stage.model.push(run("echo again"));
    stage.model.push(Reply::text("Once."));
    ask(stage, &thread, CommandExecutionApprovalDecision::AcceptForSession)?;
    ensure!(command(stage)?.status == CommandExecutionStatus::Completed);
    stage.completed(&thread)?;

    stage.model.push(run("echo again"));
    stage.model.push(Reply::text("Twice."));
    stage.turn(&thread, "Run it again.")?;
    ensure!(command(stage)?.status == CommandExecutionStatus::Completed, "the second run did not complete");

    stage.model.push(run("echo other"));
    stage.model.push(Reply::text("Thrice."));
    ask(stage, &thread, CommandExecutionApprovalDecision::Accept)?;
    ensure!(command(stage)?.aggregated_output.as_deref() == Some("other\n"));
    stage.completed(&thread)?;
    Ok(())
}

/// `decline`: the command does not run, and the turn goes on: the model is told.
fn decline(stage: &Stage) -> Result<()> {
    stage.model.push(run("echo declined > declined.txt"));
    stage.model.push(Reply::text("Then not."));
    let thread = stage.start_thread()?;
    ask(stage, &thread, CommandExecutionApprovalDecision::Decline)?;
    let item = command(stage)?;
    ensure!(item.status == CommandExecutionStatus::Declined, "{item:?}");
    ensure!(stage.completed(&thread)?.status == TurnStatus::Completed);
    ensure!(!stage.home.workspace().join("declined.txt").exists(), "the declined command ran");
    let output = stage.model.requests()[1].tool_output("call_1_1").unwrap_or_default();
    ensure!(output.contains("rejected"), "the model was not told: {output}");
    Ok(())
}

/// `cancel`: the turn is interrupted, and the model is not asked again.
fn cancel(stage: &Stage) -> Result<()> {
    stage.model.push(run("echo never"));
    let thread = stage.start_thread()?;
    ask(stage, &thread, CommandExecutionApprovalDecision::Cancel)?;
    let item = command(stage)?;
    ensure!(item.status == CommandExecutionStatus::Declined, "{item:?}");
    ensure!(stage.completed(&thread)?.status == TurnStatus::Interrupted);
    ensure!(stage.model.requests().len() == 1);
    Ok(())
}

/// The client interrupts the turn instead of answering: `serverRequest/resolved` comes after `turn/completed`,
/// and an answer that comes still later is ignored.
fn interrupted(stage: &Stage) -> Result<()> {
    stage.model.push(run("echo never"));
    let thread = stage.start_thread()?;
    let turn = stage.start_turn_and_wait(&thread, "Run it.")?;
    let (id, _) = stage.command_approval()?;
    stage.client.turn_interrupt(&thread.id, &turn.id).call()?;
    ensure!(stage.completed(&thread)?.status == TurnStatus::Interrupted);
    stage.resolved(&id)?;
    let late = CommandExecutionRequestApprovalResponse::new(CommandExecutionApprovalDecision::Accept);
    stage.client.answer(id, late)?;

    stage.model.push(Reply::text("All is well."));
    ensure!(stage.turn(&thread, "Are you well?")?.status == TurnStatus::Completed);
    let output = stage.model.requests()[1].tool_output("call_1_1").unwrap_or_default();
    ensure!(output.contains("aborted"), "{output}");
    Ok(())
}
