//! A real codex for a test.

use std::path::PathBuf;
use std::time::Duration;

use codex_appserver::{Codex, CodexBuilder, Process};
use codex_appserver_testkit::{CodexHome, CodexHomeBuilder, MockModel, Reply};

/// How long anything may take that has to happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Stage {
    pub model: MockModel,
    pub home: CodexHome,
    codex: PathBuf,
}

impl Stage {
    /// Without a codex there is no stage: the test is skipped, which CI does not take.
    pub fn set(replies: impl IntoIterator<Item = Reply>) -> Option<Self> {
        Self::with(replies, |home| home)
    }

    /// The same with a home of its own.
    pub fn with(
        replies: impl IntoIterator<Item = Reply>,
        change: impl FnOnce(CodexHomeBuilder) -> CodexHomeBuilder,
    ) -> Option<Self> {
        let codex = crate::codex::codex()?;
        let model = MockModel::scripted(replies).expect("a mock model");
        let home = CodexHome::builder(&model).config("[tools.update_plan]\nenabled = true");
        Some(Self { home: change(home).build().expect("a home"), model, codex })
    }

    pub fn command(&self) -> std::process::Command {
        self.home.command(&self.codex)
    }

    pub fn process(&self) -> Process {
        let process = Process::new().program(&self.codex).env_clear();
        process.envs(self.home.environment()).current_dir(self.home.workspace())
    }

    /// A stand-in for codex that kills or stops it.
    #[cfg(all(unix, feature = "blocking", feature = "ws"))]
    pub fn kill_points(&self) -> codex_appserver_testkit::kill_points::KillPoints {
        let program = crate::example::example("kill_points");
        codex_appserver_testkit::kill_points::KillPoints::new(program, &self.codex).expect("kill points")
    }

    pub fn builder(&self) -> CodexBuilder {
        Codex::builder().process(|_| self.process())
    }

    pub async fn codex(&self) -> Codex {
        self.builder().start().await.expect("a codex")
    }
}

/// The processes whose environment names this folder; zombies have none.
#[cfg(target_os = "linux")]
pub fn processes_in(home: &std::path::Path) -> Vec<String> {
    let home = home.to_string_lossy().into_owned();
    let all = std::fs::read_dir("/proc").expect("Linux has it").filter_map(Result::ok);
    let ours = all.filter(|entry| {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&home)
    });
    ours.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
