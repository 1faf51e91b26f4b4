//! What decoding and encoding fail with.

use std::fmt;

use crate::path;

/// A message that does not have the shape its method demands.
///
/// Displays as `turn/completed: params.turn.status: invalid type: integer …`: the method where it is
/// known, the JSON path of the culprit, what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    method: Option<String>,
    path: String,
    message: String,
}

impl DecodeError {
    /// Finds the place of a serde_json error in the text it came from: the second, cold pass.
    #[cold]
    pub fn locate(text: &str, error: &serde_json::Error) -> Self {
        let (path, message) = path::locate(text, error);
        Self { method: path::top_level_method(text), path, message }
    }

    /// The error for a message that lacks a member of its envelope.
    #[cold]
    pub(crate) fn missing(text: &str, name: &'static str) -> Self {
        let message = format!("missing field `{name}`");
        Self { method: path::top_level_method(text), path: String::new(), message }
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

    pub(crate) fn new(path: String, message: String) -> Self {
        Self { method: None, path, message }
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
