//! What makes the race honest: everyone reads the same messages, and what we race loses nothing.

use anyhow::{Context, Result, bail};
use codex_appserver_trace::{Role, Verdict};
use codex_appserver_wire::shape::Kind;
use serde::Serialize;
use serde_json::Value;

use crate::{CodexCodes, Derived, Line, Ours, Subject};

/// What is raced, for the report.
#[derive(Debug, Serialize)]
pub struct Mix {
    /// How many messages.
    pub lines: usize,
    /// How long they are together.
    pub bytes: usize,
    /// The methods of the messages that are left out, because the peer refuses them.
    pub left_out: Vec<String>,
    /// What is done with them, in this order.
    pub races: Vec<String>,
}

/// Checks every message and leaves out those that the peer crate cannot decode.
pub fn check(lines: Vec<Line>) -> Result<(Vec<Line>, Mix)> {
    let mut kept = Vec::new();
    let mut left_out = Vec::new();
    for line in lines {
        let kind = if line.is_request { Kind::ServerRequest } else { Kind::ServerNotification };
        let verdict = codex_appserver_trace::check(Role::Sent(kind), &line.method, &line.text).verdict;
        if verdict != Verdict::Decoded {
            bail!("ours: {verdict:?}: {}", line.text);
        }
        let (ours, derived) = (again::<Ours>(&line)?, again::<Derived>(&line)?);
        if ours != derived {
            bail!("sent: {}\nours: {ours}\nderived: {derived}", line.text);
        }
        match CodexCodes::decode(&line) {
            Ok(_) => kept.push(line),
            Err(_) => left_out.push(line.method),
        }
    }
    let bytes = kept.iter().map(|line| line.text.len()).sum();
    let mix = Mix { lines: kept.len(), bytes, left_out, races: Vec::new() };
    Ok((kept, mix))
}

/// The message after it was read and written.
fn again<S: Subject>(line: &Line) -> Result<Value> {
    let describe = || format!("{}: {}", S::NAME, line.text);
    let message = S::decode(line).with_context(describe)?;
    if format!("{message:?}").contains("Unrecognized") {
        bail!("{} does not know all of it: {}", S::NAME, line.text);
    }
    Ok(serde_json::from_str(&S::encode(&message).with_context(describe)?)?)
}
