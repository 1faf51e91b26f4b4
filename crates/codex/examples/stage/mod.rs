//! Where the examples play: your codex, or with `--offline` a throw-away home with a mock of the model.

use std::path::Path;

use anyhow::Context;
use codex_appserver::{CODEX_VERSION, Process};
use codex_appserver_runtime::{Codex as Program, Installer};
use codex_appserver_testkit::{CodexHome, CodexHomeBuilder, MockModel, Reply};

/// What an example needs besides its own code.
pub struct Stage {
    offline: Option<Offline>,
}

struct Offline {
    home: CodexHome,
    command: std::process::Command,
    // Answers for as long as it is kept.
    model: MockModel,
}

#[allow(dead_code, reason = "each example uses a part of it")]
impl Stage {
    /// The stage that the command line asks for. Offline the model gives these answers, one each time it is asked.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> anyhow::Result<Self> {
        Self::with(|| MockModel::scripted(replies))
    }

    /// The same with any other mock, such as [`MockModel::by_prompt`] where several turns run at once.
    pub fn with(model: impl FnOnce() -> std::io::Result<MockModel>) -> anyhow::Result<Self> {
        Self::with_home(model, |home| home)
    }

    /// The same with more in codex's configuration.
    pub fn with_home(
        model: impl FnOnce() -> std::io::Result<MockModel>,
        change: impl FnOnce(CodexHomeBuilder) -> CodexHomeBuilder,
    ) -> anyhow::Result<Self> {
        show_warnings();
        if !std::env::args().any(|argument| argument == "--offline") {
            return Ok(Self { offline: None });
        }
        let model = model()?;
        let home = change(CodexHome::builder(&model)).build()?;
        let command = home.command(program()?.path());
        Ok(Self { offline: Some(Offline { home, command, model }) })
    }

    /// Whether nothing but the mock is asked.
    pub fn is_offline(&self) -> bool {
        self.offline.is_some()
    }

    /// Has the app-server run here: `builder.process(|process| stage.process(process))`.
    pub fn process(&self, process: Process) -> Process {
        match &self.offline {
            Some(offline) => Process::from_command(&offline.command).env_clear(),
            None => process,
        }
    }

    /// The words on the command line, or these.
    pub fn words(&self, default: &str) -> String {
        let words: Vec<_> = words().collect();
        if words.is_empty() { default.to_owned() } else { words.join(" ") }
    }

    /// The first word on the command line.
    pub fn argument(&self) -> Option<String> {
        words().next()
    }

    /// The folder that the agent works in.
    pub fn workspace(&self) -> anyhow::Result<std::path::PathBuf> {
        match &self.offline {
            Some(offline) => Ok(offline.home.workspace()),
            None => Ok(std::env::current_dir()?),
        }
    }

    /// The mock, where it is asked.
    pub fn model(&self) -> Option<&MockModel> {
        self.offline.as_ref().map(|offline| &offline.model)
    }

    /// Prints which images the mock was shown: it cannot see them.
    pub fn print_images(&self) {
        for request in self.model().map(MockModel::requests).unwrap_or_default() {
            let parts = request.input().iter().filter_map(|item| item["content"].as_array()).flatten();
            for image in parts.filter_map(|part| part["image_url"].as_str()) {
                let kind = image.split(',').next().unwrap_or_default();
                println!("(the mock was shown an image of {} bytes: {kind})", image.len());
            }
        }
    }
}

/// Prints the warnings of the SDK to standard error, such as that of a codex of another version than the bindings.
fn show_warnings() {
    let warnings = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN);
    // A subscriber that is there already shows them as well.
    let _ =
        warnings.with_writer(std::io::stderr).without_time().with_target(false).with_ansi(false).try_init();
}

/// The command line without its flag.
fn words() -> impl Iterator<Item = String> {
    std::env::args().skip(1).filter(|word| word != "--offline")
}

/// The codex that is there already, else the one that npm has.
fn program() -> anyhow::Result<Program> {
    if let Ok(codex) = Program::find(None) {
        return Ok(codex);
    }
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/codex");
    let installer = Installer::new(cache).progress(|event| eprintln!("{event}"));
    installer.install(CODEX_VERSION).context("there is no codex, and npm does not bring one")
}
