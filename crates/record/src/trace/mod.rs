//! The trace file format: one JSON object per line.
//!
//! ```text
//! {"v":1,"codex":"0.150.0"}
//! {"t":0.000213,"dir":"c2s","line":"{\"method\":\"initialized\"}"}
//! {"t":0.000301,"conn":"1","dir":"s2c","b64":"/w=="}
//! ```
//!
//! The header is optional. In a row `t` is seconds since the start, `conn` names the connection where there
//! are several, `line` is what was sent without its `\n`, and `b64` stands in its place for bytes that are no
//! UTF-8. All other members are optional and skipped; the recorder writes `"eol":false` for a line that ended
//! without `\n`. A line may as well be a bare protocol message.

mod read;
mod write;

pub use read::{ReadError, Reader};
pub use write::Writer;

use std::fmt;

/// The first line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of the format: [`Header::VERSION`].
    pub v: u32,
    /// The version of the codex that was recorded, where it is known.
    pub codex: Option<String>,
}

impl Header {
    /// The version of the format that this crate reads and writes.
    pub const VERSION: u32 = 1;
}

/// Who sent a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// The client sent it: `c2s`.
    ClientToServer,
    /// The server sent it: `s2c`.
    ServerToClient,
}

impl Direction {
    /// As it is written in a trace.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientToServer => "c2s",
            Self::ServerToClient => "s2c",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::ClientToServer, Self::ServerToClient].into_iter().find(|direction| direction.as_str() == text)
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of the traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Seconds since the start of the recording.
    pub t: Option<f64>,
    /// The connection, where the trace holds several.
    pub conn: Option<String>,
    /// Who sent it.
    pub dir: Direction,
    /// What was sent, without the `\n` at its end.
    pub content: Content,
}

/// What a line of the traffic held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text: `line`.
    Line(String),
    /// Bytes that are no UTF-8: `b64`.
    Bytes(Vec<u8>),
}

impl From<Vec<u8>> for Content {
    /// Text where the bytes are UTF-8.
    fn from(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(line) => Self::Line(line),
            Err(error) => Self::Bytes(error.into_bytes()),
        }
    }
}

/// One line of a trace file.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// `{"v":…}`; where traces were put together there can be several.
    Header(Header),
    /// A line with its direction.
    Row(Row),
    /// A protocol message by itself: any other JSON object, as text.
    Bare(String),
}
