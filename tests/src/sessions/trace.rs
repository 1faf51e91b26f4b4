//! Rows of a trace: what went over the wire, in the order in which it did.

use std::fmt::Write as _;

use serde_json::Value;

/// Who sent a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The client, to the server: `c2s`.
    ToServer,
    /// The server, to the client: `s2c`.
    ToClient,
}

/// One line and when it was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Seconds since the start of the session.
    pub seconds: f64,
    /// Who sent it.
    pub direction: Direction,
    /// The line, without its line break.
    pub line: String,
}

/// The text of a trace file: the header, and then one row a line.
pub fn write(codex_version: &str, rows: &[Row]) -> String {
    let mut text = format!("{{\"v\":1,\"codex\":\"{codex_version}\"}}\n");
    for Row { seconds, direction, line } in rows {
        let direction = match direction {
            Direction::ToServer => "c2s",
            Direction::ToClient => "s2c",
        };
        let line = Value::from(line.as_str());
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, r#"{{"t":{seconds:.3},"conn":"1","dir":"{direction}","line":{line}}}"#);
    }
    text
}
