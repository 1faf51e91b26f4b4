//! What can be done with a thread beside its turns, and with a turn while it is running.
//!
//! `cargo run --example thread_lifecycle_and_controls`; with `--offline` nobody has to be logged in.

mod stage;

use codex_appserver::protocol::{ThreadGoalStatus, ThreadItem};
use codex_appserver::{Codex, ServerNotification, Thread, Turn};
use codex_appserver_testkit::{Gate, Reply};
use stage::Stage;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new(replies())?;
    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;
    let thread = codex.thread_start().await?;
    thread.run("Count from one to three.").await?.into_result()?;

    name_and_read(&thread).await?;
    goal(&thread).await?;
    fork(&thread).await?;
    compact(&thread).await?;
    steer(&thread).await?;
    interrupt(&thread).await?;
    archive(&thread).await?;
    codex.close().await;
    Ok(())
}

async fn name_and_read(thread: &Thread) -> anyhow::Result<()> {
    thread.set_name("Counting").await?;
    let kept = thread.read().include_turns(true).await?.thread;
    println!("name: {}", kept.name.unwrap_or_default());
    for item in kept.turns.iter().flat_map(|turn| &turn.items) {
        if let ThreadItem::AgentMessage(message) = item {
            println!("read: {}", message.text);
        }
    }
    Ok(())
}

/// The agent would pursue an active goal by itself, turn after turn; a paused one waits.
async fn goal(thread: &Thread) -> anyhow::Result<()> {
    thread.set_goal("Count to a hundred.").status(ThreadGoalStatus::Paused).await?;
    if let Some(goal) = thread.goal().await?.goal {
        println!("goal: {} ({})", goal.objective, goal.status);
    }
    println!("goal cleared: {}", thread.clear_goal().await?.cleared);
    Ok(())
}

/// Both threads know what was said before; what follows only one of them does.
async fn fork(thread: &Thread) -> anyhow::Result<()> {
    let fork = thread.fork().await?;
    let result = fork.run("Go on to five.").await?.into_result()?;
    println!("fork: {}", result.text());
    let turns = thread.read().include_turns(true).await?.thread.turns;
    println!("turns of the first thread: {}", turns.len());
    Ok(())
}

/// A summary takes the place of the conversation. That is a turn of its own, which the thread's events tell of.
async fn compact(thread: &Thread) -> anyhow::Result<()> {
    let mut events = thread.events();
    thread.compact().await?;
    while let Some(event) = events.next().await {
        if let Some(ServerNotification::TurnCompleted(completed)) = event?.notification() {
            println!("compacted: {}", completed.turn.status);
            break;
        }
    }
    Ok(())
}

/// Says something more while the agent is at work.
async fn steer(thread: &Thread) -> anyhow::Result<()> {
    let turn = thread.turn("Count slowly from one to fifty.").await?;
    println!("before: {}", first_words(&turn).await?);
    turn.steer("Ten is enough.").await?;
    let result = turn.run().await?;
    println!("steered: {} ({})", result.text(), result.status);
    Ok(())
}

/// Stops the agent. The turn tells its end as ever.
async fn interrupt(thread: &Thread) -> anyhow::Result<()> {
    let turn = thread.turn("Count slowly from one to a hundred.").await?;
    println!("before: {}", first_words(&turn).await?);
    turn.interrupt().await?;
    let result = turn.run().await?;
    println!("interrupted: {} ({})", result.text(), result.status);
    Ok(())
}

/// Reads until the agent begins to talk. What a stream has seen is still part of the turn's result.
async fn first_words(turn: &Turn) -> anyhow::Result<String> {
    let mut stream = turn.stream();
    while let Some(event) = stream.next().await {
        if let Some(ServerNotification::ItemAgentMessageDelta(message)) = event?.into_notification() {
            return Ok(message.delta);
        }
    }
    anyhow::bail!("the turn ended without a word")
}

/// A thread in the archive is not listed unless asked for. It has to be resumed when it comes back.
async fn archive(thread: &Thread) -> anyhow::Result<()> {
    let codex = thread.codex();
    thread.archive().await?;
    println!("archived: {}", is_archived(thread).await?);
    codex.thread_unarchive(thread.id()).await?;
    println!("archived: {}", is_archived(thread).await?);
    let thread = codex.thread_resume(thread.id()).await?;
    let result = thread.run("Are you back?").await?.into_result()?;
    println!("resumed: {}", result.text());
    Ok(())
}

async fn is_archived(thread: &Thread) -> anyhow::Result<bool> {
    let archive = thread.codex().thread_list().archived(true).await?;
    Ok(archive.data.iter().any(|kept| kept.id == thread.id()))
}

/// What the model says with `--offline`. It never finishes what is interrupted.
fn replies() -> [Reply; 7] {
    let endless = |words: &str| Reply::unfinished_text([words]).then(Reply::hold(&Gate::new()));
    [
        Reply::text("One, two, three."),
        Reply::text("Four, five."),
        Reply::text("We counted to three."),
        endless("One ... two ..."),
        Reply::text("Three, and so on to ten."),
        endless("One ..."),
        Reply::text("I am."),
    ]
}
