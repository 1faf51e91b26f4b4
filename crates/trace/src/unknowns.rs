//! What a message had in it that the protocol does not know.

use crate::path::Path;

/// What a value had in it that the protocol does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknowns {
    /// JSON paths of members that no definition has.
    pub members: Vec<String>,
    /// JSON paths of enum values, tags and arms that no definition has.
    pub values: Vec<String>,
}

/// How many of each are told of one message: one can hold as many as it has bytes.
const MOST: usize = 100;

impl Unknowns {
    pub(crate) fn member(&mut self, path: &Path<'_>) {
        if self.members.len() < MOST {
            self.members.push(path.to_string());
        }
    }

    pub(crate) fn value(&mut self, path: &Path<'_>) {
        if self.values.len() < MOST {
            self.values.push(path.to_string());
        }
    }
}
