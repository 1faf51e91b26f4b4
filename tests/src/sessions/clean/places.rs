//! The folders and names of the machine that a session ran on, and what stands for them in a fixture.

use std::path::Path;

use codex_appserver_testkit::CodexHome;

/// What to replace by what, longest first.
#[derive(Clone, Debug, Default)]
pub struct Places {
    replacements: Vec<(String, &'static str)>,
}

impl Places {
    /// The places of a session in this home.
    pub fn of(home: &CodexHome) -> Self {
        let mut places = Self::default();
        places.add(&home.workspace(), "/workspace");
        places.add(&home.user_home(), "/home/user");
        places.add(&home.tmp(), "/tmp");
        places
    }

    /// Replaces this path, as it is written and as it is without links.
    pub fn add(&mut self, path: &Path, stands_for: &'static str) {
        let real = path.canonicalize().ok();
        for path in [Some(path), real.as_deref()].into_iter().flatten().filter_map(Path::to_str) {
            self.replacements.push((path.to_owned(), stands_for));
        }
        self.replacements.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    }

    pub(super) fn replace(&self, text: &str) -> String {
        let replaced = |text: String, (path, stands_for): &(String, &str)| text.replace(path, stands_for);
        self.replacements.iter().fold(text.to_owned(), replaced)
    }
}
