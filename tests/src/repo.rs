//! The repository under test and its commands.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use codex_appserver_runtime::{Codex, Surface};

/// The root of this repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A file below `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    root().join("tests/fixtures").join(path)
}

/// A cargo command that knows nothing of the cargo that runs this test.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let inherited = |key: &str| key.starts_with("CARGO_PKG_") || key.starts_with("CARGO_MANIFEST_");
    for (key, _) in std::env::vars().filter(|(key, _)| inherited(key)) {
        command.env_remove(key);
    }
    command
}

/// `cargo xtask …` without cargo: the program that runs these tests, or else one that is built now.
pub fn xtask<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| match std::env::var_os("CODEX_APPSERVER_TEST_XTASK") {
        Some(program) => program.into(),
        None => build_xtask(),
    });
    Command::new(program).args(arguments).current_dir(root()).output().expect("xtask runs")
}

fn build_xtask() -> PathBuf {
    let manifest = root().join("xtask/Cargo.toml");
    let mut command = cargo();
    command.args(["build", "--quiet", "--message-format=json-render-diagnostics", "--manifest-path"]);
    let output = command.arg(manifest).output().expect("cargo runs");
    assert!(output.status.success(), "xtask does not build: {}", text(&output));
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut programs = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs.next_back().expect("cargo names the program")
}

/// Standard output and standard error as one text.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The real codex binary, which `cargo xtask test` installs and names. Where it is missing the test says
/// so and is skipped; in CI that is a failure.
pub fn real_codex(test: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CODEX_APPSERVER_TEST_CODEX") {
        return Some(path.into());
    }
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "{test} needs the real codex: run it through `cargo xtask test`");
    eprintln!("SKIPPED {test}: it needs the real codex; run it through `cargo xtask test`");
    None
}

/// Writes the schema that a codex prints of one surface, and gives the path as an argument.
pub fn raw_bundle(codex: &Codex, surface: Surface, path: &Path) -> String {
    std::fs::write(path, codex.json_schema(surface).expect("a schema")).expect("the folder is writable");
    path.display().to_string()
}
