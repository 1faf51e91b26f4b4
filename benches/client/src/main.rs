//! Races clients of `codex app-server` against each other, all through one and the same server program on a
//! pipe, and writes what was measured to standard output, as JSON. `cargo xtask bench client` makes a table
//! of it.

mod app_server_sdk;
mod bare;
mod clock;
mod codex_codes;
mod contender;
mod ours;
mod rounds;
mod session;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Parser;

use contender::{Entry, Flavor, Role, Server};
use rounds::Amounts;

/// Race clients against each other; prints JSON.
#[derive(Parser)]
struct Args {
    /// The server program; without it the one built beside this program.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Measure just long enough to see that it works.
    #[arg(long)]
    quick: bool,
    /// How often each contender is measured.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// The runtime that async contenders run on.
    #[arg(long, value_enum, default_value_t)]
    runtime: Flavor,
    /// Only contenders whose name contains one of these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// Who takes part. The bare loop is what the others are compared to.
///
/// To add one: implement `Contender` in a module of its own and add a line here.
const ENTRIES: [Entry; 7] = [
    Entry {
        name: "bare loop",
        role: Role::Limit,
        is_concurrent: true,
        make: |_| Ok(Box::new(bare::Bare::default())),
    },
    Entry {
        name: "codex-appserver-client, async",
        role: Role::Ours,
        is_concurrent: true,
        make: |flavor| Ok(Box::new(ours::Async::new(flavor.runtime()?))),
    },
    Entry {
        name: "codex-appserver-client, blocking",
        role: Role::Ours,
        is_concurrent: true,
        make: |_| Ok(Box::new(ours::Blocking::default())),
    },
    Entry {
        name: "codex-appserver-client, blocking, attached",
        role: Role::Ours,
        is_concurrent: true,
        make: |_| Ok(Box::new(ours::BlockingStreams::default())),
    },
    Entry {
        name: "codex-codes, async",
        role: Role::Peer,
        is_concurrent: false,
        make: |flavor| Ok(Box::new(codex_codes::Async::new(flavor.runtime()?))),
    },
    Entry {
        name: "codex-codes, blocking",
        role: Role::Peer,
        is_concurrent: false,
        make: |_| Ok(Box::new(codex_codes::Blocking::default())),
    },
    Entry {
        name: "codex-app-server-sdk",
        role: Role::Peer,
        is_concurrent: true,
        make: |flavor| Ok(Box::new(app_server_sdk::Sdk::new(flavor.runtime()?))),
    },
];

fn main() -> Result<()> {
    let args = Args::parse();
    let mut amounts = if args.quick { Amounts::QUICK } else { Amounts::FULL };
    amounts.rounds = args.rounds.map_or(amounts.rounds, |rounds| rounds as usize);
    let is_wanted = |entry: &Entry| {
        args.only.is_empty() || args.only.iter().any(|part| entry.name.contains(part.as_str()))
    };
    let entries: Vec<Entry> = ENTRIES.into_iter().filter(is_wanted).collect();
    if entries.is_empty() {
        bail!("no contender has such a name");
    }
    let program = match args.server {
        Some(program) => program,
        None => std::env::current_exe().context("where am I?")?.with_file_name("scripted-app-server"),
    };
    let folder = tempfile::tempdir().context("cannot make a folder for the scenario")?;
    let server = Server { program, env: vec![scenario(folder.path(), amounts.deltas)?] };
    let results = rounds::run(&entries, args.runtime, &server, amounts)?;
    println!("{}", serde_json::to_string(&results)?);
    Ok(())
}

/// Writes down what the server is to do; returns the variable that tells it where.
fn scenario(folder: &Path, deltas: usize) -> Result<(String, String)> {
    let path = folder.join("scenario.json");
    std::fs::write(&path, session::scenario(deltas).to_string())
        .with_context(|| format!("cannot write {}", path.display()))?;
    let path = path.into_os_string().into_string();
    let path = path.ok().context("the path of the folder for temporary files is no UTF-8")?;
    Ok(("SCRIPTED_APP_SERVER_SCENARIO".to_owned(), path))
}
