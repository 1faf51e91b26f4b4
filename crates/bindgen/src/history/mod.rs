//! The history of the protocol as data: in which releases of codex each name exists, and on which surface.
//!
//! `schema/history.json` holds the names in groups that share a history. A group is an array: the history, then the
//! names. A definition is the group of itself and of the parts that are as old as it is, with the other groups behind:
//!
//! ```json
//! "ThreadTurnsListParams": ["0.122.0, 0.129.0 experimental, 0.151.0","cursor","limit","sortDirection","threadId",
//!   ["0.130.0 experimental, 0.151.0","itemsView"]]
//! ```
//!
//! A history lists the releases in which something changed: `itemsView` came with 0.130.0 on the experimental surface
//! and is stable since 0.151.0; a third change might be `0.160.0 gone`. Only releases that were read count: what came with 0.142.3 has the history
//! `0.143.0` where that is the next one in `versions`.

mod annotate;
mod file;
mod names;
mod renames;

use std::collections::BTreeMap;

use names::{Names, Owner};

use crate::error::{Error, Result};
use crate::load::Schema;
use crate::model::Model;

pub use crate::since::{Release, Since};

/// Whether one release has a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    #[default]
    Absent,
    Experimental,
    Stable,
}

impl State {
    fn of(experimental: bool) -> Self {
        if experimental { Self::Experimental } else { Self::Stable }
    }
}

/// The states of one name, one per release.
type Life = Vec<State>;

/// The lives of a definition, or of a union over methods, and of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Lives {
    own: Life,
    parts: BTreeMap<String, Life>,
}

/// In which releases each name exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    releases: Vec<Release>,
    methods: BTreeMap<String, Lives>,
    types: BTreeMap<String, Lives>,
}

impl History {
    /// The releases that were read, the oldest first.
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// Adds the protocol of a release, or replaces what is known of it. The order of the calls does not matter.
    ///
    /// # Errors
    ///
    /// The schema does not name its version, or there is something in it that is not understood.
    pub fn add(&mut self, schema: &Schema) -> Result<Release> {
        let version = schema.codex_version.as_deref().unwrap_or("unknown");
        let release: Release = version.parse().map_err(|problem: String| Error::Table {
            file: "history".into(),
            problem: format!("{problem}; only those have a place in it"),
        })?;
        let names = Names::of(schema)?;
        let index = match self.releases.binary_search(&release) {
            Ok(index) => index,
            Err(index) => {
                self.releases.insert(index, release);
                for life in self.lives_mut() {
                    life.insert(index, State::Absent);
                }
                index
            }
        };
        let count = self.releases.len();
        set(&mut self.methods, names.methods, index, count);
        set(&mut self.types, names.types, index, count);
        Ok(release)
    }

    /// Every life there is.
    fn lives_mut(&mut self) -> impl Iterator<Item = &mut Life> {
        let owners = self.methods.values_mut().chain(self.types.values_mut());
        owners.flat_map(|lives| [&mut lives.own].into_iter().chain(lives.parts.values_mut()))
    }

    /// Says of every method and every part of the model when it came. Releases after that of the model do not count.
    pub(crate) fn annotate(&self, model: &mut Model) {
        annotate::model(self, model);
    }

    /// What is wrong with the history of this model, in one line with the next step.
    pub(crate) fn complaint(&self, model: &Model) -> Option<String> {
        let version = &model.codex_version;
        let release: Release = version.parse().ok()?;
        match self.releases.binary_search(&release) {
            Ok(_) => None,
            Err(_) => {
                Some(format!("the history lacks codex {version}; run `cargo xtask schema history {version}`"))
            }
        }
    }
}

/// Writes the states of one release.
fn set(lives: &mut BTreeMap<String, Lives>, names: BTreeMap<String, Owner>, index: usize, count: usize) {
    for life in
        lives.values_mut().flat_map(|lives| [&mut lives.own].into_iter().chain(lives.parts.values_mut()))
    {
        life[index] = State::Absent;
    }
    for (name, (own, parts)) in names {
        let empty = || vec![State::Absent; count];
        let lives = lives.entry(name).or_insert_with(|| Lives { own: empty(), parts: BTreeMap::new() });
        lives.own[index] = own;
        for (part, state) in parts {
            lives.parts.entry(part).or_insert_with(empty)[index] = state;
        }
    }
    // A release that is read again may have lost what it alone had.
    let exists = |life: &Life| life.iter().any(|state| *state != State::Absent);
    lives.retain(|_, lives| {
        lives.parts.retain(|_, life| exists(life));
        exists(&lives.own)
    });
}
