//! One type in place of another: which of the two takes what the other one does.

use codex_appserver_bindgen::shape::{Object, Shape};

use super::{Walk, is_alias};
use crate::change::{Change, Raw};
use crate::finding::{Judged, Level, Skews};
use crate::line;
use crate::message;
use crate::path::Path;
use crate::rules::{self, Written};

const HARMLESS: Judged =
    Judged { level: Level::Safe, text: "all that one side sends fits the type that the other one expects" };

/// What one type in place of another amounts to.
pub(super) struct Relation {
    pub(super) change: Change,
    /// The worst that differs inside, where the client writes and where it reads.
    wire: [Skews; 2],
    /// What differs inside, a few words for each difference.
    inside: Vec<String>,
}

impl<'m> Walk<'m, '_> {
    /// One finding for the place, whatever differs below: the definitions have findings of their own
    /// only where both protocols have them.
    pub(super) fn replaced(&mut self, path: &Path, old: &'m Shape, new: &'m Shape) {
        let lines = [line::definition(self.old, old), line::definition(self.new, new)];
        self.replaced_as(path, (old, new), lines);
    }

    pub(crate) fn replaced_as(
        &mut self,
        path: &Path,
        (old, new): (&'m Shape, &'m Shape),
        [old_line, new_line]: [String; 2],
    ) {
        let Relation { change, wire, inside } = self.relation(old, new);
        let mut raw = Raw::new(path.clone(), change, Some(old_line), Some(new_line));
        (raw.wire, raw.inside) = (Some(wire), inside);
        self.found.changes.push(raw);
    }

    pub(super) fn relation(&mut self, old: &'m Shape, new: &'m Shape) -> Relation {
        let mut deep = self.deep();
        deep.values(&Path::default(), old, new);
        let inside = &deep.found.changes;
        let extents = || inside.iter().map(|raw| raw.change.extent());
        let change = match (extents().any(|extent| extent.widens), extents().any(|extent| extent.narrows)) {
            (false, false) => Change::Represented,
            (true, false) => Change::Widened,
            (false, true) => Change::Narrowed,
            (true, true) => Change::TypeChanged,
        };
        let wire = [Written::ByClient, Written::ByServer].map(|written| {
            let rule = rules::find(change, written);
            let safe = |judged: Judged| if judged.level == Level::Safe { judged } else { HARMLESS };
            let none = Skews { old_client: safe(rule.old_client), new_client: safe(rule.new_client) };
            inside.iter().map(|raw| rules::wire(raw, written)).fold(none, |worst, skews| Skews {
                old_client: worse(worst.old_client, skews.old_client),
                new_client: worse(worst.new_client, skews.new_client),
            })
        });
        // What differs as a whole is said by the finding itself.
        let inside = inside.iter().filter(|raw| !raw.path.steps.is_empty()).map(message::inside).collect();
        Relation { change, wire, inside }
    }

    /// Whether two definitions look exactly alike, whatever they are called.
    pub(crate) fn same_shape(&mut self, old: &'m Shape, new: &'m Shape) -> bool {
        let mut deep = self.deep();
        deep.values(&Path::default(), old, new);
        deep.found.changes.is_empty()
    }

    /// Whether `old` is called `new` now: one has gone, the other has come, and they look alike.
    pub(super) fn is_renamed(&mut self, old: &'m str, new: &'m str) -> bool {
        if self.renames.is_free(old, new) && self.could_be_renamed(old, new) {
            self.renames.add(old, new);
        }
        self.renames.has(old, new)
    }

    fn could_be_renamed(&mut self, old: &'m str, new: &'m str) -> bool {
        let (Some(gone), Some(come)) = (self.old.definitions.get(old), self.new.definitions.get(new)) else {
            return false;
        };
        if self.new.definitions.contains_key(old) || self.old.definitions.contains_key(new) {
            return false;
        }
        if is_alias(&gone.shape) || is_alias(&come.shape) {
            return false;
        }
        resemble(&gone.shape, &come.shape) || self.same_shape(&gone.shape, &come.shape)
    }
}

/// The first of the worst.
fn worse(one: Judged, other: Judged) -> Judged {
    if other.level > one.level { other } else { one }
}

/// Whether most of what two shapes consist of has the same names.
fn resemble(old: &Shape, new: &Shape) -> bool {
    match (names(old), names(new)) {
        (Some((kind, old)), Some((other, new))) if kind == other => {
            let shared = old.iter().filter(|name| new.contains(name)).count();
            2 * shared > old.len().max(new.len())
        }
        _ => false,
    }
}

fn names(shape: &Shape) -> Option<(&str, Vec<&str>)> {
    Some(match shape {
        Shape::Object(Object { fields, choice, .. }) => {
            ("object", fields.iter().chain(choice).map(|field| field.wire.as_str()).collect())
        }
        Shape::StringEnum(values) => ("enum", values.iter().map(|value| value.wire.as_str()).collect()),
        Shape::Tagged(tagged) => (&tagged.tag, tagged.arms.iter().map(|arm| arm.value.as_str()).collect()),
        Shape::External(arms) => ("union", arms.iter().map(|arm| arm.value.as_str()).collect()),
        _ => return None,
    })
}
