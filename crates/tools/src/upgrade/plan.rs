//! Files to write and to delete, collected first and applied together.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::inputs;
use crate::tree::write_whole;

/// Planned files by their path below the root; `None` deletes the file.
#[derive(Default)]
pub struct Plan {
    files: BTreeMap<String, Option<Vec<u8>>>,
}

impl Plan {
    /// The text that a file will have; `None` where there will be no such file, or one that is no text.
    pub fn text(&self, path: &str) -> Option<String> {
        match self.files.get(path) {
            Some(planned) => planned.clone().and_then(|bytes| String::from_utf8(bytes).ok()),
            None => fs::read_to_string(inputs::root().join(path)).ok(),
        }
    }

    /// Plans to write a file.
    pub fn write(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), Some(bytes.into()));
    }

    /// Plans to delete a file.
    pub fn delete(&mut self, path: &str) {
        self.files.insert(path.to_owned(), None);
    }

    /// The paths whose content will be another one.
    pub fn changed(&self) -> Vec<&str> {
        let differs = |(path, planned): &(&String, &Option<Vec<u8>>)| {
            fs::read(inputs::root().join(path)).ok() != **planned
        };
        self.files.iter().filter(differs).map(|(path, _)| path.as_str()).collect()
    }

    /// Writes and deletes what changed.
    pub fn apply(&self) -> Result<()> {
        for path in self.changed() {
            let full = inputs::root().join(path);
            match &self.files[path] {
                Some(bytes) => write(&full, bytes)?,
                None => fs::remove_file(&full).with_context(|| format!("cannot delete {path}"))?,
            }
        }
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    write_whole(path, bytes)
}
