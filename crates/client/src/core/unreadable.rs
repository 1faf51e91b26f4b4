//! A message that cannot be decoded.

use std::fmt;

/// A message that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// Its method, where that much can be told.
    pub method: Option<String>,
    /// The JSON path of what is wrong; empty for the message as a whole.
    pub path: String,
    /// What is wrong there.
    pub message: String,
    /// The text; of a line that is no message at all, its beginning.
    pub raw: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = &self.method {
            write!(f, "{method}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}
