//! Unions: which kind each one is, and its arms.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Reader, flag, is_experimental};
use crate::error::{Error, Result, step};
use crate::load::{pointer, ref_name};
use crate::shape::{
    Description, EnumValue, ExternalArm, Field, IntegerValue, Object, Shape, Tagged, TaggedArm,
};
use crate::since::Since;

/// One arm with the place it stands at.
#[derive(Clone)]
struct Arm<'s> {
    value: &'s Value,
    at: String,
}

impl<'s> Arm<'s> {
    fn properties(&self) -> Option<&'s Map<String, Value>> {
        self.value.get("properties")?.as_object()
    }

    /// The members that have exactly one value: candidates for a tag.
    fn literals(&self) -> impl Iterator<Item = (&'s str, &'s str)> + use<'s> {
        self.properties()
            .into_iter()
            .flatten()
            .filter_map(|(name, member)| Some((name.as_str(), literal(member)?)))
    }

    fn is_string_enum(&self) -> bool {
        self.is_enum_of("string")
    }

    fn is_enum_of(&self, kind: &str) -> bool {
        self.value.get("type").and_then(Value::as_str) == Some(kind) && self.value.get("enum").is_some()
    }

    /// The single member of an externally tagged arm.
    fn single_member(&self) -> Option<(&'s str, &'s Value)> {
        let properties = self.properties()?;
        let required = self.value.get("required")?.as_array()?;
        let (name, value) = properties.iter().next().filter(|_| properties.len() == 1)?;
        let is_required = required.len() == 1 && required[0].as_str() == Some(name);
        (is_required && literal(value).is_none() && self.value.get("anyOf").is_none())
            .then_some((name, value))
    }

    /// `type: [string, object]` and nothing else: the schema's own way to leave a union open.
    fn is_catch_all(&self) -> bool {
        self.value.get("type").is_some_and(Value::is_array)
            && !["properties", "enum", "items"].iter().any(|key| self.value.get(*key).is_some())
            && !self.value["type"].as_array().is_some_and(|types| types.contains(&"null".into()))
    }
}

fn literal(schema: &Value) -> Option<&str> {
    if let Some(value) = schema.get("const") {
        return value.as_str();
    }
    match schema.get("enum")?.as_array()?.as_slice() {
        [Value::String(value)] => Some(value),
        _ => None,
    }
}

impl<'s> Reader<'s> {
    pub(super) fn union(&self, object: &'s Map<String, Value>, at: &str) -> Result<Shape> {
        let (keyword, values) = match (object.get("oneOf"), object.get("anyOf")) {
            (Some(Value::Array(arms)), None) => ("oneOf", arms),
            (None, Some(Value::Array(arms))) => ("anyOf", arms),
            _ => return Err(Error::schema(at, "unsupported: `oneOf` and `anyOf` side by side")),
        };
        let at_arms = step(at, keyword);
        let arms: Vec<Arm<'s>> = values
            .iter()
            .enumerate()
            .map(|(index, value)| Arm { value, at: step(&at_arms, index) })
            // No value fits `false`.
            .filter(|arm| *arm.value != Value::Bool(false))
            .collect();
        if keyword == "anyOf" && arms.iter().any(|arm| *arm.value == Value::Bool(true)) {
            return Ok(Shape::Any);
        }
        let (nulls, arms): (Vec<_>, Vec<_>) =
            arms.into_iter().partition(|arm| arm.value.get("type").and_then(Value::as_str) == Some("null"));

        let base = self.fields(object, at)?;
        let shape = match &arms[..] {
            [] => return Err(Error::schema(at_arms, "unsupported: a union without arms")),
            [only] if base.is_empty() && !nulls.is_empty() => self.shape(only.value, &only.at)?,
            arms => self.arms(arms, &base, values, &at_arms)?,
        };
        Ok(match shape {
            shape if nulls.is_empty() => shape,
            nullable @ Shape::Nullable(_) => nullable,
            shape => Shape::Nullable(Box::new(shape)),
        })
    }

    fn arms(&self, arms: &[Arm<'s>], base: &[Field], values: &'s [Value], at: &str) -> Result<Shape> {
        if let Some(tag) = shared_tag(arms) {
            return self.tagged(arms, tag, base, at);
        }
        if !base.is_empty() {
            let choice = self.choice(values, at)?;
            return Ok(Shape::Object(Object { fields: base.to_vec(), choice, additional: false }));
        }
        if arms.iter().all(Arm::is_string_enum) {
            return self.string_enum(arms);
        }
        if let Some(values) = self.string_enums(arms)? {
            return Ok(Shape::StringEnum(values));
        }
        if ["integer", "boolean"].iter().any(|kind| arms.iter().all(|arm| arm.is_enum_of(kind))) {
            return self.scalar_enum(arms, at);
        }
        let closed: Vec<&Arm<'s>> = arms.iter().filter(|arm| !arm.is_catch_all()).collect();
        if closed.iter().all(|arm| arm.is_string_enum() || arm.single_member().is_some()) {
            return self.external(&closed);
        }
        let kinds: Vec<Option<&str>> = arms.iter().map(|arm| self.json_type(arm.value)).collect();
        if kinds.iter().enumerate().all(|(index, kind)| kind.is_some() && !kinds[..index].contains(kind)) {
            let shapes = arms.iter().map(|arm| self.shape(arm.value, &arm.at));
            return Ok(Shape::ByType(shapes.collect::<Result<_>>()?));
        }
        if kinds.iter().all(|kind| *kind == Some("object")) {
            let arms = arms.iter().map(|arm| self.key_arm(arm.value, &arm.at));
            return Ok(Shape::ByKeys(arms.collect::<Result<_>>()?));
        }
        Err(Error::schema(at, "unsupported union: no tag, JSON type or member tells its arms apart"))
    }

    fn tagged(&self, arms: &[Arm<'s>], tag: &'s str, base: &[Field], at: &str) -> Result<Shape> {
        let mut tagged = Tagged { tag: tag.to_owned(), arms: Vec::new() };
        for arm in arms {
            let value =
                arm.literals().find(|(name, _)| *name == tag).map(|(_, value)| value).unwrap_or_default();
            if tagged.arms.iter().any(|other| other.value == value) {
                return Err(Error::schema(&arm.at, format!("a second arm with `{tag}` = `{value}`")));
            }
            let object = self.arm_object(arm, tag, base)?;
            tagged.arms.push(TaggedArm {
                value: value.to_owned(),
                object,
                experimental: is_experimental(arm.value),
                deprecated: flag(arm.value, "deprecated"),
                description: Description::of(arm.value),
                since: Since::default(),
            });
        }
        if base.iter().any(|field| field.wire == tag) {
            return Err(Error::schema(at, format!("the tag `{tag}` is a common member as well")));
        }
        Ok(Shape::Tagged(tagged))
    }

    /// An arm's own members, the union's common ones, and its inner choice.
    fn arm_object(&self, arm: &Arm<'s>, tag: &str, base: &[Field]) -> Result<Object> {
        let Some(object) = arm.value.as_object() else { return Ok(Object::default()) };
        let mut fields = self.fields(object, &arm.at)?;
        fields.retain(|field| field.wire != tag);
        for common in base {
            match fields.iter().find(|field| field.wire == common.wire) {
                Some(own) if own.shape != common.shape => {
                    return Err(Error::schema(
                        step(&step(&arm.at, "properties"), &own.wire),
                        "differs from the member of the same name that all arms share",
                    ));
                }
                Some(_) => {}
                None => fields.push(common.clone()),
            }
        }
        fields.sort_by(|a, b| a.wire.cmp(&b.wire));
        let choice = match object.get("anyOf").or_else(|| object.get("oneOf")) {
            Some(Value::Array(inner)) => self.choice(inner, &step(&arm.at, "anyOf"))?,
            _ => Vec::new(),
        };
        let additional = object.get("additionalProperties") == Some(&Value::Bool(true));
        Ok(Object { fields, choice, additional })
    }

    fn string_enum(&self, arms: &[Arm<'s>]) -> Result<Shape> {
        let mut all = Vec::new();
        for arm in arms {
            if let Shape::StringEnum(values) = self.shape(arm.value, &arm.at)? {
                all.extend(described(values, arm.value));
            }
        }
        Ok(Shape::StringEnum(all))
    }

    /// The values of enums that arms refer to; none where an arm is something else.
    fn string_enums(&self, arms: &[Arm<'s>]) -> Result<Option<Vec<EnumValue>>> {
        let mut all: Vec<EnumValue> = Vec::new();
        for arm in arms {
            let Some((value, at)) = self.string_enum_behind(arm) else { return Ok(None) };
            let Shape::StringEnum(values) = self.shape(value, &at)? else { return Ok(None) };
            let new: Vec<_> = described(values, value)
                .into_iter()
                .filter(|value| all.iter().all(|old| old.wire != value.wire))
                .collect();
            all.extend(new);
        }
        Ok(Some(all))
    }

    /// An arm, or the definition that it refers to, if that is an enum of strings.
    fn string_enum_behind(&self, arm: &Arm<'s>) -> Option<(&'s Value, String)> {
        let (mut arm, mut seen) = (arm.clone(), BTreeSet::new());
        while let Some(name) = ref_name(arm.value) {
            if !seen.insert(name) {
                return None;
            }
            arm = Arm { value: self.raw.get(name)?, at: pointer(name) };
        }
        let each = |value: &'s Value| Arm { value, at: String::new() }.is_string_enum();
        let arms = arm.value.get("oneOf").or_else(|| arm.value.get("anyOf")).and_then(Value::as_array);
        let is_enum = each(arm.value) || arms.is_some_and(|arms| arms.iter().all(each));
        is_enum.then_some((arm.value, arm.at))
    }

    /// Fixed integers or booleans, an arm for each.
    fn scalar_enum(&self, arms: &[Arm<'s>], at: &str) -> Result<Shape> {
        let shapes = arms.iter().map(|arm| self.shape(arm.value, &arm.at));
        let mut shapes = shapes.collect::<Result<Vec<_>>>()?.into_iter();
        let Some(mut whole) = shapes.next() else { return Ok(Shape::Any) };
        for shape in shapes {
            match (&mut whole, shape) {
                (Shape::IntegerEnum(whole), Shape::IntegerEnum(more)) if whole.format == more.format => {
                    let known = |value: &IntegerValue| whole.values.iter().any(|old| old.wire == value.wire);
                    let new: Vec<_> = more.values.into_iter().filter(|value| !known(value)).collect();
                    whole.values.extend(new);
                }
                (Shape::BoolLiteral(a), Shape::BoolLiteral(b)) if *a == b => {}
                (Shape::Bool | Shape::BoolLiteral(_), Shape::Bool | Shape::BoolLiteral(_)) => {
                    whole = Shape::Bool
                }
                _ => {
                    return Err(Error::schema(at, "unsupported: fixed integers of several formats"));
                }
            }
        }
        Ok(whole)
    }

    fn external(&self, arms: &[&Arm<'s>]) -> Result<Shape> {
        let mut all: Vec<ExternalArm> = Vec::new();
        for arm in arms {
            let experimental = is_experimental(arm.value);
            if let Some((name, payload)) = arm.single_member() {
                if let Some(object) = arm.value.as_object() {
                    super::check_keywords(object, &arm.at)?;
                }
                let here = step(&step(&arm.at, "properties"), name);
                let payload = Some(self.shape(payload, &here)?);
                let (description, since) = (Description::of(arm.value), Since::default());
                all.push(ExternalArm { value: name.to_owned(), payload, experimental, description, since });
            } else if let Shape::StringEnum(values) = self.shape(arm.value, &arm.at)? {
                all.extend(described(values, arm.value).into_iter().map(|value| ExternalArm {
                    value: value.wire,
                    payload: None,
                    experimental: experimental || value.experimental,
                    description: value.description,
                    since: Since::default(),
                }));
            }
        }
        Ok(Shape::External(all))
    }

    /// The JSON type of a schema, where it has exactly one. References and unions have that of what they lead to; one
    /// that leads back to itself adds nothing.
    fn json_type(&self, value: &'s Value) -> Option<&'s str> {
        const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];
        let (mut left, mut seen) = (vec![value], BTreeSet::new());
        let mut found = None;
        while let Some(value) = left.pop() {
            if let Some(name) = ref_name(value) {
                let target = self.raw.get(name)?;
                if seen.insert(name) {
                    left.push(target);
                }
            } else if let Some(Value::String(name)) = value.get("type") {
                let kind = TYPES.iter().find(|known| *known == name).copied()?;
                if *found.get_or_insert(kind) != kind {
                    return None;
                }
            } else {
                let arms = value.get("oneOf").or_else(|| value.get("anyOf"))?.as_array()?;
                if arms.is_empty() {
                    return None;
                }
                left.extend(arms);
            }
        }
        found
    }
}

/// An arm with one value is about that value.
fn described(mut values: Vec<EnumValue>, arm: &Value) -> Vec<EnumValue> {
    if let [only] = &mut values[..] {
        only.description = Description::of(arm);
    }
    values
}

/// The member that every arm has with one value of its own.
fn shared_tag<'s>(arms: &[Arm<'s>]) -> Option<&'s str> {
    let mut candidates: Vec<&str> = arms.first()?.literals().map(|(name, _)| name).collect();
    candidates.retain(|candidate| arms.iter().all(|arm| arm.literals().any(|(name, _)| name == *candidate)));
    // Prefer the name the protocol uses almost everywhere.
    candidates.iter().find(|name| **name == "type").or(candidates.first()).copied()
}
