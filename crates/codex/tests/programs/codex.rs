//! The real codex, for tests that drive it.

use std::path::PathBuf;

/// The codex of `cargo xtask test`. Without one the test is skipped, which CI does not take.
pub fn codex() -> Option<PathBuf> {
    let codex = std::env::var_os("CODEX_APPSERVER_TEST_CODEX").filter(|path| !path.is_empty());
    let codex = codex.map(PathBuf::from);
    if codex.is_none() {
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!ci, "CODEX_APPSERVER_TEST_CODEX is not set");
        eprintln!("SKIPPED: CODEX_APPSERVER_TEST_CODEX is not set; `cargo xtask test` sets it");
    }
    codex
}
