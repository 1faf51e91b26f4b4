//! What generation fails with: the place first, then the problem, in one line.

use crate::decision::{self, Decision};

/// Why nothing was generated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that should be JSON is not.
    #[error("{file}: not JSON: {error}")]
    Json {
        /// The file.
        file: String,
        /// What the parser says.
        error: serde_json::Error,
    },
    /// A JSON file that is no app-server schema.
    #[error("{file}: {reason}")]
    NotASchema {
        /// The file.
        file: String,
        /// What is missing.
        reason: String,
    },
    /// Something in the schema that generation does not accept.
    #[error("{pointer}: {problem}")]
    Schema {
        /// JSON pointer of the place.
        pointer: String,
        /// What is wrong there, and what to do.
        problem: String,
    },
    /// A table beside the schema that does not parse or does not fit it.
    #[error("{file}: {problem}")]
    Table {
        /// The file.
        file: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Everything that a person has to decide first, one line each.
    #[error("{}", decision::lines(.0))]
    Open(Vec<Decision>),
    /// Emitted code that is not Rust: a bug of the generator.
    #[error("{path}: generated code does not parse: {error}; please report this schema")]
    Unparseable {
        /// The generated file.
        path: String,
        /// What the parser says.
        error: syn::Error,
    },
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn schema(pointer: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Schema { pointer: pointer.into(), problem: problem.into() }
    }

    /// The same error of a file that has its definitions under `$defs`.
    pub(crate) fn in_defs(self, defs: bool) -> Self {
        match self {
            Self::Schema { pointer, problem } if defs => {
                let pointer = match pointer.strip_prefix("#/definitions/") {
                    Some(rest) => format!("#/$defs/{rest}"),
                    None => pointer,
                };
                Self::Schema { pointer, problem }
            }
            other => other,
        }
    }

    pub(crate) fn table(file: &str, problem: impl Into<String>) -> Self {
        Self::Table { file: file.to_owned(), problem: problem.into() }
    }
}

/// A JSON pointer one step further, escaped.
pub(crate) fn step(pointer: &str, name: impl std::fmt::Display) -> String {
    format!("{pointer}/{}", name.to_string().replace('~', "~0").replace('/', "~1"))
}
