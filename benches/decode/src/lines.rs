//! The messages: the server's part of every recorded session, and three single ones.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// One message of the server as it stands on the wire.
#[derive(Clone, Debug)]
pub struct Line {
    /// The JSON text.
    pub text: String,
    /// Its method.
    pub method: String,
    /// It wants an answer.
    pub is_request: bool,
}

impl Line {
    /// Looks at a message; `None` for an answer, which has no method.
    fn new(text: &str) -> Result<Option<Self>> {
        let message: Value = serde_json::from_str(text).context("a line is no JSON")?;
        let is_request = message.get("id").is_some();
        let method = message.get("method").and_then(Value::as_str);
        Ok(method.map(|method| Self { text: text.to_owned(), method: method.to_owned(), is_request }))
    }

    /// The same message as another text.
    #[must_use]
    pub fn with_text(&self, text: String) -> Self {
        Self { text, ..self.clone() }
    }
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Every notification and request of the server in the recorded sessions.
pub fn recorded() -> Result<Vec<Line>> {
    let folder = here("../../tests/fixtures/recorded");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let mut lines = Vec::new();
    for path in paths {
        for row in read(&path)?.lines() {
            let row: Value = serde_json::from_str(row)
                .with_context(|| format!("{} has a row that is no JSON", path.display()))?;
            if let (Some("s2c"), Some(line)) = (row["dir"].as_str(), row["line"].as_str()) {
                lines.extend(Line::new(line)?);
            }
        }
    }
    if lines.is_empty() {
        bail!("no message of a server in {}", folder.display());
    }
    Ok(lines)
}

/// One small, one middling and one large message, each with a name.
pub fn single() -> Result<Vec<(&'static str, Line)>> {
    let text = read(&here("messages.jsonl"))?;
    let lines: Vec<Line> =
        text.lines().map(Line::new).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    let names = ["delta", "usage", "item"];
    if lines.len() != names.len() {
        bail!("messages.jsonl has {} messages where {} are named", lines.len(), names.len());
    }
    Ok(names.into_iter().zip(lines).collect())
}
