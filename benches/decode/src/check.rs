//! What makes the race honest: everyone reads the same messages, and what we race loses nothing.

use anyhow::{Context, Result, bail};
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
        let (ours, derived) = (again::<Ours>(&line)?, again::<Derived>(&line)?);
        let sent = without_nulls(&serde_json::from_str(&line.text)?);
        if ours != derived || !covers(&ours, &sent) {
            bail!("{} is sent as {sent}\nours: {ours}\nderived: {derived}", line.method);
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

/// The message after it was read and written, without the members that are `null`.
fn again<S: Subject>(line: &Line) -> Result<Value> {
    let describe = || format!("{}: {}", S::NAME, line.text);
    let message = S::decode(line).with_context(describe)?;
    if format!("{message:?}").contains("Unrecognized") {
        bail!("{} does not know all of it: {}", S::NAME, line.text);
    }
    Ok(without_nulls(&serde_json::from_str(&S::encode(&message).with_context(describe)?)?))
}

/// A `null` member means the same as none.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// Everything that was sent is there; defaults may have come in addition.
fn covers(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|other| covers(other, value)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| covers(whole, part))
        }
        (whole, part) => whole == part,
    }
}
