//! Traces whose rows are all text: what went over the wire, in the order in which it did.

use anyhow::{Context as _, Result, bail};
use codex_appserver_record::{Content, Entry, Header, Reader, Writer};

pub use codex_appserver_record::Direction;

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
pub fn write(codex_version: &str, rows: &[Row]) -> Result<String> {
    let mut writer = Writer::new(Vec::new());
    writer.header(&Header { v: Header::VERSION, codex: Some(codex_version.to_owned()) })?;
    for Row { seconds, direction, line } in rows {
        writer.row(&codex_appserver_record::Row {
            t: Some(*seconds),
            conn: Some("1".to_owned()),
            dir: *direction,
            content: Content::Line(line.clone()),
        })?;
    }
    Ok(String::from_utf8(writer.into_inner())?)
}

/// Reads a trace: the version of codex, where its header names one, and the rows.
pub fn read(text: &str) -> Result<(Option<String>, Vec<Row>)> {
    let (mut codex, mut rows) = (None, Vec::new());
    for (number, entry) in Reader::new(text.as_bytes()) {
        match entry.with_context(|| format!("line {number}"))? {
            Entry::Header(header) => codex = header.codex,
            Entry::Row(row) => {
                let Content::Line(line) = row.content else { bail!("line {number} is no text") };
                rows.push(Row { seconds: row.t.unwrap_or_default(), direction: row.dir, line });
            }
            Entry::Bare(_) => bail!("line {number} is no row"),
        }
    }
    Ok((codex, rows))
}

#[cfg(test)]
mod tests {
    use super::{Direction, Row, read, write};

    #[test]
    fn rows_come_back() {
        let row = |seconds, direction, line: &str| Row { seconds, direction, line: line.to_owned() };
        let rows = [
            row(0.0, Direction::ClientToServer, r#"{"a":"\"\n"}"#),
            row(1.25, Direction::ServerToClient, "not JSON é"),
        ];
        let text = write("0.150.0", &rows).expect("it can be written");
        assert_eq!(read(&text).expect("it is a trace"), (Some("0.150.0".to_owned()), rows.to_vec()));
        let error =
            read("{\"v\":1}\n{\"dir\":\"up\",\"line\":\"\"}").expect_err("there is no such direction");
        assert!(format!("{error:#}").contains("is no direction"), "{error:#}");
    }
}
