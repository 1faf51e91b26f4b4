//! What a command line tool does: one thread, turns that it waits for, and a verdict as a Rust type.

use codex_appserver::Error;
use codex_appserver::blocking::{Codex, Thread};
use codex_appserver::protocol::{SandboxMode, ServerNotification};

/// Derived by the schemars of the SDK, so that there is no version of it to agree on.
#[derive(Debug, PartialEq, serde::Deserialize, codex_appserver::schemars::JsonSchema)]
#[schemars(crate = "codex_appserver::schemars")]
pub struct Verdict {
    /// Whether it may be merged.
    pub passed: bool,
    /// Why, in a sentence.
    pub reason: String,
}

/// A thread that changes nothing.
pub fn reader(codex: &Codex) -> Result<Thread, Error> {
    Ok(codex.thread_start().sandbox(SandboxMode::ReadOnly).call()?)
}

/// What the agent makes of a change.
pub fn judge(thread: &Thread, diff: &str) -> Result<Verdict, Error> {
    Ok(thread.run_as(format!("May this be merged?\n{diff}"))?.value)
}

/// Hands the pieces of an answer on as they come, and yields the whole.
pub fn tell(thread: &Thread, words: &str, mut piece: impl FnMut(&str)) -> Result<String, Error> {
    let turn = thread.turn(words).call()?;
    for event in turn.stream() {
        if let Some(ServerNotification::ItemAgentMessageDelta(delta)) = event?.into_notification() {
            piece(&delta.delta);
        }
    }
    Ok(turn.run()?.into_result()?.text().to_owned())
}
