//! Writes a trace, line by line.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Content, Header, Row};

/// Writes headers and rows. Nothing is buffered here: wrap a file in a [`std::io::BufWriter`].
#[derive(Debug)]
pub struct Writer<W: Write> {
    inner: W,
}

impl<W: Write> Writer<W> {
    /// Writes to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner }
    }

    /// Writes the header.
    pub fn header(&mut self, header: &Header) -> io::Result<()> {
        write!(self.inner, "{{\"v\":{}", header.v)?;
        if let Some(codex) = &header.codex {
            self.inner.write_all(b",\"codex\":")?;
            self.string(codex)?;
        }
        self.inner.write_all(b"}\n")
    }

    /// Writes a row. A time that is no number is left out.
    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        self.members(row)?;
        self.inner.write_all(b"}\n")
    }

    /// Writes a row whose line ended without `\n`: `"eol":false`.
    pub fn row_without_eol(&mut self, row: &Row) -> io::Result<()> {
        self.members(row)?;
        self.inner.write_all(b",\"eol\":false}\n")
    }

    /// Hands on what the writer underneath still holds.
    pub fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }

    /// The writer underneath.
    pub fn into_inner(self) -> W {
        self.inner
    }

    fn members(&mut self, row: &Row) -> io::Result<()> {
        self.inner.write_all(b"{")?;
        if let Some(t) = row.t.filter(|t| t.is_finite()) {
            write!(self.inner, "\"t\":{t},")?;
        }
        if let Some(conn) = &row.conn {
            self.inner.write_all(b"\"conn\":")?;
            self.string(conn)?;
            self.inner.write_all(b",")?;
        }
        write!(self.inner, "\"dir\":\"{}\",", row.dir)?;
        match &row.content {
            Content::Line(line) => {
                self.inner.write_all(b"\"line\":")?;
                self.string(line)
            }
            // Base64 needs no escapes.
            Content::Bytes(bytes) => write!(self.inner, "\"b64\":\"{}\"", STANDARD.encode(bytes)),
        }
    }

    fn string(&mut self, text: &str) -> io::Result<()> {
        serde_json::to_writer(&mut self.inner, text).map_err(io::Error::from)
    }
}
