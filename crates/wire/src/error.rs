//! What decoding and encoding fail with.

use std::fmt;

use crate::path;

/// A message that does not have the shape its method demands.
///
/// Displays as `turn/completed: params.turn.status: invalid type: integer …`: the method where it is
/// known, the JSON path of the culprit, what is wrong with it.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError {
    method: Option<String>,
    path: String,
    message: String,
    /// Boxed, so that the error stays small.
    raw: Option<Box<str>>,
}

/// As much of the raw text as `Debug` shows, in bytes.
const SHOWN: usize = 300;

impl DecodeError {
    /// Finds the place of a serde_json error in the text it came from: the second, cold pass.
    #[cold]
    pub fn locate(text: &str, error: &serde_json::Error) -> Self {
        let (path, message) = path::locate(text, error);
        Self { method: path::top_level_method(text), path, message, raw: None }
    }

    /// The error for a message that lacks a member of its envelope.
    #[cold]
    pub(crate) fn missing(text: &str, name: &'static str) -> Self {
        let message = format!("missing field `{name}`");
        Self { method: path::top_level_method(text), ..Self::new(String::new(), message) }
    }

    /// The same error, with the method that the text itself did not name (an answer names none).
    #[must_use]
    pub fn with_method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// The same error, seen from the object whose member `name` the text is.
    #[must_use]
    pub fn within(mut self, name: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => name.to_owned(),
            path if path.starts_with('[') => format!("{name}{path}"),
            path => format!("{name}.{path}"),
        };
        self
    }

    /// The same error, with the text that did not decode.
    #[must_use]
    pub fn with_raw(mut self, text: impl Into<String>) -> Self {
        self.raw = Some(text.into().into_boxed_str());
        self
    }

    /// A text that cannot be decoded for a reason of its own.
    pub fn other(message: impl Into<String>) -> Self {
        Self::new(String::new(), message.into())
    }

    pub(crate) fn new(path: String, message: String) -> Self {
        Self { method: None, path, message, raw: None }
    }

    /// The method of the message, where it is known.
    pub fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// The JSON path of what is wrong, as in `params.input[0].url`; empty for the message as a whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The text that did not decode, as it came, where whoever decoded it keeps it: the calls of the generated
    /// methods keep the `result` of an answer. It may hold secrets; `Display` does not show it.
    pub fn raw(&self) -> Option<&str> {
        self.raw.as_deref()
    }
}

/// Shows the beginning of the raw text; the whole may be megabytes.
impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raw = self.raw().map(|raw| match raw.floor_char_boundary(SHOWN) {
            end if end < raw.len() => format!("{}… ({} bytes)", &raw[..end], raw.len()),
            _ => raw.to_owned(),
        });
        f.debug_struct("DecodeError")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("message", &self.message)
            .field("raw", &raw)
            .finish()
    }
}

impl fmt::Display for DecodeError {
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

impl std::error::Error for DecodeError {}

/// A value that has no JSON form, such as a number that is not finite.
#[derive(Debug, thiserror::Error)]
#[error("failed to encode {what}: {source}")]
pub struct EncodeError {
    pub(crate) what: String,
    pub(crate) source: serde_json::Error,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;

    fn error() -> DecodeError {
        decode::<u8>(r#""secret""#).expect_err("no number")
    }

    #[test]
    fn the_raw_text_is_kept_and_not_displayed() {
        assert_eq!(error().raw(), None);
        let with_raw = error().with_raw(r#""secret""#).within("result").with_method("a/b");
        assert_eq!(with_raw.raw(), Some(r#""secret""#));
        assert_eq!(with_raw.to_string(), error().within("result").with_method("a/b").to_string());
    }

    #[test]
    fn debug_shows_the_beginning_of_the_raw_text() {
        // The limit falls into the middle of a character.
        let text = format!("x{}", "é".repeat(100_000));
        let shown = format!("{:?}", error().with_raw(text));
        assert!(shown.contains("é… (200001 bytes)"), "{shown}");
        assert!(shown.len() < 2 * SHOWN, "{shown}");
        let shown = format!("{:?}", error().with_raw("[short]"));
        assert!(shown.ends_with(r#"raw: Some("[short]") }"#), "{shown}");
    }

    /// Results hold it by value; beyond 128 bytes clippy complains at every user of the generated calls.
    #[test]
    fn the_error_is_small() {
        assert!(size_of::<DecodeError>() <= 96);
    }
}
