//! Compares the model, which comes from the JSON Schema, with the TypeScript types, member by member.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::parse::{Member, Ts};
use super::words::{describe, plain_text, show};
use super::{DEPTH, TypeScript};
use crate::model::{MethodKind, Model, is_envelope};
use crate::shape::{ExternalArm, Field, IntegerEnum, KeyArm, Object, Shape, Tagged};
use crate::vectors::number;

/// A place where the JSON Schema and the TypeScript of one codex disagree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    /// `Type.member`, `Type.arm.member`, or the union and name of a method.
    pub(super) place: String,
    /// What the JSON Schema says, with the rows of `overrides.toml` applied.
    pub(super) schema: String,
    /// What TypeScript says.
    pub(super) typescript: String,
}

/// Every disagreement, sorted by place. `stable` is the TypeScript of the stable surface, which says what is
/// experimental.
pub(super) fn differences(types: &TypeScript, stable: &TypeScript, model: &Model) -> Vec<Difference> {
    let mut comparison = Comparison { types, model, found: BTreeSet::new() };
    for kind in MethodKind::ALL {
        comparison.methods(kind, stable);
    }
    for (name, definition) in model.definitions.iter().filter(|(name, _)| !is_envelope(name)) {
        match types.of_definition(name) {
            Some((_, ty)) => comparison.shape(name, &definition.shape, ty, 0),
            None if is_payload(model, name) => comparison.report(name, "a type", "no type"),
            // TypeScript may have it in the place of its use, where it is compared.
            None => {}
        }
    }
    comparison.found.into_iter().collect()
}

/// Whether a definition is a method's own, so that no other definition leads to it.
fn is_payload(model: &Model, name: &str) -> bool {
    model
        .methods
        .iter()
        .any(|method| method.response.as_deref() == Some(name) || method.params.definition() == Some(name))
}

pub(super) struct Comparison<'c> {
    pub(super) types: &'c TypeScript,
    pub(super) model: &'c Model,
    found: BTreeSet<Difference>,
}

impl Comparison<'_> {
    pub(super) fn report(&mut self, place: &str, schema: impl Into<String>, typescript: impl Into<String>) {
        self.found.insert(Difference {
            place: place.to_owned(),
            schema: schema.into(),
            typescript: typescript.into(),
        });
    }

    pub(super) fn shape(&mut self, place: &str, shape: &Shape, ty: &Ts, depth: usize) {
        let mut arms = self.types.arms(ty);
        if let (Shape::Ref(name), [Ts::Ref(path)]) = (shape, &arms[..])
            && self.types.of_definition(name).is_some_and(|(own, _)| own == path)
        {
            return;
        }
        if depth > DEPTH {
            return self.report(place, describe(shape), show(ty));
        }
        match shape {
            Shape::Ref(name) => {
                if let Some(definition) = self.model.definitions.get(name) {
                    let shape = definition.shape.clone();
                    return self.shape(place, &shape, ty, depth + 1);
                }
                // The envelope's types are written by hand.
                return;
            }
            Shape::Any => return,
            _ => {}
        }
        if let [Ts::Ref(path)] = &arms[..] {
            return match self.types.types.get(path).cloned() {
                Some(ty) => self.shape(place, shape, &ty, depth + 1),
                None => self.report(place, describe(shape), show(ty)),
            };
        }
        let nullable = arms.len() > 1 && arms.contains(&Ts::Null);
        if nullable {
            arms.retain(|arm| *arm != Ts::Null);
        }
        match shape {
            Shape::Nullable(inner) if nullable => self.shape(place, inner, &Ts::Union(arms), depth),
            Shape::Nullable(inner) => {
                self.report(place, "may be null", "is never null");
                self.shape(place, inner, &Ts::Union(arms), depth);
            }
            shape => {
                if nullable {
                    self.report(place, "is never null", "may be null");
                }
                self.plain(place, shape, &arms, depth);
            }
        }
    }

    /// A shape that is neither a reference nor nullable, and the arms of the type beside `null`.
    fn plain(&mut self, place: &str, shape: &Shape, arms: &[Ts], depth: usize) {
        match (shape, arms) {
            (Shape::Bool, [Ts::Boolean])
            | (Shape::Integer(_) | Shape::Number { .. }, [Ts::Number])
            | (Shape::String, [Ts::String]) => {}
            (Shape::Array(item), [Ts::Array(ty)]) => self.shape(&format!("{place}[]"), item, ty, depth),
            (Shape::Map(value), [Ts::Map(ty)]) => self.shape(&format!("{place}[*]"), value, ty, depth),
            (Shape::Object(object), [Ts::Object(members)]) => self.object(place, object, members, depth),
            (Shape::Object(object), arms) if !object.choice.is_empty() => {
                self.choices(place, object, arms, depth);
            }
            (Shape::StringEnum(values), arms) => {
                let ours = values.iter().map(|value| Value::from(value.wire.as_str()));
                self.literals(place, ours.collect(), arms);
            }
            (Shape::IntegerEnum(IntegerEnum { values, .. }), arms) => {
                let ours = values.iter().map(|value| number(value.wire));
                self.literals(place, ours.collect(), arms);
            }
            (Shape::BoolLiteral(value), arms) => self.literals(place, vec![Value::Bool(*value)], arms),
            (Shape::Tagged(tagged), arms) => self.tagged(place, tagged, arms, depth),
            (Shape::External(external), arms) => self.external(place, external, arms, depth),
            (Shape::ByType(shapes), arms) => self.by_type(place, shapes, arms, depth),
            (Shape::ByKeys(keyed), arms) => self.by_keys(place, keyed, arms, depth),
            (shape, arms) => self.report(place, describe(shape), show(&Ts::Union(arms.to_vec()))),
        }
    }

    fn object(&mut self, place: &str, object: &Object, members: &[Member], depth: usize) {
        let fields: Vec<&Field> = object.fields.iter().collect();
        self.fields(place, &fields, members, depth);
    }

    fn fields(&mut self, place: &str, fields: &[&Field], members: &[Member], depth: usize) {
        for field in fields {
            let place = format!("{place}.{}", field.wire);
            match members.iter().find(|member| member.name == field.wire) {
                Some(member) => self.field(&place, field, member, depth),
                None => self.report(&place, "a member", "no member"),
            }
        }
        for member in members {
            if !fields.iter().any(|field| field.wire == member.name) {
                self.report(&format!("{place}.{}", member.name), "no member", "a member");
            }
        }
    }

    /// `Option<T>` is optional and nullable in the schema, and `T | null` or `?: T | null` in TypeScript. A member with
    /// a default is optional in the schema, and a plain member in TypeScript.
    fn field(&mut self, place: &str, field: &Field, member: &Member, depth: usize) {
        let (nullable, shape) = match &field.shape {
            Shape::Nullable(inner) => (true, &**inner),
            shape => (false, shape),
        };
        let mut arms = self.types.arms(&member.ty);
        let theirs_nullable = arms.len() > 1 && arms.contains(&Ts::Null);
        arms.retain(|arm| *arm != Ts::Null || !theirs_nullable);
        let may_lack = |absent: bool, null: bool| match (absent, null) {
            (false, false) => "always has a value",
            (true, false) => "may be absent",
            (false, true) => "may be null",
            (true, true) => "may be absent or null",
        };
        // Any value may be `null`.
        let ours = (!field.required, nullable || *shape == Shape::Any && theirs_nullable);
        let theirs = (member.optional, theirs_nullable);
        let same = match (ours, theirs) {
            // `Option`: `T | null`, `?: T | null`, or `?: T` where the server leaves it out rather than write `null`.
            ((true, true), (false, false)) => false,
            ((true, true), _) => true,
            // A default.
            ((true, false), (false, false)) => field.default.is_some(),
            (ours, theirs) => ours == theirs,
        };
        if !same {
            self.report(place, may_lack(ours.0, ours.1), may_lack(theirs.0, theirs.1));
        }
        self.shape(place, shape, &Ts::Union(arms), depth);
    }

    /// Exactly one of several members beside the common ones: TypeScript has an arm for each.
    fn choices(&mut self, place: &str, object: &Object, types: &[Ts], depth: usize) {
        for choice in &object.choice {
            let of_choice = types.iter().find_map(|arm| match arm {
                Ts::Object(members) if members.iter().any(|member| member.name == choice.wire) => {
                    Some(members)
                }
                _ => None,
            });
            let Some(members) = of_choice else {
                self.report(&format!("{place}.{}", choice.wire), "a member", "no member");
                continue;
            };
            let fields: Vec<&Field> = object.fields.iter().chain([choice]).collect();
            self.fields(place, &fields, members, depth);
        }
        if types.len() != object.choice.len() {
            let one_of = |count: usize| format!("one of {count} members");
            self.report(place, one_of(object.choice.len()), one_of(types.len()));
        }
    }

    fn literals(&mut self, place: &str, ours: Vec<Value>, arms: &[Ts]) {
        let mut theirs: Vec<&Value> = Vec::new();
        for arm in arms {
            match arm {
                Ts::Literal(value) => theirs.push(value),
                _ => return self.report(place, "fixed values", show(&Ts::Union(arms.to_vec()))),
            }
        }
        for value in &ours {
            if !theirs.contains(&value) {
                self.report(&format!("{place}.{}", plain_text(value)), "a value", "no value");
            }
        }
        for value in theirs {
            if !ours.contains(value) {
                self.report(&format!("{place}.{}", plain_text(value)), "no value", "a value");
            }
        }
    }

    fn tagged(&mut self, place: &str, tagged: &Tagged, arms: &[Ts], depth: usize) {
        let mut theirs: BTreeMap<String, Vec<Ts>> = BTreeMap::new();
        let union = Ts::Union(arms.to_vec());
        let Some(objects) = self.types.objects(&union, DEPTH) else {
            return self.report(place, format!("objects by `{}`", tagged.tag), show(&union));
        };
        for mut members in objects {
            let tag = members.iter().position(|member| member.name == tagged.tag);
            let Some(Ts::Literal(Value::String(value))) = tag.map(|at| members.remove(at).ty) else {
                return self.report(place, format!("arms by `{}`", tagged.tag), "an arm without it");
            };
            theirs.entry(value).or_default().push(Ts::Object(members));
        }
        for arm in &tagged.arms {
            let place = format!("{place}.{}", arm.value);
            match theirs.remove(&arm.value) {
                Some(types) => self.plain(&place, &Shape::Object(arm.object.clone()), &types, depth),
                None => self.report(&place, "an arm", "no arm"),
            }
        }
        for value in theirs.into_keys() {
            self.report(&format!("{place}.{value}"), "no arm", "an arm");
        }
    }

    fn external(&mut self, place: &str, external: &[ExternalArm], arms: &[Ts], depth: usize) {
        let mut theirs: BTreeMap<String, Option<Ts>> = BTreeMap::new();
        for arm in arms {
            match arm {
                Ts::Literal(Value::String(value)) => drop(theirs.insert(value.clone(), None)),
                Ts::Object(members) if members.len() == 1 => {
                    theirs.insert(members[0].name.clone(), Some(members[0].ty.clone()));
                }
                // Any string or object: external unions are open in any case.
                Ts::String | Ts::Map(_) => {}
                other => return self.report(place, "an arm by its name", show(other)),
            }
        }
        for arm in external {
            let place = format!("{place}.{}", arm.value);
            match (&arm.payload, theirs.remove(&arm.value)) {
                (None, Some(None)) => {}
                (Some(payload), Some(Some(ty))) => self.shape(&place, payload, &ty, depth),
                (_, None) => self.report(&place, "an arm", "no arm"),
                (Some(_), Some(None)) => self.report(&place, "an object", "a string"),
                (None, Some(Some(_))) => self.report(&place, "a string", "an object"),
            }
        }
        for value in theirs.into_keys() {
            self.report(&format!("{place}.{value}"), "no arm", "an arm");
        }
    }

    /// Arms of different JSON types: each is compared with the arm of its type.
    fn by_type(&mut self, place: &str, shapes: &[Shape], arms: &[Ts], depth: usize) {
        let mut left: Vec<&Ts> = arms.iter().collect();
        for shape in shapes {
            let kind = self.json_type_of_shape(shape, 0);
            let (of_type, rest): (Vec<&Ts>, Vec<&Ts>) =
                left.into_iter().partition(|arm| self.json_type(arm, 0) == kind);
            left = rest;
            if of_type.is_empty() {
                self.report(&format!("{place}.{kind}"), "an arm", "no arm");
            } else {
                let of_type = of_type.into_iter().cloned().collect();
                self.shape(&format!("{place}.{kind}"), shape, &Ts::Union(of_type), depth);
            }
        }
        for arm in left {
            self.report(place, "no arm", show(arm));
        }
    }

    /// Arms told apart by their members: those of a name are compared by name, the others in their order.
    fn by_keys(&mut self, place: &str, keyed: &[KeyArm], arms: &[Ts], depth: usize) {
        if keyed.len() != arms.len() {
            let arms_of = |count: usize| format!("{count} arms");
            return self.report(place, arms_of(keyed.len()), arms_of(arms.len()));
        }
        for (index, (arm, ty)) in keyed.iter().zip(arms).enumerate() {
            let place = match &arm.shape {
                Shape::Ref(name) => format!("{place}.{name}"),
                _ => format!("{place}.{index}"),
            };
            self.shape(&place, &arm.shape, ty, depth);
        }
    }

    fn json_type_of_shape(&self, shape: &Shape, depth: usize) -> &'static str {
        match shape {
            Shape::Ref(name) if depth < DEPTH => match self.model.definitions.get(name) {
                Some(definition) => self.json_type_of_shape(&definition.shape, depth + 1),
                None => "value",
            },
            Shape::Bool | Shape::BoolLiteral(_) => "boolean",
            Shape::Integer(_) | Shape::IntegerEnum(_) | Shape::Number { .. } => "number",
            Shape::String | Shape::StringEnum(_) => "string",
            Shape::Array(_) => "array",
            Shape::Nullable(inner) => self.json_type_of_shape(inner, depth),
            Shape::Any | Shape::Ref(_) | Shape::External(_) | Shape::ByType(_) => "value",
            Shape::Map(_) | Shape::Object(_) | Shape::Tagged(_) | Shape::ByKeys(_) => "object",
        }
    }

    fn json_type(&self, ty: &Ts, depth: usize) -> &'static str {
        match ty {
            Ts::Boolean | Ts::Literal(Value::Bool(_)) => "boolean",
            Ts::Number | Ts::Literal(Value::Number(_)) => "number",
            Ts::String | Ts::Literal(Value::String(_)) => "string",
            Ts::Array(_) => "array",
            Ts::Object(_) | Ts::Map(_) | Ts::Intersection(_) => "object",
            Ts::Union(arms) if !arms.is_empty() => self.json_type(&arms[0], depth),
            Ts::Ref(path) if depth < DEPTH => match self.types.types.get(path) {
                Some(target) => self.json_type(target, depth + 1),
                None => "value",
            },
            _ => "value",
        }
    }
}
