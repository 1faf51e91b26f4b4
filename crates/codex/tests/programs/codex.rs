//! The real codex, for tests that drive it.

use std::path::PathBuf;

/// The codex of `cargo xtask test`. Without one the test is skipped, which CI does not take.
pub fn codex() -> Option<PathBuf> {
    let codex = std::env::var_os("CODEX_APPSERVER_TEST_CODEX").map(PathBuf::from);
    if codex.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CODEX_APPSERVER_TEST_CODEX is not set");
        eprintln!("SKIPPED: CODEX_APPSERVER_TEST_CODEX is not set; `cargo xtask test` sets it");
    }
    codex
}
