//! What the server itself may do to a client: be too busy, say nothing, die. A fake app-server plays it.

use std::time::Duration;

use codex_appserver::{ClientError, Codex, Error, Methods, RetryPolicy, Turn, retry_on_overload};
use codex_appserver_testkit::scripted::{self, Answer, Faults, Scenario, ScriptedServer, Step, TurnEnd};

/// It is too busy for the first two threads, never lists its models, and dies when it is asked who is logged in.
fn scenario() -> Scenario {
    let endless = scripted::Turn::new(["Working "]).end(TurnEnd::Never);
    Scenario::new()
        .answer("thread/start", Answer::thread())
        .answer("turn/start", Answer::turn(endless))
        .answer("model/list", Answer::never())
        .answer("account/read", Answer::never().then([Step::Exit(3)]))
        .faults(Faults::seeded(1).overloaded("thread/start", 2))
}

pub async fn with_the_server() -> anyhow::Result<()> {
    let (_server, reader, writer) = ScriptedServer::start_async(scenario())?;
    let codex = Codex::builder().attach(reader, writer).await?;
    let turn = busy(&codex).await?;
    silent(&codex).await;
    gone(&codex, &turn).await;
    Ok(())
}

/// Does several calls again when one of them meets a server that is too busy, and for no other reason. For single
/// calls `CodexBuilder::default_retry` does the same.
async fn busy(codex: &Codex) -> Result<Turn, Error> {
    let policy = RetryPolicy::default().max_attempts(5).initial_delay(Duration::from_millis(20));
    retry_on_overload(policy, || async {
        println!("an attempt");
        let thread = codex.thread_start().await?;
        Ok::<_, Error>(thread.turn("Begin.").await?)
    })
    .await
}

/// A call without an answer fails when its time is up (60 s unless set). It is not made again by itself: the server
/// may have done what it was asked for.
async fn silent(codex: &Codex) {
    let hasty = codex.client().with_timeout(Duration::from_millis(50));
    match hasty.model_list().await {
        Err(ClientError::TimedOut { method, after }) => println!("no answer to {method} within {after:?}"),
        other => println!("an answer, of all things: {}", other.is_ok()),
    }
}

/// When the server dies, everything that waits for it fails at once. Threads are on disk: start another `Codex` and
/// `thread_resume` them.
async fn gone(codex: &Codex, turn: &Turn) {
    let (call, run) = tokio::join!(async { codex.account().await }, turn.run());
    if let Err(ClientError::Closed(closed)) = call {
        // Of a child process there are its exit code and its last words as well.
        println!("the server is gone: {closed}");
    }
    match run {
        Err(error) if error.is_retryable() => println!("the turn: again later, says {error}"),
        Err(error) => println!("the turn: {error}"),
        Ok(result) => println!("the turn: {}", result.status),
    }
}
