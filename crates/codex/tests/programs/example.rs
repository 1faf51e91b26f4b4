//! The programs of the examples, which cargo builds with the tests of the package.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The program of an example; it is in a folder beside that of the tests.
///
/// It has to be newer than what it is made of: when cargo is asked for some tests alone, it leaves old programs there.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    let folder = test.parent().and_then(Path::parent).expect("deps is in the folder of the profile");
    let program = folder.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let hint = "run `cargo test -p codex-appserver --all-features`, which builds it";
    let built = changed(&program).unwrap_or_else(|| panic!("there is no {}: {hint}", program.display()));
    // Cargo's own list, in the form of a rule for make; it may name what is gone.
    let rule = std::fs::read_to_string(program.with_extension("d")).expect("cargo lists what it is made of");
    let sources = rule.replace("\\ ", "\0");
    let newer =
        |source: &&str| changed(Path::new(&source.replace('\0', " "))).is_some_and(|time| time > built);
    if let Some(source) = sources.split_whitespace().skip(1).find(newer) {
        panic!("{} is older than {source}: {hint}", program.display());
    }
    program
}

fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|file| file.modified()).ok()
}
