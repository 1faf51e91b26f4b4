//! Reads a trace line by line, in memory that depends on the longest line alone.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Content, Direction, Entry, Header, Row};

/// What a line of a trace can be wrong in. All but [`ReadError::Io`] concern one line: the rest is read on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file does not read; nothing follows.
    #[error("read the trace: {0}")]
    Io(#[from] io::Error),
    /// The line was skipped without being kept.
    #[error("read a line of more than {limit} bytes; raise the limit")]
    TooLong {
        /// The limit that the line is beyond.
        limit: usize,
    },
    /// The line is no text.
    #[error("read a line that is not UTF-8: {0}")]
    Utf8(#[from] std::str::Utf8Error),
    /// The line is no JSON, or no object.
    #[error("read a line that is no JSON object: {0}")]
    Json(#[source] serde_json::Error),
    /// The line is a row or a header, and a member of it is wrong.
    #[error("read the member `{member}` of a {what}: {reason}")]
    Member {
        /// `row` or `header`.
        what: &'static str,
        /// Which member.
        member: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads a trace: an iterator of line numbers, from 1, and what stands there. Blank lines are skipped.
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
    limit: usize,
    line: Vec<u8>,
    line_number: u64,
    bytes_read: u64,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// What a line may hold unless [`Reader::limit`] says otherwise: 256 MiB.
    pub const LIMIT: usize = 256 << 20;

    /// Reads from `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, limit: Self::LIMIT, line: Vec::new(), line_number: 0, bytes_read: 0, ended: false }
    }

    /// A longer line, without its `\n`, is an error and is never kept in memory.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// How many bytes of the file were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Fills `self.line` up to the next `\n`. Returns `None` at the end, else whether the line fits.
    fn next_line(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let (mut any, mut fits) = (false, true);
        loop {
            let available = match self.inner.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                return Ok(any.then_some(fits));
            }
            any = true;
            let end = memchr::memchr(b'\n', available);
            let part = &available[..end.unwrap_or(available.len())];
            if fits && self.line.len() + part.len() <= self.limit {
                self.line.extend_from_slice(part);
            } else {
                fits = false;
                self.line = Vec::new();
            }
            let used = end.map_or(available.len(), |end| end + 1);
            self.inner.consume(used);
            self.bytes_read += used as u64;
            if end.is_some() {
                return Ok(Some(fits));
            }
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = (u64, Result<Entry, ReadError>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            self.line_number += 1;
            let entry = match self.next_line() {
                Ok(None) => {
                    self.ended = true;
                    continue;
                }
                Ok(Some(false)) => Err(ReadError::TooLong { limit: self.limit }),
                Ok(Some(true)) if self.line.trim_ascii().is_empty() => continue,
                Ok(Some(true)) => entry(&self.line),
                Err(error) => {
                    self.ended = true;
                    Err(error.into())
                }
            };
            return Some((self.line_number, entry));
        }
        None
    }
}

fn entry(line: &[u8]) -> Result<Entry, ReadError> {
    let line = std::str::from_utf8(line)?.trim_ascii();
    let mut members = serde_json::Deserializer::from_str(line);
    let members = members
        .deserialize_map(Members::default())
        .and_then(|found| members.end().map(|()| found))
        .map_err(ReadError::Json)?;
    match members {
        Members { dir: Some(_), line: Some(_), .. } | Members { dir: Some(_), b64: Some(_), .. } => {
            row(&members).map(Entry::Row)
        }
        Members { v: Some(v), message: false, .. } if is_number(v) => header(v, &members).map(Entry::Header),
        _ => Ok(Entry::Bare(line.to_owned())),
    }
}

fn is_number(value: &RawValue) -> bool {
    value.get().starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

fn header(v: &RawValue, members: &Members<'_>) -> Result<Header, ReadError> {
    let wrong = |member, reason: String| ReadError::Member { what: "header", member, reason };
    let v = v.get().parse().map_err(|_| wrong("v", format!("{} is no version", v.get())))?;
    let codex = optional_string(members.codex).map_err(|error| wrong("codex", error.to_string()))?;
    Ok(Header { v, codex })
}

fn row(members: &Members<'_>) -> Result<Row, ReadError> {
    let wrong = |member, reason: String| ReadError::Member { what: "row", member, reason };
    let string = |member, value| {
        optional_string(value)
            .and_then(|text| text.ok_or_else(|| serde::de::Error::custom("null, expected a string")))
            .map_err(|error| wrong(member, error.to_string()))
    };
    let dir = string("dir", members.dir)?;
    let dir = Direction::parse(&dir)
        .ok_or_else(|| wrong("dir", format!("`{dir}` is no direction, expected `c2s` or `s2c`")))?;
    let content = if members.line.is_some() {
        Content::Line(string("line", members.line)?)
    } else {
        let bytes = STANDARD.decode(string("b64", members.b64)?);
        Content::Bytes(bytes.map_err(|error| wrong("b64", error.to_string()))?)
    };
    let t = match members.t.map(RawValue::get) {
        None | Some("null") => None,
        // `str::parse` gives back every number that was written; serde_json can be off by one bit.
        Some(t) => {
            let seconds = t.parse().ok().filter(|t: &f64| t.is_finite());
            Some(seconds.ok_or_else(|| wrong("t", format!("{t} is no number of seconds")))?)
        }
    };
    let conn = optional_string(members.conn).map_err(|error| wrong("conn", error.to_string()))?;
    Ok(Row { t, conn, dir, content })
}

fn optional_string(value: Option<&RawValue>) -> Result<Option<String>, serde_json::Error> {
    value.map_or(Ok(None), |value| serde_json::from_str(value.get()))
}

/// The members that tell a row, a header and a message apart, as they stand in the text: a bare message can
/// be nested deeper than serde_json would build it. Of a member that occurs twice the last one counts.
#[derive(Default)]
struct Members<'a> {
    v: Option<&'a RawValue>,
    codex: Option<&'a RawValue>,
    t: Option<&'a RawValue>,
    conn: Option<&'a RawValue>,
    dir: Option<&'a RawValue>,
    line: Option<&'a RawValue>,
    b64: Option<&'a RawValue>,
    /// A member that only protocol messages have.
    message: bool,
}

impl<'de> Visitor<'de> for Members<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let member = match &*name {
                "v" => &mut self.v,
                "codex" => &mut self.codex,
                "t" => &mut self.t,
                "conn" => &mut self.conn,
                "dir" => &mut self.dir,
                "line" => &mut self.line,
                "b64" => &mut self.b64,
                other => {
                    self.message |= matches!(other, "method" | "id" | "result" | "error" | "params");
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *member = Some(map.next_value()?);
        }
        Ok(self)
    }
}

/// A member name, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}
