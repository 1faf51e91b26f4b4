//! The named replies of the mock do with the real codex what their names say.

#![cfg(feature = "experimental")]

use std::time::Duration;

use anyhow::{Result, ensure};
use codex_appserver_enums::TurnStatus;
use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::{ServerRequest, ToolRequestUserInputResponse};
use codex_appserver_testkit::Reply;
use codex_appserver_tests::repo::real_codex;
use codex_appserver_tests::sessions::{Launcher, Scenario, Stage, play};
use codex_appserver_types::{Thread, ThreadItem, ToolRequestUserInputAnswer};

#[test]
fn replies_do_what_their_names_say() {
    let Some(codex) = real_codex("replies_do_what_their_names_say") else { return };
    let scenario = Scenario {
        name: "replies",
        experimental_api: true,
        home: |home| {
            home.feature("default_mode_request_user_input", true)
                .config("[tools.update_plan]\nenabled = true")
        },
        play: all,
    };
    play(&scenario, &Launcher::new(codex)).unwrap_or_else(|error| panic!("{error:#}"));
}

fn all(stage: &Stage) -> Result<()> {
    let thread = stage.start_thread()?;
    command(stage, &thread)?;
    plan(stage, &thread)?;
    question(stage, &thread)?;
    slow(stage, &thread)?;
    refused(stage, &thread)?;
    dropped(stage, &thread)
}

fn command(stage: &Stage, thread: &Thread) -> Result<()> {
    stage.model.push(Reply::command("echo ran"));
    stage.model.push(Reply::text("It ran."));
    ensure!(stage.turn(thread, "Run it.")?.status == TurnStatus::Completed);
    let output = stage.item("a command", |item| match item {
        ThreadItem::CommandExecution(command) => Some(command.aggregated_output.clone()),
        _ => None,
    })?;
    ensure!(output.as_deref() == Some("ran\n"), "{output:?}");
    Ok(())
}

fn plan(stage: &Stage, thread: &Thread) -> Result<()> {
    stage.model.push(Reply::plan([("Look.", "in_progress"), ("Leap.", "pending")]));
    stage.model.push(Reply::text("That is the plan."));
    stage.start_turn(thread, "Plan it.")?;
    let plan = stage.client.expect("turn/plan/updated", |notification| match notification {
        ServerNotification::TurnPlanUpdated(updated) => Some(updated.plan.clone()),
        _ => None,
    })?;
    ensure!(plan.len() == 2 && plan[1].step == "Leap.", "{plan:?}");
    stage.completed(thread).map(drop)
}

fn question(stage: &Stage, thread: &Thread) -> Result<()> {
    stage.model.push(Reply::ask_user("Which way?", ["left", "right"]));
    stage.model.push(Reply::text("Left."));
    stage.start_turn(thread, "Ask me.")?;
    let (id, asked) = stage.client.expect_request("a question", |request| match request {
        ServerRequest::ItemToolRequestUserInput(asked) => Some(asked.questions.clone()),
        _ => None,
    })?;
    ensure!(asked[0].id == "question" && asked[0].question == "Which way?", "{asked:?}");
    let answers = [("question".to_owned(), ToolRequestUserInputAnswer::new(["left"]))];
    stage.client.answer(id, ToolRequestUserInputResponse::new(answers.into()))?;
    stage.completed(thread).map(drop)
}

fn slow(stage: &Stage, thread: &Thread) -> Result<()> {
    stage.model.push(Reply::slow(Duration::from_millis(20), ["One ", "by ", "one."]));
    ensure!(stage.turn(thread, "Slowly.")?.status == TurnStatus::Completed);
    Ok(())
}

fn refused(stage: &Stage, thread: &Thread) -> Result<()> {
    stage.model.push(Reply::too_many_requests());
    let turn = stage.turn(thread, "Too much?")?;
    ensure!(turn.status == TurnStatus::Failed, "{turn:?}");
    Ok(())
}

fn dropped(stage: &Stage, thread: &Thread) -> Result<()> {
    stage.model.push(Reply::dropped(["I was go"]));
    let turn = stage.turn(thread, "And then?")?;
    ensure!(turn.status == TurnStatus::Failed, "{turn:?}");
    Ok(())
}
