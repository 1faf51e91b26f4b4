//! Values with exactly one thing wrong.

use serde_json::{Map, Value, json};

use super::instance::outside;
use super::{Maker, Sample};
use crate::shape::{Field, IntFormat, IntegerEnum, KeyArm, Object, Shape, Tagged};

impl Maker<'_> {
    /// The wrong type for the value as a whole, then what is wrong within it. Objects as a whole are
    /// put wrong where they are members.
    pub(super) fn invalid(&self, shape: &Shape) -> Vec<Sample> {
        let wrong = match shape {
            Shape::Object(_) => None,
            other => self.wrong_item(other),
        };
        let mut samples: Vec<Sample> = wrong.into_iter().collect();
        samples.extend(self.wrong_inside(shape));
        match shape {
            Shape::Integer(format) | Shape::IntegerEnum(IntegerEnum { format, .. }) => {
                samples.extend(out_of_range(*format));
            }
            Shape::Array(_) | Shape::Map(_) => {
                samples.extend(self.inline_samples(shape, &Self::invalid_within));
            }
            Shape::Nullable(inner) => samples.extend(self.invalid_within(inner)),
            other => samples.extend(self.invalid_within(other)),
        }
        samples
    }

    fn wrong_item(&self, shape: &Shape) -> Option<Sample> {
        self.instances.wrong_type(shape).map(|value| Sample::new("wrong type", value))
    }

    /// A list or a map with one value of the wrong type.
    fn wrong_inside(&self, shape: &Shape) -> Option<Sample> {
        match shape {
            Shape::Array(inner) => self.wrong_item(inner).map(Sample::in_array),
            Shape::Map(inner) => self.wrong_item(inner).map(|sample| sample.inside("key", Map::new())),
            Shape::Nullable(inner) => self.wrong_inside(inner),
            _ => None,
        }
    }

    /// What can be wrong inside a value of the right type.
    fn invalid_within(&self, shape: &Shape) -> Vec<Sample> {
        match shape {
            Shape::Object(object) => self.invalid_object(object),
            Shape::Tagged(tagged) => self.invalid_tagged(tagged),
            Shape::External(arms) => {
                let mut samples = vec![Sample::new("no arm", json!({}))];
                for (arm, payload) in arms.iter().filter_map(|arm| Some((arm, arm.payload.as_ref()?))) {
                    let wrong = self.wrong_item(payload).into_iter();
                    let within = self.inline_samples(payload, &Self::invalid_within);
                    let place = |sample: Sample| sample.inside(&arm.value, Map::new());
                    samples.extend(wrong.chain(within).map(place));
                }
                samples
            }
            Shape::ByType(arms) => {
                let takes_all = arms.iter().any(|arm| matches!(arm, Shape::Number { .. } | Shape::Any));
                arms.iter().flat_map(|arm| self.invalid_arm(arm, takes_all)).collect()
            }
            Shape::ByKeys(arms) => invalid_by_keys(arms),
            _ => Vec::new(),
        }
    }

    /// An arm told by its JSON type can be wrong from its items on, and an integer one by its range where no
    /// other arm takes numbers.
    fn invalid_arm(&self, arm: &Shape, takes_all: bool) -> Vec<Sample> {
        match arm {
            Shape::Integer(format) | Shape::IntegerEnum(IntegerEnum { format, .. }) if !takes_all => {
                out_of_range(*format).collect()
            }
            Shape::Array(inner) => self.wrong_item(inner).into_iter().map(Sample::in_array).collect(),
            _ => Vec::new(),
        }
    }

    fn invalid_tagged(&self, tagged: &Tagged) -> Vec<Sample> {
        let mut samples = self.tagged_arms(tagged, &Self::invalid_object);
        if let Some(arm) = tagged.arms.first() {
            let minimal = self.instances.minimal_object(&arm.object);
            samples.push(Sample::new("no tag", minimal.clone().into()));
            samples.push(Sample::new("tag of the wrong type", json!(5)).inside(&tagged.tag, minimal));
        }
        samples
    }

    fn invalid_object(&self, object: &Object) -> Vec<Sample> {
        let minimal = self.instances.minimal_object(object);
        let mut samples = Vec::new();
        for field in object.fields.iter().filter(|field| field.required) {
            let mut without = minimal.clone();
            without.remove(&field.wire);
            samples.push(Sample::new(format!("without {}", field.wire), without.into()));
        }
        if !object.choice.is_empty() {
            let mut without = minimal.clone();
            without.retain(|name, _| object.choice.iter().all(|choice| choice.wire != *name));
            samples.push(Sample::new("without any of a choice", without.into()));
        }
        let place = |field: &Field, sample: Sample| sample.inside(&field.wire, minimal.clone());
        for field in first_of_each_kind(&object.fields) {
            let wrong = [self.wrong_item(&field.shape), self.wrong_inside(&field.shape)];
            samples.extend(wrong.into_iter().flatten().map(|sample| place(field, sample)));
        }
        let never_null = |field: &&Field| field.required && self.instances.refuses_null(&field.shape);
        samples.extend(
            object.fields.iter().find(never_null).map(|field| place(field, Sample::new("null", Value::Null))),
        );
        for (field, format) in one_per_format(&object.fields) {
            samples.extend(out_of_range(format).map(|sample| place(field, sample)));
        }
        samples.extend(self.samples_of_members(object, &Self::invalid_within));
        samples
    }
}

fn out_of_range(format: IntFormat) -> impl Iterator<Item = Sample> {
    let [below, above] = outside(format);
    [("below its range", below), ("above its range", above)]
        .into_iter()
        .map(|(what, value)| Sample::new(what, value))
}

/// A union of objects that all need something has no arm for an empty one.
fn invalid_by_keys(arms: &[KeyArm]) -> Vec<Sample> {
    let mut marks = arms.iter().flat_map(|arm| &arm.marks);
    let needs = marks.all(|marks| marks.is_open() || !marks.required.is_empty());
    needs.then(|| Sample::new("no arm", json!({}))).into_iter().collect()
}

/// One member per kind of shape: members of one kind are read by the same code.
fn first_of_each_kind(fields: &[Field]) -> Vec<&Field> {
    let kind =
        |field: &Field| (std::mem::discriminant(&field.shape), field.required, field.default.is_some());
    let mut seen = Vec::new();
    fields
        .iter()
        .filter(|field| {
            let is_new = !seen.contains(&kind(field));
            if is_new {
                seen.push(kind(field));
            }
            is_new
        })
        .collect()
}

/// One integer member per format.
fn one_per_format(fields: &[Field]) -> Vec<(&Field, IntFormat)> {
    let mut found: Vec<(&Field, IntFormat)> = Vec::new();
    for field in fields {
        let inner = match &field.shape {
            Shape::Nullable(inner) => inner,
            other => other,
        };
        if let Shape::Integer(format) | Shape::IntegerEnum(IntegerEnum { format, .. }) = inner
            && found.iter().all(|(_, seen)| seen != format)
        {
            found.push((field, *format));
        }
    }
    found
}
