//! Tries today's bindings on several versions of codex and writes `docs/compatibility.md`:
//!
//! ```text
//! cargo run -p codex-appserver-tests --features experimental --example compatibility -- [--check] [VERSION…]
//! ```
//!
//! Versions that are not in `.cache/codex` are installed through npm, and deleted afterwards: each takes 400 MB.

#[path = "../../crates/client/examples/all_methods/live.rs"]
mod live;
#[path = "../../crates/client/examples/all_methods/minimal.rs"]
mod minimal;
#[path = "../../crates/client/examples/all_methods/server.rs"]
mod server;
#[path = "../../crates/client/examples/all_methods/sweep.rs"]
mod sweep;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use codex_appserver::protocol::ThreadItem;
use codex_appserver_bindgen::Source;
use codex_appserver_bindgen::history::{History, Release};
use codex_appserver_client::Error;
use codex_appserver_runtime::{Codex, Installer};
use codex_appserver_shapes::{CODEX_VERSION, METHODS};
use codex_appserver_testkit::{CodexHome, MockModel, Reply};
use codex_appserver_tests::compatibility::{self, COMMAND, Swept, Tried, blame, comparable};
use codex_appserver_tests::repo;
use codex_appserver_wire::shape::Kind;
use sweep::{Outcome, Row};

/// Tries these bindings on several versions of codex and writes the result as a page.
///
/// Exit code 0: the page is written, or with --check as it should be; 1: it is not; 2: a version could not be tried.
#[derive(Parser)]
struct Arguments {
    /// The versions; without any the pinned one and five before it.
    #[arg(value_name = "VERSION")]
    versions: Vec<Release>,
    /// Compare with the page that is there, and write nothing. The numbers of decoded answers and of typed errors may
    /// differ: they depend on the machine.
    #[arg(long)]
    check: bool,
    /// The page.
    #[arg(long, value_name = "FILE", default_value_os_t = repo::root().join("docs/compatibility.md"))]
    out: PathBuf,
}

/// How long the session may take.
const SESSION: Duration = Duration::from_secs(60);

/// What the model says.
const ANSWER: &str = "Swept.";

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: &Arguments) -> Result<bool> {
    let default = default_versions()?;
    let mut versions = arguments.versions.clone();
    versions.sort_unstable();
    versions.dedup();
    if versions.is_empty() {
        versions.clone_from(&default);
    }
    let named: Vec<_> = versions.iter().map(Release::to_string).collect();
    let mut tried = Vec::new();
    for version in &versions {
        eprintln!("trying codex {version}");
        tried.push(attempt(*version).await.with_context(|| format!("codex {version} cannot be tried"))?);
    }
    let methods = METHODS.iter().filter(|method| method.kind == Kind::ClientRequest).count();
    // The short form of the command does the same.
    let words = if versions == default { String::new() } else { named.join(" ") };
    let page = compatibility::page(CODEX_VERSION, methods, &words, &tried);
    if arguments.check {
        return check(&arguments.out, &page);
    }
    fs::write(&arguments.out, page).with_context(|| format!("cannot write {}", arguments.out.display()))?;
    println!("wrote {}", arguments.out.display());
    Ok(true)
}

fn default_versions() -> Result<Vec<Release>> {
    let bytes =
        fs::read(repo::root().join("schema/history.json")).context("cannot read schema/history.json")?;
    let history = History::parse(&Source { name: "schema/history.json", bytes: &bytes })?;
    let pin = CODEX_VERSION.parse().map_err(anyhow::Error::msg)?;
    Ok(compatibility::default_versions(history.releases(), pin))
}

/// Compares the page that is there with the fresh one, and prints the lines that only one of them has.
fn check(file: &Path, fresh: &str) -> Result<bool> {
    let old = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (old, fresh) = (comparable(&old), comparable(fresh));
    if old == fresh {
        return Ok(true);
    }
    for line in old.iter().filter(|line| !fresh.contains(line)) {
        println!("- {line}");
    }
    for line in fresh.iter().filter(|line| !old.contains(line)) {
        println!("+ {line}");
    }
    let command = COMMAND.trim_end_matches(" --");
    println!("{} is stale; write it with `{command}`", file.display());
    Ok(false)
}

/// A codex that is deleted when this is dropped, unless it was installed before.
struct Borrowed {
    codex: Codex,
    folder: Option<PathBuf>,
}

impl Borrowed {
    fn install(version: &str) -> Result<Self> {
        let cache = repo::root().join(".cache/codex");
        let installer = Installer::new(&cache);
        if let Ok(codex) = installer.installed(version) {
            return Ok(Self { codex, folder: None });
        }
        let codex = installer.install(version)?;
        // Other commands want the pinned version as well.
        let folder = (version != CODEX_VERSION).then(|| cache.join(format!("codex-{version}")));
        Ok(Self { codex, folder })
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder
            && let Err(error) = fs::remove_dir_all(folder)
        {
            eprintln!("warning: cannot delete {}: {error}", folder.display());
        }
    }
}

async fn attempt(version: Release) -> Result<Tried> {
    let borrowed = Borrowed::install(&version.to_string())?;
    let swept = sweep_all(&borrowed.codex).await?;
    let (_model, home) = home()?;
    let session = match tokio::time::timeout(SESSION, session(&borrowed.codex, &home)).await {
        // The errors of the SDK name their cause themselves.
        Ok(session) => session.map_err(|error| error.to_string()),
        Err(_) => Err(format!("it is not over after {} seconds", SESSION.as_secs())),
    };
    Ok(Tried { version, swept, session })
}

fn home() -> Result<(MockModel, CodexHome)> {
    let model = MockModel::start().context("failed to start the mock of the model")?;
    model.answer_with(|_| Reply::text(ANSWER));
    let home = CodexHome::builder(&model).build().context("failed to make a home for codex")?;
    Ok((model, home))
}

/// Calls every method. The error of the inner result is that of a connection that was not made.
async fn sweep_all(codex: &Codex) -> Result<Result<Swept, String>> {
    let (_model, home) = home()?;
    let client = match server::connect(&home, codex.path()).await {
        Ok(client) => client,
        Err(error @ (Error::Start { .. } | Error::Find(_))) => return Err(error.into()),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let listener = client.early_events().map(|events| tokio::spawn(server::listen(events)));
    let rows = std::cell::RefCell::new(Swept::default());
    let finished = sweep::run(&client, &home.workspace(), |row| count(&mut rows.borrow_mut(), row)).await;
    let mut swept = rows.into_inner();
    swept.stopped = finished.err().map(|error| format!("{error:#}"));
    match sweep::compare_with_server(&client).await {
        Ok(differences) => {
            let only = |words: &str| -> BTreeSet<String> {
                differences.iter().filter_map(|text| text.strip_prefix(words)).map(str::to_owned).collect()
            };
            swept.unknown = only("only the server has ");
            swept.gone = &only("only the bindings have ") - &swept.too_old;
        }
        Err(error) => swept.stopped = swept.stopped.or_else(|| Some(format!("{error:#}"))),
    }
    client.shutdown().await;
    if let Some(listener) = listener {
        let heard = listener.await?;
        swept.events = heard.unreadable.iter().map(|text| blame(&quoted(text))).collect();
    }
    Ok(Ok(swept))
}

/// Puts the method in front of what is wrong with a message between backticks.
fn quoted(text: &str) -> String {
    match text.split_once(": ") {
        Some((method, rest)) if !method.contains(' ') => format!("`{method}`: {rest}"),
        _ => text.to_owned(),
    }
}

fn count(swept: &mut Swept, row: &Row) {
    let method = row.method.to_owned();
    match &row.outcome {
        Outcome::Ok => swept.decoded += 1,
        Outcome::Refused(_) => swept.errors += 1,
        Outcome::TooOld(_) => _ = swept.too_old.insert(method),
        Outcome::NoAnswer | Outcome::Failed(_) => _ = swept.silent.insert(method),
        Outcome::Undecodable(error) => {
            let place = if error.path().is_empty() { String::new() } else { format!("{}: ", error.path()) };
            swept.answers.insert(blame(&format!("`{method}`: {place}{}", error.message())));
        }
    }
}

/// What a program does at least: a thread, a turn, and what was kept of it.
async fn session(codex: &Codex, home: &CodexHome) -> Result<()> {
    let builder = codex_appserver::Codex::builder().process(|_| server::process(home, codex.path()));
    let codex = builder.start().await?;
    let thread = codex.thread_start().await?;
    let result = thread.run("Sweep.").await?.into_result()?;
    ensure!(result.text() == ANSWER, "the turn ended with `{}` as its answer", result.text());
    let turns = thread.read().include_turns(true).await?.thread.turns;
    let mut items = turns.iter().flat_map(|turn| &turn.items);
    let is_answer = |item: &ThreadItem| matches!(item, ThreadItem::AgentMessage(said) if said.text == ANSWER);
    ensure!(items.any(is_answer), "`thread/read` does not have the answer of the turn");
    codex.close().await;
    Ok(())
}
