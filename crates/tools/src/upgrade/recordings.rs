//! Recordings of real traffic are renewed by playing their sessions against the new codex.

use std::fs;

use anyhow::{Context, Result};
use codex_appserver_bindgen::Decision;

use super::plan::Plan;
use crate::inputs;

const FOLDER: &str = "tests/fixtures/recorded";
const COMMAND: &str = "cargo run -p codex-appserver-tests --features experimental --example record_sessions";

/// One decision if there are recordings of another codex.
pub fn outdated(plan: &Plan, version: &str) -> Result<Option<Decision>> {
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
            "{outdated} recordings are of another codex; renew them and look at what changed: `{COMMAND}`"
        ),
        row: None,
    }))
}
