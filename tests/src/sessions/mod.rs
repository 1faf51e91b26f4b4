//! Scripted sessions against the real `codex app-server`, each about one part of the protocol.
//!
//! A [`Scenario`] is a function that drives a client and asserts what the session is about. `tests/sessions.rs`
//! plays them all; `examples/record_sessions.rs` plays them and keeps what went over the wire, [cleaned](clean),
//! in `tests/fixtures/recorded`.

pub mod clean;
pub mod client;
pub mod stage;
pub mod trace;

mod approvals;
mod chat;
mod commands;
mod compaction;
#[cfg(feature = "experimental")]
mod experimental;
mod failures;
mod files;
mod steering;
mod threads;

use anyhow::Result;
use codex_appserver_testkit::CodexHomeBuilder;

pub use stage::{Launcher, Recording, Stage, play};

/// One session.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name, and that of its fixture.
    pub name: &'static str,
    /// Whether the client asks for the experimental part of the protocol.
    pub experimental_api: bool,
    /// What its home needs beyond the usual.
    pub home: fn(CodexHomeBuilder) -> CodexHomeBuilder,
    /// What happens between `initialized` and the end.
    pub play: fn(&Stage) -> Result<()>,
}

impl Scenario {
    /// A session with the usual home, over the stable part of the protocol.
    const fn new(name: &'static str, play: fn(&Stage) -> Result<()>) -> Self {
        Self { name, experimental_api: false, home: |home| home, play }
    }

    /// A session over the experimental part of the protocol.
    #[cfg(feature = "experimental")]
    const fn experimental(name: &'static str, play: fn(&Stage) -> Result<()>) -> Self {
        Self { experimental_api: true, ..Self::new(name, play) }
    }

    const fn with_home(self, home: fn(CodexHomeBuilder) -> CodexHomeBuilder) -> Self {
        Self { home, ..self }
    }
}

/// All sessions that these features allow.
pub fn all() -> Vec<Scenario> {
    let themes: &[&[Scenario]] = &[
        chat::SCENARIOS,
        approvals::SCENARIOS,
        files::SCENARIOS,
        steering::SCENARIOS,
        failures::SCENARIOS,
        threads::SCENARIOS,
        compaction::SCENARIOS,
        commands::SCENARIOS,
        #[cfg(feature = "experimental")]
        experimental::SCENARIOS,
    ];
    themes.concat()
}
