//! What a service does: turns at the same time, each with its stream, an eye on what the agent may run, and answers
//! as Rust types.

use codex_appserver::protocol::{SandboxMode, ServerNotification};
use codex_appserver::{Approvals, Codex, Decision, Error, Thread, TurnResult};
use tokio_stream::StreamExt;

/// Derived by a schemars of one's own.
#[derive(Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
pub struct Summary {
    /// In a sentence.
    pub title: String,
    /// What has to be done.
    pub tasks: Vec<String>,
}

/// Lets the agent run what only looks.
pub fn only_looking() -> Approvals {
    Approvals::ask(|request| async move {
        match request.command() {
            Some("ls" | "pwd") => Decision::Accept,
            _ => Decision::Decline,
        }
    })
}

/// A thread in a folder that it may write to.
pub async fn open(codex: &Codex, folder: &str) -> Result<Thread, Error> {
    let thread = codex.thread_start().cwd(folder).sandbox(SandboxMode::WorkspaceWrite).await?;
    thread.on_approval(only_looking());
    Ok(thread)
}

/// The pieces of an answer, and what came of the turn. The stream is one for anybody's combinators.
pub async fn pieces(thread: &Thread, words: &str) -> Result<(Vec<String>, TurnResult), Error> {
    let turn = thread.turn(words).await?;
    let deltas = turn.stream().filter_map(|event| match event.map(|event| event.into_notification()) {
        Ok(Some(ServerNotification::ItemAgentMessageDelta(delta))) => Some(Ok(delta.delta)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    let pieces = deltas.collect::<Result<Vec<_>, Error>>().await?;
    Ok((pieces, turn.run().await?))
}

/// What the agent makes of a text.
pub async fn summary(thread: &Thread, text: &str) -> Result<Summary, Error> {
    Ok(thread.run_as(format!("Sum it up:\n{text}")).await?.value)
}
