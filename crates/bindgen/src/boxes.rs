//! Which types are boxed as the payload of an enum variant, kept from one run to the next.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::load::Source;

/// What the file says of itself.
const HEAD: &str = "\
# The Rust types that are the payload of an enum variant: `boxed` ones stand in a `Box` there. Codegen writes this file.
# The size of a type decides when it is new. After that its line does, so that a variant keeps its type when the payload
# grows or shrinks. Remove the line of a type to let its size decide again.
";

/// Which types are boxed as the payload of an enum variant, by Rust name.
///
/// A type that is not listed is boxed if it is large.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boxes(BTreeMap<String, bool>);

/// The file `boxes.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    boxed: Vec<String>,
    #[serde(default)]
    unboxed: Vec<String>,
}

impl Boxes {
    /// Reads `boxes.toml`.
    ///
    /// # Errors
    ///
    /// Fails if the file is no such table, or lists a type twice.
    pub fn parse(source: &Source<'_>) -> Result<Self> {
        let File { boxed, unboxed } = source.toml()?;
        let rows = boxed.into_iter().map(|name| (name, true));
        let mut boxes = BTreeMap::new();
        for (name, boxed) in rows.chain(unboxed.into_iter().map(|name| (name, false))) {
            if boxes.contains_key(&name) {
                let reason = format!("`{name}` is listed twice; keep one of the lines");
                return Err(Error::table(source.name, reason));
            }
            boxes.insert(name, boxed);
        }
        Ok(Self(boxes))
    }

    /// The text of `boxes.toml`.
    pub fn to_toml(&self) -> String {
        let mut text = HEAD.to_owned();
        for (key, wanted) in [("boxed", true), ("unboxed", false)] {
            text.push_str(&format!("\n{key} = [\n"));
            for (name, _) in self.0.iter().filter(|(_, boxed)| **boxed == wanted) {
                text.push_str(&format!("    \"{name}\",\n"));
            }
            text.push_str("]\n");
        }
        text
    }

    /// Whether a type is boxed; `None` where it is not listed.
    pub(crate) fn get(&self, name: &str) -> Option<bool> {
        self.0.get(name).copied()
    }
}

impl FromIterator<(String, bool)> for Boxes {
    fn from_iter<T: IntoIterator<Item = (String, bool)>>(rows: T) -> Self {
        Self(rows.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Boxes> {
        Boxes::parse(&Source { name: "boxes.toml", bytes: text.as_bytes() })
    }

    #[test]
    fn what_is_written_is_read_again() {
        let boxes: Boxes = [("Thread", true), ("Turn", false), ("Item", true)]
            .map(|(name, boxed)| (name.to_owned(), boxed))
            .into_iter()
            .collect();
        let text = boxes.to_toml();
        assert!(
            text.ends_with(
                "\nboxed = [\n    \"Item\",\n    \"Thread\",\n]\n\nunboxed = [\n    \"Turn\",\n]\n"
            )
        );
        assert_eq!(parse(&text).expect("it is the text of a file"), boxes);
    }

    #[test]
    fn errors_name_the_file_and_what_to_do() {
        let error = parse("boxed = [\"A\"]\nunboxed = [\"A\"]\n").expect_err("A is listed twice");
        assert_eq!(error.to_string(), "boxes.toml: `A` is listed twice; keep one of the lines");
        let error = parse("boxed = []\nother = 1\n").expect_err("there is no such key").to_string();
        assert!(error.starts_with("boxes.toml:2: unknown field `other`"), "{error}");
    }
}
