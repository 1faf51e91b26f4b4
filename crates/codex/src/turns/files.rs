//! The files that patches of a turn changed.

use codex_appserver_methods::protocol::{FileUpdateChange, PatchApplyStatus, PatchChangeKind, ThreadItem};

/// A file that is not as it was before the turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedFile {
    /// Where it is, or was: relative to the folder of the turn if it lies in there and that folder is known, else as the
    /// server says it.
    pub path: String,
    /// How it differs from what it was before the turn.
    pub change: FileChange,
}

/// How a file differs from what it was before the turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileChange {
    /// It is new. (A patch that adds a file may replace one; the server does not say so.)
    Added,
    /// Its text is another one.
    Modified,
    /// It is gone.
    Deleted,
    /// It was moved here, and may be modified as well.
    Moved {
        /// Where it was before the turn; a path as that of the file.
        from: String,
    },
}

/// A file that a patch was about.
struct Touched {
    path: String,
    /// Where it was before the turn; none if it was not there.
    origin: Option<String>,
    exists: bool,
    /// Another file was moved onto one that was there before the turn.
    replaced: bool,
}

/// The outcome of all patches among these items that were applied, each file once, in the order in which they were
/// first touched (a file that was moved, in the order of the moves).
pub(crate) fn changed<'a>(
    items: impl IntoIterator<Item = &'a ThreadItem>,
    folder: Option<&str>,
) -> Vec<ChangedFile> {
    let mut files = Files::default();
    for item in items {
        if let ThreadItem::FileChange(patch) = item
            && patch.status == PatchApplyStatus::Completed
        {
            patch.changes.iter().for_each(|change| files.apply(change));
        }
    }
    files.outcome(folder)
}

#[derive(Default)]
struct Files(Vec<Touched>);

impl Files {
    fn apply(&mut self, change: &FileUpdateChange) {
        let path = &*change.path;
        match &change.kind {
            PatchChangeKind::Add => match self.find(path) {
                Some(file) => file.exists = true,
                None => self.push(path, None),
            },
            PatchChangeKind::Delete => self.delete(path),
            PatchChangeKind::Update(update) => match update.move_path.as_deref().filter(|to| *to != path) {
                Some(to) => self.r#move(path, to),
                None => self.modify(path),
            },
            // What these bindings do not know is a change at least.
            _ => self.modify(path),
        }
    }

    fn modify(&mut self, path: &str) {
        if self.find(path).is_none() {
            self.push(path, Some(path));
        }
    }

    fn delete(&mut self, path: &str) {
        let (origin, replaced) = match self.take(path) {
            Some(file) => (file.origin, file.replaced),
            None => (Some(path.to_owned()), false),
        };
        if let Some(origin) = origin {
            self.gone(&origin);
        }
        if replaced {
            self.gone(path);
        }
    }

    /// What was at this path before the turn is no more.
    fn gone(&mut self, path: &str) {
        match self.find(path) {
            // Something new has taken its place.
            Some(file) if file.exists => file.origin = file.origin.take().or_else(|| Some(path.to_owned())),
            Some(_) => {}
            None => {
                self.push(path, Some(path));
                if let Some(file) = self.find(path) {
                    file.exists = false;
                }
            }
        }
    }

    fn r#move(&mut self, path: &str, to: &str) {
        let source = self.take(path);
        let origin = source.as_ref().map_or_else(|| Some(path.to_owned()), |file| file.origin.clone());
        if source.is_some_and(|file| file.replaced) {
            self.gone(path);
        }
        let replaced = self.take(to).is_some_and(|file| file.replaced || file.origin.as_deref() == Some(to));
        let replaced = replaced && origin.as_deref() != Some(to);
        self.0.push(Touched { path: to.to_owned(), origin, exists: true, replaced });
    }

    fn find(&mut self, path: &str) -> Option<&mut Touched> {
        self.0.iter_mut().find(|file| file.path == path)
    }

    fn take(&mut self, path: &str) -> Option<Touched> {
        let index = self.0.iter().position(|file| file.path == path)?;
        Some(self.0.remove(index))
    }

    fn push(&mut self, path: &str, origin: Option<&str>) {
        let origin = origin.map(str::to_owned);
        self.0.push(Touched { path: path.to_owned(), origin, exists: true, replaced: false });
    }

    fn outcome(self, folder: Option<&str>) -> Vec<ChangedFile> {
        let outcome = |file: Touched| {
            let change = match file.origin {
                _ if !file.exists => FileChange::Deleted,
                None if file.replaced => FileChange::Modified,
                None => FileChange::Added,
                Some(origin) if origin == file.path => FileChange::Modified,
                Some(origin) => FileChange::Moved { from: relative(&origin, folder) },
            };
            ChangedFile { path: relative(&file.path, folder), change }
        };
        self.0.into_iter().map(outcome).collect()
    }
}

/// The path relative to the folder, if it lies in there. The server may run on another system than this program.
fn relative(path: &str, folder: Option<&str>) -> String {
    const SEPARATORS: [char; 2] = ['/', '\\'];
    let inside = folder.filter(|folder| !folder.is_empty()).and_then(|folder| {
        let rest = path.strip_prefix(folder.trim_end_matches(SEPARATORS))?;
        rest.strip_prefix(SEPARATORS).filter(|rest| !rest.is_empty())
    });
    inside.unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A patch: its status, and its changes as `add PATH`, `update PATH`, `delete PATH` or `move PATH TO`.
    fn patch(status: &str, changes: &[&str]) -> Value {
        let change = |words: &&str| {
            let mut words = words.split(' ');
            let (kind, path, to) = (words.next().unwrap_or_default(), words.next(), words.next());
            let kind = match kind {
                "move" => json!({"type": "update", "move_path": to}),
                kind => json!({"type": kind}),
            };
            json!({"path": path, "kind": kind, "diff": ""})
        };
        let changes: Vec<_> = changes.iter().map(change).collect();
        json!({"type": "fileChange", "id": "i", "status": status, "changes": changes})
    }

    fn outcome(patches: &[Value], folder: Option<&str>) -> String {
        let items: Vec<ThreadItem> =
            patches.iter().map(|item| serde_json::from_value(item.clone()).expect("an item")).collect();
        let told = changed(&items, folder).into_iter().map(|file| {
            let path = file.path;
            match file.change {
                FileChange::Added => format!("+{path}"),
                FileChange::Modified => format!("~{path}"),
                FileChange::Deleted => format!("-{path}"),
                FileChange::Moved { from } => format!("{from}>{path}"),
            }
        });
        told.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_file_is_named_once_with_its_outcome() {
        for (changes, expected) in [
            (&["add /a", "update /a"][..], "+/a"),
            (&["add /a", "update /a", "delete /a"], ""),
            (&["update /a", "update /b", "update /a"], "~/a ~/b"),
            (&["update /a", "delete /a"], "-/a"),
            (&["delete /a", "add /a"], "~/a"),
            (&["move /a /b"], "/a>/b"),
            (&["move /a /b", "update /b", "move /b /c"], "/a>/c"),
            (&["move /a /b", "move /b /a"], "~/a"),
            (&["move /a /a"], "~/a"),
            (&["move /a /b", "delete /b"], "-/a"),
            (&["add /a", "move /a /b"], "+/b"),
            (&["add /a", "move /a /b", "delete /b"], ""),
            (&["move /a /b", "add /a"], "/a>/b +/a"),
            (&["move /a /b", "add /a", "delete /b"], "~/a"),
            (&["update /b", "move /a /b"], "/a>/b"),
            (&["update /b", "move /a /b", "delete /b"], "-/a -/b"),
            (&["delete /b", "move /a /b", "move /b /c"], "-/b /a>/c"),
            (&["update /b", "add /a", "move /a /b"], "~/b"),
            (&["delete /a", "move /b /a"], "/b>/a"),
            (&["rewrite /a"], "~/a"),
        ] {
            assert_eq!(outcome(&[patch("completed", changes)], None), expected, "{changes:?}");
            let one_by_one: Vec<_> = changes.iter().map(|change| patch("completed", &[change])).collect();
            assert_eq!(outcome(&one_by_one, None), expected, "{changes:?} one by one");
        }
    }

    #[test]
    fn only_applied_patches_change_files() {
        for status in ["declined", "failed", "inProgress", "unheard of"] {
            let patches = [patch("completed", &["add /a"]), patch(status, &["delete /a", "add /b"])];
            assert_eq!(outcome(&patches, None), "+/a", "{status}");
        }
    }

    #[test]
    fn paths_are_relative_within_the_folder_alone() {
        let changes =
            ["add /work/a", "move /work/b /else/b", "add /workshop/c", r"add C:\work\d\e", "add /work"];
        let of = |folder| outcome(&[patch("completed", &changes)], folder);
        let within = "+a b>/else/b +/workshop/c";
        assert_eq!(of(Some("/work")), format!(r"{within} +C:\work\d\e +/work"));
        assert_eq!(of(Some("/work/")), format!(r"{within} +C:\work\d\e +/work"));
        assert!(of(Some(r"C:\work")).contains(r" +d\e "));
        for unknown in [None, Some("")] {
            assert!(of(unknown).contains("+/work/a /work/b>/else/b"));
        }
        assert_eq!(outcome(&[patch("completed", &["add /a"])], Some("/")), "+a");
    }
}
