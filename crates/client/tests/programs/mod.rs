//! The programs that tests run: the examples of this package, and the real codex.

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

/// Cargo builds the examples of a package with all of its tests, in a folder beside theirs; not so when only
/// some tests are asked for.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("deps is in the folder of the profile");
    let example = folder.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(example.is_file(), "no {}; run `cargo build --examples` first", example.display());
    example
}
