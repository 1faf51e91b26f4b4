//! What Rust code holds in a `Box` on one side only.

use std::collections::BTreeMap;

use codex_appserver_bindgen::lower::{Held, HeldByValue, held_by_value};
use codex_appserver_bindgen::model::{Method, Model};

use crate::change::{Change, Raw};
use crate::path::Path;

/// What each protocol's types hold directly, in a `Box` or not.
pub(crate) struct Boxes {
    old: HeldByValue,
    new: HeldByValue,
}

impl Boxes {
    /// Of a protocol that cannot be generated, because two of its names become one in Rust, there is no Rust code that
    /// could hold anything.
    pub(crate) fn of(old: &Model, new: &Model) -> Self {
        let of = |model| held_by_value(model).unwrap_or_default();
        Self { old: of(old), new: of(new) }
    }

    /// Changes in a definition of both protocols.
    pub(crate) fn of_type(&self, old: &str, new: &str) -> Vec<Raw> {
        let none = BTreeMap::new();
        let old = self.old.in_types.get(old).unwrap_or(&none);
        let new = self.new.in_types.get(new).unwrap_or(&none);
        let common = old.iter().filter_map(|(steps, held)| Some((steps, held, new.get(steps)?)));
        common.filter_map(|(steps, old, new)| change(steps, old, new)).collect()
    }

    /// The change in the enum over all methods of a kind.
    pub(crate) fn of_params(&self, old: &Method, new: &Method) -> Option<Raw> {
        let old = self.old.params.get(&(old.kind, old.name.clone()))?;
        let new = self.new.params.get(&(new.kind, new.name.clone()))?;
        change(&["params".to_owned()], old, new)
    }
}

/// A change of the type itself is reported elsewhere.
fn change(steps: &[String], old: &Held, new: &Held) -> Option<Raw> {
    if old.name != new.name || old.boxed == new.boxed {
        return None;
    }
    let inwards = |path: Path, step: &String| path.step(step, old.experimental, new.experimental);
    let path = steps.iter().fold(Path::default(), inwards);
    let [old, new] = [old, new].map(|held| match held.boxed {
        true => format!("Box<{}>", held.name),
        false => held.name.clone(),
    });
    Some(Raw::new(path, Change::Represented, Some(old), Some(new)))
}
