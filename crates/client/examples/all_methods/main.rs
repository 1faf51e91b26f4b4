//! Calls every method of the protocol on a real codex, in a throw-away home and without the network, and prints
//! what came back: `cargo run --features experimental --example all_methods`.

mod live;
mod minimal;
mod server;
mod sweep;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use codex_appserver_runtime::Codex;
use codex_appserver_testkit::{CodexHome, MockModel, Reply};
use server::Heard;
use sweep::{Outcome, Row};

/// Calls every method of the protocol, with params as small as they may be, and prints a table of what came back.
///
/// Exit code 0: every method answered, and all that the server said could be decoded.
#[derive(Parser)]
struct Arguments {
    /// The codex to ask; without it the one of CODEX_BIN, of the PATH, or of npm's caches.
    #[arg(long, value_name = "PATH")]
    codex: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let codex = Codex::find(arguments.codex.as_deref())?;
    let model = MockModel::start().context("failed to start the mock of the model")?;
    model.answer_with(|_| Reply::text("Swept."));
    let home = CodexHome::builder(&model).build().context("failed to make a home for codex")?;
    let client = server::connect(&home, codex.path()).await?;
    // A sweep of another codex compares two protocols; what differs need be no fault of either.
    if let Some(mismatch) = client.server().mismatch() {
        eprintln!("warning: {mismatch}");
    }
    let listener = client.early_events().map(|events| tokio::spawn(server::listen(events)));

    let rows = sweep::run(&client, &home.workspace(), print).await?;
    let unlisted = sweep::compare_with_server(&client).await?;
    client.shutdown().await;
    let heard = match listener {
        Some(listener) => listener.await?,
        None => Heard::default(),
    };
    Ok(summarise(&rows, &unlisted, &heard))
}

fn print(row: &Row) {
    println!("{} | {}", row.method, row.outcome);
}

fn summarise(rows: &[Row], unlisted: &[String], heard: &Heard) -> ExitCode {
    let count = |wanted: fn(&Outcome) -> bool| rows.iter().filter(|row| wanted(&row.outcome)).count();
    let ok = count(|outcome| matches!(outcome, Outcome::Ok));
    let refused = count(|outcome| matches!(outcome, Outcome::Refused(_)));
    let silent = count(|outcome| matches!(outcome, Outcome::NoAnswer));
    let too_old = count(|outcome| matches!(outcome, Outcome::TooOld(_)));
    let broken = rows.len() - ok - refused - too_old - silent;
    for difference in unlisted {
        println!("the server and the bindings differ: {difference}");
    }
    for unreadable in &heard.unreadable {
        println!("an event is unreadable: {unreadable}");
    }
    if too_old > 0 {
        println!("{too_old} methods need a later codex");
    }
    println!(
        "{} methods: {ok} ok, {refused} errors, {silent} without answer, {broken} broken; {} events, {} unreadable; \
         {} methods that only one side knows",
        rows.len(),
        heard.events,
        heard.unreadable.len(),
        unlisted.len()
    );
    let fine = silent + broken + heard.unreadable.len() + unlisted.len() == 0;
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
