//! Compares the members of two objects.

use std::collections::BTreeMap;

use codex_appserver_bindgen::shape::{Description, Field, Object, Shape};

use super::Walk;
use crate::change::{Change, Raw};
use crate::finding::Level;
use crate::line;
use crate::path::Path;

const FIRST_MEMBER: &str =
    "the arm had no members and was a unit variant, which now becomes one that holds a struct";
const STAYS_OPTION: &str = "the member may be null as well, so its Rust type stays an `Option`";
const NEVER_GATED: &str = "members and enum values are compiled whatever the feature `experimental` says";

impl<'m> Walk<'m, '_> {
    /// `arm`: the object is an arm of a tagged union, which is a unit variant while it has no members.
    pub(super) fn objects(&mut self, path: &Path, old: &'m Object, new: &'m Object, arm: bool) {
        let first = arm && is_bare(old);
        let settled = self.choices(path, old, new);
        let others = |object: &'m Object| -> BTreeMap<&'m str, &'m Field> {
            let fields = object.fields.iter().map(|field| (field.wire.as_str(), field));
            fields.filter(|(name, _)| !settled.contains(name)).collect()
        };
        let (old_fields, new_fields) = (others(old), others(new));
        for (name, field) in &old_fields {
            match new_fields.get(name) {
                Some(other) => self.member(path, field, other),
                None => self.removed(path, field),
            }
        }
        for (name, field) in &new_fields {
            if !old_fields.contains_key(name) {
                self.added(path, field, first);
            }
        }
        if old.additional != new.additional {
            let (change, old, new) = match new.additional {
                true => (Change::FreeMembersAdded, "known members only", "any further members"),
                false => (Change::FreeMembersRemoved, "any further members", "known members only"),
            };
            let raw = Raw::new(path.clone(), change, Some(old.into()), Some(new.into()));
            self.found.changes.push(raw);
        }
    }

    fn removed(&mut self, path: &Path, field: &Field) {
        let change = if field.required { Change::RequiredRemoved } else { Change::OptionalRemoved };
        let path = path.old_only(&field.wire, field.experimental);
        self.found.changes.push(Raw::new(path, change, Some(line::field(field)), None));
    }

    fn added(&mut self, path: &Path, field: &Field, first: bool) {
        let change = if field.required { Change::RequiredAdded } else { Change::OptionalAdded };
        let path = path.new_only(&field.wire, field.experimental);
        let raw = Raw::new(path, change, None, Some(line::field(field)));
        self.found.changes.push(if first { raw.with_source(Level::Breaking, FIRST_MEMBER) } else { raw });
    }

    fn member(&mut self, path: &Path, old: &'m Field, new: &'m Field) {
        let path = &path.step(&old.wire, old.experimental, new.experimental);
        self.stability(path, (old.experimental, new.experimental), Some((Level::Safe, NEVER_GATED)));
        self.deprecation(path, (old.deprecated, new.deprecated));
        self.description(path, (&old.description, &new.description));
        match (old.required, new.required) {
            (false, true) => self.presence(path, Change::BecameRequired, old, new),
            (true, false) => self.presence(path, Change::BecameOptional, old, new),
            (false, false) => self.defaults(path, old, new),
            (true, true) => {}
        }
        // Where `null` or the choice to leave the member out came or went, that is the finding.
        let may_be_null = |field: &Field| !field.required && matches!(field.shape, Shape::Nullable(_));
        if old.distinct_null != new.distinct_null && may_be_null(old) && may_be_null(new) {
            let says = |distinct: bool| {
                let text = if distinct { "null differs from absent" } else { "null counts as absent" };
                Some(text.to_owned())
            };
            let (old, new) = (says(old.distinct_null), says(new.distinct_null));
            self.found.changes.push(Raw::new(path.clone(), Change::Represented, old, new));
        }
        // Both at once is how the schema says that a value may be missing: one finding, not two.
        match (&old.shape, &new.shape) {
            (old_shape, Shape::Nullable(inner))
                if old.required && !new.required && !is_nullable(old_shape) =>
            {
                self.values(path, old_shape, inner);
            }
            (Shape::Nullable(inner), new_shape)
                if !old.required && new.required && !is_nullable(new_shape) =>
            {
                self.values(path, inner, new_shape);
            }
            (old_shape, new_shape) => self.values(path, old_shape, new_shape),
        }
    }

    fn presence(&mut self, path: &Path, change: Change, old: &Field, new: &Field) {
        let (old, new) = (Some(line::presence(old)), Some(line::presence(new)));
        self.found.changes.push(Raw::new(path.clone(), change, old, new));
    }

    fn defaults(&mut self, path: &Path, old: &Field, new: &Field) {
        let change = match (&old.default, &new.default) {
            (None, Some(_)) => Change::DefaultAdded,
            (Some(_), None) => Change::DefaultRemoved,
            (Some(a), Some(b)) if a != b => Change::DefaultChanged,
            _ => return,
        };
        let says = |field: &Field| match &field.default {
            Some(value) => Some(format!("default {value}")),
            None => Some("no default".to_owned()),
        };
        let raw = Raw::new(path.clone(), change, says(old), says(new));
        let nullable = |field: &Field| matches!(field.shape, Shape::Nullable(_));
        self.found.changes.push(match nullable(old) && nullable(new) {
            true => raw.with_source(Level::Safe, STAYS_OPTION),
            false => raw,
        });
    }

    /// Members of which exactly one is there. Returns the members that are spoken for.
    fn choices(&mut self, path: &Path, old: &'m Object, new: &'m Object) -> Vec<&'m str> {
        match (&old.choice[..], &new.choice[..]) {
            ([], []) => Vec::new(),
            ([], arms) => self.choice_alone(path, arms, old, [Change::Widened, Change::RequiredAdded]),
            (arms, []) => self.choice_alone(path, arms, new, [Change::Narrowed, Change::RequiredRemoved]),
            (old, new) => {
                self.choice_arms(path, old, new);
                Vec::new()
            }
        }
    }

    fn choice_arms(&mut self, path: &Path, old: &'m [Field], new: &'m [Field]) {
        for field in old {
            match new.iter().find(|other| other.wire == field.wire) {
                Some(other) => {
                    let path = path.step(&field.wire, field.experimental, other.experimental);
                    self.values(&path, &field.shape, &other.shape);
                }
                None => {
                    let path = path.old_only(&field.wire, field.experimental);
                    let line = Some(line::field(field));
                    self.found.changes.push(Raw::new(path, Change::UntaggedArmRemoved, line, None));
                }
            }
        }
        for field in new.iter().filter(|field| old.iter().all(|other| other.wire != field.wire)) {
            let path = path.new_only(&field.wire, field.experimental);
            let line = Some(line::field(field));
            self.found.changes.push(Raw::new(path, Change::UntaggedArmAdded, None, line));
        }
    }

    /// Only one protocol has a choice: a required member of the other has become one of several, or
    /// several one; else the choice is a required member that came or went.
    fn choice_alone(
        &mut self,
        path: &Path,
        arms: &'m [Field],
        other: &'m Object,
        [same, new]: [Change; 2],
    ) -> Vec<&'m str> {
        let appears = matches!(same, Change::Widened);
        let name = arms.iter().map(|arm| arm.wire.as_str()).collect::<Vec<_>>().join("|");
        let single =
            other.fields.iter().find(|field| field.required && arms.iter().any(|arm| arm.wire == field.wire));
        let path = match (single, appears) {
            (Some(_), _) => path.step(&name, false, false),
            (None, true) => path.new_only(&name, false),
            (None, false) => path.old_only(&name, false),
        };
        let (choice, single_line) = (Some(line::choice(arms)), single.map(line::field));
        let change = if single.is_some() { same } else { new };
        let (old, new) = if appears { (single_line, choice) } else { (choice, single_line) };
        self.found.changes.push(Raw::new(path, change, old, new));
        single.map(|field| field.wire.as_str()).into_iter().collect()
    }

    /// `source`: the verdict where the feature `experimental` does not gate the place.
    pub(crate) fn stability(
        &mut self,
        path: &Path,
        (old, new): (bool, bool),
        source: Option<(Level, &'static str)>,
    ) {
        let change = match (old, new) {
            (true, false) => Change::BecameStable,
            (false, true) => Change::BecameExperimental,
            _ => return,
        };
        let says = |experimental: bool| if experimental { "experimental" } else { "stable" };
        let mut raw = Raw::new(path.clone(), change, Some(says(old).into()), Some(says(new).into()));
        if change == Change::BecameExperimental {
            raw.source = source;
        }
        self.found.changes.push(raw);
    }

    pub(crate) fn deprecation(&mut self, path: &Path, (old, new): (bool, bool)) {
        let change = match (old, new) {
            (false, true) => Change::BecameDeprecated,
            (true, false) => Change::NoLongerDeprecated,
            _ => return,
        };
        let says = |deprecated: bool| if deprecated { "deprecated" } else { "not deprecated" };
        let raw = Raw::new(path.clone(), change, Some(says(old).into()), Some(says(new).into()));
        self.found.changes.push(raw);
    }

    /// What upstream says about a place that both protocols have and describe; not of types that are compared although
    /// they have different names, whose words are bound to differ.
    pub(crate) fn description(&mut self, path: &Path, (old, new): (&Description, &Description)) {
        if let (Some(a), Some(b)) = (&old.mark, &new.mark)
            && a != b
            && !self.is_deep()
        {
            self.found.changes.push(Raw::new(path.clone(), Change::DescriptionChanged, None, None));
        }
    }

    /// The same for the values of an enum, which are never gated either.
    pub(super) fn value_stability(&mut self, path: &Path, sides: (bool, bool)) {
        self.stability(path, sides, Some((Level::Safe, NEVER_GATED)));
    }
}

fn is_nullable(shape: &Shape) -> bool {
    matches!(shape, Shape::Nullable(_) | Shape::Any)
}

fn is_bare(object: &Object) -> bool {
    object.fields.is_empty() && object.choice.is_empty() && !object.additional
}
