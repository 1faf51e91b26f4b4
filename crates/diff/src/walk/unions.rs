//! Compares unions and string enums arm by arm.

use std::collections::BTreeMap;

use codex_appserver_bindgen::model::Model;
use codex_appserver_bindgen::shape::{Description, EnumValue, ExternalArm, KeyArm, Shape, Tagged, TaggedArm};

use super::Walk;
use crate::change::{Change, Raw};
use crate::line;
use crate::path::Path;

impl<'m> Walk<'m, '_> {
    pub(super) fn unions(&mut self, path: &Path, old: &'m Shape, new: &'m Shape) {
        match (old, new) {
            (Shape::StringEnum(a), Shape::StringEnum(b)) => self.strings(path, a, b),
            (Shape::StringEnum(_), Shape::String) => self.change(path, Change::EnumOpened, old, new),
            (Shape::String, Shape::StringEnum(_)) => self.change(path, Change::EnumClosed, old, new),
            (Shape::Tagged(a), Shape::Tagged(b)) if a.tag == b.tag => self.tagged(path, a, b),
            (Shape::External(a), Shape::External(b)) => self.external(path, arms_of(a), arms_of(b)),
            // On the wire a string enum is a union whose arms are all strings.
            (Shape::StringEnum(a), Shape::External(b)) => {
                self.change(path, Change::Represented, old, new);
                self.external(path, units(a), arms_of(b));
            }
            (Shape::External(a), Shape::StringEnum(b)) => {
                self.change(path, Change::Represented, old, new);
                self.external(path, arms_of(a), units(b));
            }
            (Shape::ByType(a), Shape::ByType(b)) => self.by_type(path, a, b),
            (Shape::ByKeys(a), Shape::ByKeys(b)) => self.by_keys(path, a, b),
            (_, Shape::ByType(arms)) => {
                let among = arms.iter().any(|arm| self.takes(old, arm));
                self.change(path, if among { Change::Widened } else { Change::TypeChanged }, old, new);
            }
            (Shape::ByType(arms), _) => {
                let among = arms.iter().any(|arm| self.takes(arm, new));
                self.change(path, if among { Change::Narrowed } else { Change::TypeChanged }, old, new);
            }
            _ => self.change(path, Change::TypeChanged, old, new),
        }
    }

    fn takes(&mut self, old: &'m Shape, new: &'m Shape) -> bool {
        self.relation(old, new).change == Change::Represented
    }

    fn tagged(&mut self, path: &Path, old: &'m Tagged, new: &'m Tagged) {
        let index = |tagged: &'m Tagged| -> BTreeMap<&'m str, &'m TaggedArm> {
            tagged.arms.iter().map(|arm| (arm.value.as_str(), arm)).collect()
        };
        let (old_arms, new_arms) = (index(old), index(new));
        let before = self.found.changes.len();
        let mut common = 0;
        for (value, arm) in &old_arms {
            match new_arms.get(value) {
                Some(now) => {
                    common += 1;
                    let path = &path.step(value, arm.experimental, now.experimental);
                    self.stability(path, (arm.experimental, now.experimental), None);
                    self.deprecation(path, (arm.deprecated, now.deprecated));
                    self.description(path, (&arm.description, &now.description));
                    self.objects(path, &arm.object, &now.object, true);
                }
                None => {
                    let path = path.old_only(value, arm.experimental);
                    let line = Some(line::tagged_arm(&old.tag, arm));
                    self.found.changes.push(Raw::new(path, Change::ArmRemoved, line, None));
                }
            }
        }
        let in_arms = self.found.changes.split_off(before);
        self.found.changes.extend(of_all_arms(in_arms, path.steps.len(), common));
        for (value, arm) in new_arms.iter().filter(|(value, _)| !old_arms.contains_key(*value)) {
            let path = path.new_only(value, arm.experimental);
            let line = Some(line::tagged_arm(&new.tag, arm));
            self.found.changes.push(Raw::new(path, Change::ArmAdded, None, line));
        }
    }

    fn external(&mut self, path: &Path, old: Arms<'m>, new: Arms<'m>) {
        for (value, arm) in &old {
            let Some(now) = new.get(value) else {
                let path = path.old_only(value, arm.experimental);
                self.found.changes.push(Raw::new(path, Change::ArmRemoved, Some(arm.line.clone()), None));
                continue;
            };
            let path = &path.step(value, arm.experimental, now.experimental);
            self.stability(path, (arm.experimental, now.experimental), None);
            self.description(path, (arm.description, now.description));
            match (arm.payload, now.payload) {
                (None, None) => {}
                (Some(a), Some(b)) => self.values(path, a, b),
                _ => {
                    let (old, new) = (Some(arm.line.clone()), Some(now.line.clone()));
                    self.found.changes.push(Raw::new(path.clone(), Change::TypeChanged, old, new));
                }
            }
        }
        for (value, arm) in new.iter().filter(|(value, _)| !old.contains_key(*value)) {
            let path = path.new_only(value, arm.experimental);
            self.found.changes.push(Raw::new(path, Change::ArmAdded, None, Some(arm.line.clone())));
        }
    }

    /// Arms of one JSON type are one arm.
    fn by_type(&mut self, path: &Path, old: &'m [Shape], new: &'m [Shape]) {
        let index = |model: &'m Model, arms: &'m [Shape]| -> BTreeMap<&'static str, &'m Shape> {
            arms.iter().map(|arm| (json_type(model, arm), arm)).collect()
        };
        let (old, new) = (index(self.old, old), index(self.new, new));
        for (kind, arm) in &old {
            match new.get(kind) {
                Some(now) => self.values(path, arm, now),
                None => self.untagged_removed(path, kind, arm),
            }
        }
        for (kind, arm) in new.iter().filter(|(kind, _)| !old.contains_key(*kind)) {
            self.untagged_added(path, kind, arm);
        }
    }

    /// Arms of one definition are one arm; of the rest, those that share the most members.
    fn by_keys(&mut self, path: &Path, old: &'m [KeyArm], new: &'m [KeyArm]) {
        let mut left: Vec<&'m KeyArm> = new.iter().collect();
        let mut gone: Vec<&'m KeyArm> = Vec::new();
        for arm in old {
            match left.iter().position(|other| self.is_key_arm(arm, other)) {
                Some(index) => {
                    let now = left.remove(index);
                    self.values(&path.step(&key_arm_name(arm, now), false, false), &arm.shape, &now.shape);
                }
                None => gone.push(arm),
            }
        }
        for arm in gone {
            self.untagged_removed(path, &key_arm_name(arm, arm), &arm.shape);
        }
        for arm in left {
            self.untagged_added(path, &key_arm_name(arm, arm), &arm.shape);
        }
    }

    fn is_key_arm(&mut self, old: &'m KeyArm, new: &'m KeyArm) -> bool {
        match (&old.shape, &new.shape) {
            (Shape::Ref(a), Shape::Ref(b)) => a == b || (self.entered.is_none() && self.is_pair(a, b)),
            (Shape::Object(a), Shape::Object(b)) => {
                let shared =
                    a.fields.iter().filter(|field| b.fields.iter().any(|other| other.wire == field.wire));
                2 * shared.count() >= a.fields.len().max(b.fields.len())
            }
            // Maps, say: an arm may name the members that it requires and describe none of them.
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }

    fn untagged_removed(&mut self, path: &Path, name: &str, arm: &Shape) {
        let raw =
            Raw::new(path.old_only(name, false), Change::UntaggedArmRemoved, Some(line::shape(arm)), None);
        self.found.changes.push(raw);
    }

    fn untagged_added(&mut self, path: &Path, name: &str, arm: &Shape) {
        let raw =
            Raw::new(path.new_only(name, false), Change::UntaggedArmAdded, None, Some(line::shape(arm)));
        self.found.changes.push(raw);
    }
}

/// The arms of a union of strings and objects with one member, by name.
type Arms<'m> = BTreeMap<&'m str, Arm<'m>>;

struct Arm<'m> {
    payload: Option<&'m Shape>,
    experimental: bool,
    description: &'m Description,
    line: String,
}

fn arms_of(arms: &[ExternalArm]) -> Arms<'_> {
    arms.iter()
        .map(|arm| {
            let line = line::external_arm(arm);
            let (payload, experimental) = (arm.payload.as_ref(), arm.experimental);
            (arm.value.as_str(), Arm { payload, experimental, description: &arm.description, line })
        })
        .collect()
}

fn units(values: &[EnumValue]) -> Arms<'_> {
    values
        .iter()
        .map(|value| {
            let line = format!("{:?}", value.wire);
            let description = &value.description;
            (value.wire.as_str(), Arm { payload: None, experimental: value.experimental, description, line })
        })
        .collect()
}

fn json_type(model: &Model, shape: &Shape) -> &'static str {
    match shape {
        Shape::String | Shape::StringEnum(_) => "string",
        Shape::Integer(_) | Shape::IntegerEnum(_) => "integer",
        Shape::Number { .. } => "number",
        Shape::Bool | Shape::BoolLiteral(_) => "boolean",
        Shape::Array(_) => "array",
        Shape::Ref(target) => match model.definitions.get(target).map(|definition| &definition.shape) {
            // An alias of an alias is no arm of a union.
            Some(Shape::Ref(_)) | None => "object",
            Some(shape) => json_type(model, shape),
        },
        _ => "object",
    }
}

/// A definition's name, or the members that both objects require.
fn key_arm_name(old: &KeyArm, new: &KeyArm) -> String {
    let required = |arm: &KeyArm| -> Vec<String> {
        match &arm.shape {
            Shape::Object(object) => {
                object.fields.iter().filter(|field| field.required).map(|field| field.wire.clone()).collect()
            }
            _ => Vec::new(),
        }
    };
    match &new.shape {
        Shape::Ref(name) => name.clone(),
        _ => {
            let new = required(new);
            let shared: Vec<String> = required(old).into_iter().filter(|name| new.contains(name)).collect();
            if shared.is_empty() { "object".to_owned() } else { shared.join("+") }
        }
    }
}

/// Members that stand beside a union's arms are in every arm; a change in all arms is one change.
fn of_all_arms(changes: Vec<Raw>, arm: usize, common: usize) -> Vec<Raw> {
    if common < 2 {
        return changes;
    }
    let inside = |raw: &Raw| raw.path.steps.len() > arm + 1;
    let same = |a: &Raw, b: &Raw| {
        let rest = |raw: &Raw| raw.path.steps.get(arm + 1..).map(<[String]>::to_vec);
        (a.change, &a.old, &a.new, rest(a)) == (b.change, &b.old, &b.new, rest(b))
    };
    let mut merged: Vec<Raw> = Vec::new();
    for raw in &changes {
        let group: Vec<&Raw> = changes.iter().filter(|other| inside(other) && same(raw, other)).collect();
        if !inside(raw) || group.len() < common {
            merged.push(raw.clone());
            continue;
        }
        let mut one = raw.clone();
        one.path.steps.remove(arm);
        one.path.stable.old = group.iter().any(|raw| raw.path.stable.old);
        one.path.stable.new = group.iter().any(|raw| raw.path.stable.new);
        one.source = group.iter().filter_map(|raw| raw.source).max();
        if !merged.iter().any(|other| other.path == one.path && same_kind(other, &one)) {
            merged.push(one);
        }
    }
    merged
}

fn same_kind(a: &Raw, b: &Raw) -> bool {
    (a.change, &a.old, &a.new) == (b.change, &b.old, &b.new)
}
