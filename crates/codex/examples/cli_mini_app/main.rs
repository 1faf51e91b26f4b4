//! A small chat in the terminal: streams the answers, puts every question of the agent and of MCP servers to the user,
//! shows the sub-agents, goes on with earlier threads, and tells what each turn has cost. Ctrl-C interrupts the turn;
//! twice within two seconds, or while no turn runs, it quits, as does the end of the input.
//!
//! `cargo run --example cli_mini_app -- [--resume THREAD] [--connect ADDRESS] [--offline]`
//!
//! With `--resume` it goes on with a thread, and with `--connect` it shares an app-server that listens
//! (`unix://PATH`, `ws://HOST:PORT`) instead of starting one. With `--offline` no login is needed, and a mock answers:
//! try `make a file`, `write a note`, `erase it`, `allow more`, `ask me`, `sign up`, `log in`, `open a page`, `find a park`,
//! `dig a hole` and `wait`. It takes its input from a pipe as well:
//! `printf 'make a file\ny\n' | cargo run --example cli_mini_app -- --offline`.

mod agents;
mod commands;
mod console;
mod decide;
mod follow;
mod items;
mod offline;
mod questions;
#[path = "../stage/mod.rs"]
mod stage;

use codex_appserver::Codex;
use tokio::select;

use commands::{App, open};
use console::Console;
use stage::Stage;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == offline::MCP_SERVER) {
        offline::mcp_server().serve(std::io::stdin().lock(), std::io::stdout())?;
        return Ok(());
    }
    let stage = Stage::with_home(offline::model, offline::home)?;
    let (front_end, questions) = questions::front_end();
    let builder = Codex::builder()
        .process(|process| stage.process(process))
        .own_group() // Ctrl-C is for us alone
        .front_end(front_end);
    let codex = match option("--connect") {
        Some(address) => builder.connect(&address).await?,
        None => builder.start().await?,
    };
    let mut app = App::new(codex.clone(), open(&codex).await?, questions, Console::open()?);
    let outcome = app.run(option("--resume")).await;
    // Turns that are running end here, unless the app-server is shared. Ctrl-C once more does not even wait for that.
    select! {
        _ = codex.close() => {}
        _ = app.console.pressed() => {}
    }
    outcome
}

/// The argument after this one.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}
