//! Recordings of real traffic are renewed by playing their sessions against the new codex.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use codex_appserver_bindgen::Decision;

use super::plan::Plan;
use crate::inputs;

const FOLDER: &str = "tests/fixtures/recorded";
const COMMAND: &str = "cargo run -p codex-appserver-tests --features experimental --example record_sessions";

/// One decision if there are recordings of another codex. `binary` is the one to play the sessions against.
pub fn outdated(plan: &Plan, version: &str, binary: &Path) -> Result<Option<Decision>> {
    let header = format!(r#"{{"v":1,"codex":"{version}"}}"#);
    let folder = inputs::root().join(FOLDER);
    let mut outdated = 0;
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {FOLDER}"))? {
        let name = entry.with_context(|| format!("cannot list {FOLDER}"))?.file_name();
        let text = plan.text(&format!("{FOLDER}/{}", name.to_string_lossy())).unwrap_or_default();
        outdated += usize::from(text.lines().next() != Some(&header));
    }
    Ok((outdated > 0).then(|| Decision {
        file: FOLDER.to_owned(),
        problem: format!(
            "{outdated} recordings are of another codex; renew them and look at what changed: \
             `CODEX_APPSERVER_TEST_CODEX={} {COMMAND}`",
            inputs::shown(binary)
        ),
        row: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_of_another_codex_are_one_decision() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        inputs::assume_root(&root.canonicalize().expect("the root is there"));
        let pin = inputs::Provenance::read().expect("the provenance is there").codex_version;
        let outdated = |version: &str| {
            outdated(&Plan::new(crate::inputs::root()), version, Path::new("/x/codex"))
                .expect("the recordings are there")
        };
        assert_eq!(outdated(&pin), None);
        let problem = outdated("9.9.9").expect("all are older").problem;
        assert!(problem.contains("`CODEX_APPSERVER_TEST_CODEX=/x/codex cargo run "), "{problem}");
    }
}
