//! Files to write and to delete, collected first and applied together.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::tree::write_whole;

/// Files to write and to delete below a root.
pub struct Plan {
    root: PathBuf,
    /// By the path below the root; `None` deletes the file.
    files: BTreeMap<String, Option<Vec<u8>>>,
}

impl Plan {
    /// A plan that changes nothing yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), files: BTreeMap::new() }
    }

    /// The text that a file will have; `None` where there will be no such file, or one that is no text.
    pub fn text(&self, path: &str) -> Option<String> {
        match self.files.get(path) {
            Some(planned) => planned.clone().and_then(|bytes| String::from_utf8(bytes).ok()),
            None => fs::read_to_string(self.root.join(path)).ok(),
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
        let differs =
            |(path, planned): &(&String, &Option<Vec<u8>>)| fs::read(self.root.join(path)).ok() != **planned;
        self.files.iter().filter(differs).map(|(path, _)| path.as_str()).collect()
    }

    /// Writes and deletes what changed, in the order of the paths. Each file is replaced as a whole.
    ///
    /// # Errors
    ///
    /// The first failure ends it; the error names the file. What came before stays.
    pub fn apply(&self) -> Result<()> {
        for path in self.changed() {
            let full = self.root.join(path);
            match &self.files[path] {
                Some(bytes) => write_whole(&full, bytes)?,
                None => {
                    fs::remove_file(&full).with_context(|| format!("cannot delete {}", full.display()))?
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A folder with these files, and a plan for it.
    fn plan(files: &[(&str, &str)]) -> (TempDir, Plan) {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a file has a folder")).expect("writable");
            fs::write(path, text).expect("writable");
        }
        let plan = Plan::new(folder.path());
        (folder, plan)
    }

    /// The texts of these files; `None` where there is no such file.
    fn files(folder: &TempDir, paths: &[&str]) -> Vec<Option<String>> {
        paths.iter().map(|path| fs::read_to_string(folder.path().join(path)).ok()).collect()
    }

    /// What stands in the folder itself.
    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).expect("readable");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("readable").file_name();
        let mut names: Vec<String> =
            entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_planned_text_hides_the_one_on_disk() {
        let (_folder, mut plan) = plan(&[("old", "old"), ("gone", "gone"), ("bytes", "x")]);
        plan.write("old", "new");
        plan.write("later", "later");
        plan.delete("gone");
        plan.write("bytes", [0xff]);
        let texts = ["old", "later", "gone", "bytes", "nowhere"].map(|path| plan.text(path));
        assert_eq!(texts, [Some("new".to_owned()), Some("later".to_owned()), None, None, None]);
    }

    #[test]
    fn the_text_of_a_file_without_a_plan_is_the_one_on_disk() {
        let (_folder, plan) = plan(&[("a/b", "text")]);
        assert_eq!(plan.text("a/b").as_deref(), Some("text"));
        assert!(plan.changed().is_empty());
    }

    #[test]
    fn only_other_contents_count_as_changes() {
        let (_folder, mut plan) =
            plan(&[("same", "same"), ("other", "old"), ("gone", "x"), ("twice", "old")]);
        plan.write("same", "same");
        plan.write("other", "new");
        plan.write("more/added", "");
        plan.delete("gone");
        plan.delete("never there");
        plan.write("twice", "new");
        plan.write("twice", "old");
        assert_eq!(plan.changed(), ["gone", "more/added", "other"]);
    }

    #[test]
    fn applying_writes_and_deletes_what_changed() {
        let (folder, mut plan) = plan(&[("other", "old"), ("gone", "x"), ("same", "same")]);
        plan.write("other", "new");
        plan.write("more/added", "added");
        plan.write("same", "same");
        plan.delete("gone");
        plan.delete("never there");
        plan.apply().expect("it can be applied");
        let texts = files(&folder, &["other", "more/added", "same", "gone"]);
        let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
        assert_eq!(texts, [Some("new"), Some("added"), Some("same"), None]);
        assert_eq!(names(&folder), ["more", "other", "same"]);
        assert!(plan.changed().is_empty());
    }

    /// `b` is a file, so that no file can be written below it.
    #[test]
    fn a_failure_in_the_middle_leaves_whole_files_and_names_the_path() {
        let (folder, mut plan) = plan(&[("a", "old"), ("b", "a file"), ("c", "old")]);
        for path in ["a", "b/below", "c"] {
            plan.write(path, "new");
        }
        let error = plan.apply().expect_err("`b` is no folder").to_string();
        assert_eq!(error, format!("cannot write {}", folder.path().join("b/below").display()));
        let texts = files(&folder, &["a", "b", "c"]);
        assert_eq!(texts, ["new", "a file", "old"].map(|text| Some(text.to_owned())));
        // No temporary file is left.
        assert_eq!(names(&folder), ["a", "b", "c"]);
    }

    #[test]
    fn a_folder_is_no_file_to_delete() {
        let (folder, mut plan) = plan(&[("folder/file", "x")]);
        plan.delete("folder");
        plan.apply().expect("there is no such file");
        assert_eq!(names(&folder), ["folder"]);
    }
}
