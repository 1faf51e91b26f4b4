//! What a newer or careless peer sends: not in the schema, yet to be decoded and kept.

use serde_json::{Map, Value, json};

use super::{Maker, Sample};
use crate::shape::{Field, KeyArm, Object, Shape};

/// A member, a value, a tag that no schema has.
pub(super) const UNHEARD_OF: &str = "unheardOf";

impl Maker<'_> {
    /// Unknown members, enum values, tags and arms; `null` for optional members; other names that decode.
    pub(super) fn tolerated(&self, shape: &Shape) -> Vec<Sample> {
        let unknown = |value: Value| Sample::new("unknown value", value);
        match shape {
            Shape::Object(object) => self.tolerated_object(object),
            Shape::StringEnum(_) | Shape::IntegerEnum(_) | Shape::BoolLiteral(_) => {
                self.instances.unknown(shape).map(unknown).into_iter().collect()
            }
            Shape::Tagged(tagged) => {
                let mut samples = self.tagged_arms(tagged, &Self::tolerated_object);
                let mut object = unknown_members();
                object.insert(tagged.tag.clone(), UNHEARD_OF.into());
                samples.push(Sample::new("unknown tag", object.into()));
                samples
            }
            Shape::External(arms) => {
                let mut samples =
                    vec![unknown(UNHEARD_OF.into()), Sample::new("unknown arm", unknown_members().into())];
                samples.extend(arms.iter().filter_map(|arm| Some((arm, arm.payload.as_ref()?))).flat_map(
                    |(arm, payload)| {
                        let newer = Sample::new("beside an unknown member", self.instances.minimal(payload));
                        let newer = newer.inside(&arm.value, unknown_members());
                        let place = |sample: Sample| sample.inside(&arm.value, Map::new());
                        let within = self.inline_samples(payload, &Self::tolerated).into_iter().map(place);
                        std::iter::once(newer).chain(within)
                    },
                ));
                samples
            }
            Shape::ByType(arms) => {
                arms.iter().flat_map(|arm| self.inline_samples(arm, &Self::tolerated)).collect()
            }
            Shape::ByKeys(arms) => self.tolerated_by_keys(arms),
            Shape::Array(_) | Shape::Map(_) | Shape::Nullable(_) => {
                self.inline_samples(shape, &Self::tolerated)
            }
            Shape::Any
            | Shape::Bool
            | Shape::Integer(_)
            | Shape::Number { .. }
            | Shape::String
            | Shape::Ref(_) => Vec::new(),
        }
    }

    fn tolerated_object(&self, object: &Object) -> Vec<Sample> {
        let minimal = self.instances.minimal_object(object);
        let mut newer = minimal.clone();
        newer.extend(unknown_members());
        let mut samples = vec![Sample::new("unknown member", newer.into())];

        for kind in [Value::is_string, Value::is_number, Value::is_boolean] {
            let of_kind = |field: &Field| {
                let value = self.instances.unknown(&field.shape).filter(kind)?;
                Some(Sample::new("unknown value", value).inside(&field.wire, minimal.clone()))
            };
            // What stands in the member itself is a sample of the member below.
            let named = object.fields.iter().filter(|field| !is_known_values(&field.shape));
            samples.extend(named.into_iter().find_map(of_kind));
        }

        let optional: Vec<_> = object.fields.iter().filter(|field| !field.required).collect();
        if !optional.is_empty() {
            let mut nulls = minimal.clone();
            nulls.extend(optional.iter().map(|field| (field.wire.clone(), Value::Null)));
            samples.push(Sample::new("optional members null", nulls.into()));
        }
        for (field, alias) in
            object.fields.iter().flat_map(|field| field.aliases.iter().map(move |alias| (field, alias)))
        {
            let mut renamed = self.instances.maximal_object(object);
            let value = renamed.remove(&field.wire).unwrap_or_default();
            renamed.insert(alias.clone(), value);
            samples.push(Sample::new(format!("{} as {alias}", field.wire), renamed.into()));
        }
        samples.extend(self.samples_of_members(object, &Self::tolerated));
        samples
    }

    /// A literal that no arm has is kept, like an unknown tag.
    fn tolerated_by_keys(&self, arms: &[KeyArm]) -> Vec<Sample> {
        let marks = || arms.iter().flat_map(|arm| &arm.marks);
        let literal = marks().flat_map(|marks| &marks.literals).next();
        let fixed = marks().flat_map(|marks| &marks.fixed).next();
        let mut samples: Vec<Sample> = arms
            .iter()
            .enumerate()
            .flat_map(|(index, arm)| {
                let samples = self.inline_samples(&arm.shape, &Self::tolerated).into_iter();
                samples.map(move |sample| sample.named(&format!("arm {index}")))
            })
            .collect();
        if let Some((member, _)) = literal {
            let mut object = unknown_members();
            object.insert(member.clone(), UNHEARD_OF.into());
            samples.push(Sample::new(format!("unknown {member}"), object.into()));
        } else if let Some((member, values)) = fixed {
            let known = |value: &Value| {
                marks().flat_map(|marks| &marks.fixed).any(|(_, known)| known.contains(&value.to_string()))
            };
            let other = match values.iter().any(|value| value.parse::<bool>().is_ok()) {
                true => [true, false].into_iter().map(Value::from).find(|value| !known(value)),
                false => (0..100).map(Value::from).find(|value| !known(value)),
            };
            if let Some(other) = other {
                let mut object = unknown_members();
                object.insert(member.clone(), other);
                samples.push(Sample::new(format!("unknown {member}"), object.into()));
            }
        }
        samples
    }
}

fn unknown_members() -> Map<String, Value> {
    Map::from_iter([(UNHEARD_OF.to_owned(), json!({"deep": [1, -2.5, {"a": null}], "text": "\u{1F600}"}))])
}

fn is_known_values(shape: &Shape) -> bool {
    match shape {
        Shape::Nullable(inner) => is_known_values(inner),
        Shape::StringEnum(_) | Shape::IntegerEnum(_) | Shape::BoolLiteral(_) => true,
        _ => false,
    }
}
