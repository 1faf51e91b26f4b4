//! Rows of a trace: what went over the wire, in the order in which it did.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
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

/// Reads what [`write()`] wrote: the version of codex, and the rows.
pub fn read(text: &str) -> Result<(String, Vec<Row>)> {
    let mut lines = text.lines();
    let header: Value = serde_json::from_str(lines.next().context("the file is empty")?)?;
    let codex = header["codex"].as_str().context("the header names no codex")?.to_owned();
    let row = |(index, line)| read_row(line).with_context(|| format!("row {}", index + 2));
    Ok((codex, lines.enumerate().map(row).collect::<Result<_>>()?))
}

fn read_row(line: &str) -> Result<Row> {
    let row: Value = serde_json::from_str(line)?;
    let direction = match row["dir"].as_str() {
        Some("c2s") => Direction::ToServer,
        Some("s2c") => Direction::ToClient,
        other => bail!("unknown direction {other:?}"),
    };
    let line = row["line"].as_str().context("there is no `line`")?.to_owned();
    Ok(Row { seconds: row["t"].as_f64().unwrap_or_default(), direction, line })
}

#[cfg(test)]
mod tests {
    use super::{Direction, Row, read, write};

    #[test]
    fn rows_come_back() {
        let row = |seconds, direction, line: &str| Row { seconds, direction, line: line.to_owned() };
        let rows =
            [row(0.0, Direction::ToServer, r#"{"a":"\"\n"}"#), row(1.25, Direction::ToClient, "not JSON é")];
        let text = write("0.169.0", &rows);
        assert!(text.starts_with(
            "{\"v\":1,\"codex\":\"0.169.0\"}\n{\"t\":0.000,\"conn\":\"1\",\"dir\":\"c2s\",\"line\":"
        ));
        assert_eq!(read(&text).expect("it is a trace"), ("0.169.0".to_owned(), rows.to_vec()));
        let error = read("{\"codex\":\"1\"}\n{\"dir\":\"up\"}").expect_err("there is no such direction");
        assert!(format!("{error:#}").starts_with("row 2: unknown direction"), "{error:#}");
    }
}
