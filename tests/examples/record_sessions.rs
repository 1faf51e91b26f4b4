//! Plays the sessions against the real codex and writes their fixtures anew, cleaned:
//!
//! ```text
//! CODEX_APPSERVER_TEST_CODEX=… cargo run -p codex-appserver-tests --features experimental \
//!     --example record_sessions -- [NAME…]
//! ```
//!
//! Without names it plays all of them. Look at `git diff --stat tests/fixtures/recorded` afterwards: what
//! changed without a reason is something that `sessions::clean` should know.

use anyhow::{Context as _, Result, ensure};
use codex_appserver_tests::repo;
use codex_appserver_tests::sessions::{self, Launcher, Scenario, clean, trace};

fn main() -> Result<()> {
    let codex = std::env::var_os("CODEX_APPSERVER_TEST_CODEX").context(
        "set CODEX_APPSERVER_TEST_CODEX to the codex binary; `cargo xtask test` installs one in .cache",
    )?;
    let launcher = Launcher::new(codex);
    for scenario in chosen(&std::env::args().skip(1).collect::<Vec<_>>())? {
        let rows = record(&scenario, &launcher)?;
        let file = repo::fixture("recorded").join(format!("{}.jsonl", scenario.name));
        std::fs::write(&file, &rows).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{:>8} bytes  {}", rows.len(), file.file_name().unwrap_or_default().to_string_lossy());
    }
    Ok(())
}

/// The sessions of these names, all of them if there is none.
fn chosen(names: &[String]) -> Result<Vec<Scenario>> {
    let all = sessions::all();
    let known: Vec<&str> = all.iter().map(|scenario| scenario.name).collect();
    for name in names {
        ensure!(
            known.contains(&name.as_str()),
            "there is no session `{name}` (with these features); there are {}",
            known.join(", ")
        );
    }
    let is_chosen = |scenario: &Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name);
    Ok(all.into_iter().filter(is_chosen).collect())
}

/// Plays a session and gives the text of its fixture.
fn record(scenario: &Scenario, launcher: &Launcher) -> Result<String> {
    let recording = sessions::play(scenario, launcher)?;
    let rows = clean::clean(&recording.rows, &recording.places)?;
    trace::write(&recording.codex, &rows)
}
