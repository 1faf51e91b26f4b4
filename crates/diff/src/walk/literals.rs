//! Compares what has known values: enums of strings and of integers, and fixed booleans.

use std::collections::BTreeMap;

use codex_appserver_bindgen::shape::{EnumValue, IntegerEnum, IntegerValue, Shape};

use super::Walk;
use crate::change::{Change, Raw};
use crate::finding::Level;
use crate::line;
use crate::path::Path;

const STAYS_BOOL: &str = "the Rust type is `bool` all the same";

/// Known values in their order, and whether only the experimental surface has them.
type Values<T> = BTreeMap<T, bool>;

impl<'m> Walk<'m, '_> {
    pub(super) fn strings(&mut self, path: &Path, old: &[EnumValue], new: &[EnumValue]) {
        let index = |values: &[EnumValue]| -> Values<String> {
            values.iter().map(|value| (value.wire.clone(), value.experimental)).collect()
        };
        for value in old {
            if let Some(now) = new.iter().find(|now| now.wire == value.wire) {
                let path = path.step(&value.wire, value.experimental, now.experimental);
                self.description(&path, (&value.description, &now.description));
            }
        }
        let found = self.known(path, &index(old), &index(new), |value| format!("{value:?}"));
        self.found.changes.extend(found);
    }

    /// Integers, other numbers and booleans, one of which has known values.
    pub(super) fn literals(&mut self, path: &Path, old: &Shape, new: &Shape) {
        match (old, new) {
            (Shape::IntegerEnum(a), Shape::IntegerEnum(b)) => {
                let formats = [Shape::Integer(a.format), Shape::Integer(b.format)];
                self.numbers(path, (&formats[0], a.format.range()), (&formats[1], b.format.range()));
                let found = self.known(path, &integers(&a.values), &integers(&b.values), i128::to_string);
                self.found.changes.extend(found);
            }
            (Shape::IntegerEnum(a), Shape::Integer(b)) => {
                self.change(path, opened(a, b.range()), old, new);
            }
            (Shape::Integer(a), Shape::IntegerEnum(b)) => {
                self.change(path, opened(b, a.range()).opposite(), old, new);
            }
            (Shape::IntegerEnum(_), Shape::Number { .. }) => self.change(path, Change::Widened, old, new),
            (Shape::Number { .. }, Shape::IntegerEnum(_)) => self.change(path, Change::Narrowed, old, new),
            (Shape::BoolLiteral(a), Shape::BoolLiteral(b)) => {
                let values = |value: bool| Values::from([(value, false)]);
                let found = self.known(path, &values(*a), &values(*b), bool::to_string);
                self.found.changes.extend(found.into_iter().map(stays_bool));
            }
            (Shape::BoolLiteral(_), Shape::Bool) => self.bool(path, Change::EnumOpened, old, new),
            (Shape::Bool, Shape::BoolLiteral(_)) => self.bool(path, Change::EnumClosed, old, new),
            _ => self.change(path, Change::TypeChanged, old, new),
        }
    }

    fn bool(&mut self, path: &Path, change: Change, old: &Shape, new: &Shape) {
        let raw = Raw::new(path.clone(), change, Some(line::shape(old)), Some(line::shape(new)));
        self.found.changes.push(stays_bool(raw));
    }

    /// One change per value that came, went, or is on another surface.
    fn known<T: Ord + ToString>(
        &mut self,
        path: &Path,
        old: &Values<T>,
        new: &Values<T>,
        line: impl Fn(&T) -> String,
    ) -> Vec<Raw> {
        let before = self.found.changes.len();
        for (value, experimental) in old {
            match new.get(value) {
                Some(now) => {
                    let path = path.step(&value.to_string(), *experimental, *now);
                    self.value_stability(&path, (*experimental, *now));
                }
                None => {
                    let path = path.old_only(&value.to_string(), *experimental);
                    self.found.changes.push(Raw::new(path, Change::ValueRemoved, Some(line(value)), None));
                }
            }
        }
        for (value, experimental) in new.iter().filter(|(value, _)| !old.contains_key(value)) {
            let path = path.new_only(&value.to_string(), *experimental);
            self.found.changes.push(Raw::new(path, Change::ValueAdded, None, Some(line(value))));
        }
        self.found.changes.split_off(before)
    }
}

fn integers(values: &[IntegerValue]) -> Values<i128> {
    values.iter().map(|value| (value.wire, value.experimental)).collect()
}

fn stays_bool(raw: Raw) -> Raw {
    raw.with_source(Level::Safe, STAYS_BOOL)
}

/// What an enum of integers that becomes a plain integer amounts to. An unknown value of the enum has to fit
/// its format, so that only an integer of a wider format is more than the enum's own values opened up.
fn opened(old: &IntegerEnum, (least, most): (i128, i128)) -> Change {
    let (old_least, old_most) = old.format.range();
    let takes_known = old.values.iter().all(|value| (least..=most).contains(&value.wire));
    match (least >= old_least && most <= old_most, least <= old_least && old_most <= most) {
        (true, _) if takes_known => Change::EnumOpened,
        (false, true) => Change::Widened,
        _ => Change::TypeChanged,
    }
}
