//! Values that the schema allows.

use serde_json::{Map, Value};

use super::instance::number;
use super::{Maker, Sample};
use crate::shape::{IntegerEnum, Object, Shape};

impl Maker<'_> {
    /// The minimal and the maximal value, then one per enum value, arm and choice.
    pub(super) fn valid(&self, shape: &Shape) -> Vec<Sample> {
        match shape {
            Shape::Object(object) => self.valid_object(object),
            Shape::Tagged(tagged) => self.tagged_arms(tagged, &Self::valid_object),
            Shape::StringEnum(values) => {
                values.iter().map(|value| Sample::new(&value.wire, value.wire.clone().into())).collect()
            }
            Shape::IntegerEnum(IntegerEnum { values, .. }) => {
                values.iter().map(|value| Sample::new(value.wire.to_string(), number(value.wire))).collect()
            }
            Shape::External(arms) => arms
                .iter()
                .flat_map(|arm| match &arm.payload {
                    None => vec![Sample::new(&arm.value, arm.value.clone().into())],
                    Some(payload) => {
                        let place = |sample: Sample| sample.inside(&arm.value, Map::new());
                        let mut samples = self.inline_samples(payload, &Self::valid);
                        if samples.is_empty() {
                            samples = self.extremes(payload);
                        }
                        samples.into_iter().map(place).collect()
                    }
                })
                .collect(),
            Shape::ByType(arms) => self.valid_arms(arms.iter()),
            Shape::ByKeys(arms) => self.valid_arms(arms.iter().map(|arm| &arm.shape)),
            Shape::Nullable(inner) => {
                let mut samples = self.valid(inner);
                samples.push(Sample::new("null", Value::Null));
                samples
            }
            _ => self.extremes(shape),
        }
    }

    /// The arms of a union without a tag. A definition's own vectors are decoded as itself; here it has to
    /// be told from its neighbours as well.
    fn valid_arms<'s>(&self, arms: impl Iterator<Item = &'s Shape>) -> Vec<Sample> {
        let name = |index: usize, arm: &Shape| match arm {
            Shape::Ref(name) => name.clone(),
            _ => format!("arm {index}"),
        };
        arms.enumerate()
            .flat_map(|(index, arm)| {
                let samples = self.valid(self.instances.resolve(arm)).into_iter();
                samples.map(move |sample| sample.named(&name(index, arm)))
            })
            .collect()
    }

    fn extremes(&self, shape: &Shape) -> Vec<Sample> {
        let (minimal, maximal) = (self.instances.minimal(shape), self.instances.maximal(shape));
        let differ = minimal != maximal;
        let mut samples = vec![Sample::new("minimal", minimal)];
        samples.extend(differ.then(|| Sample::new("maximal", maximal)));
        samples
    }

    pub(super) fn valid_object(&self, object: &Object) -> Vec<Sample> {
        let (minimal, maximal) =
            (self.instances.minimal_object(object), self.instances.maximal_object(object));
        let mut samples = vec![Sample::new("minimal", minimal.clone().into())];
        if minimal != maximal {
            samples.push(Sample::new("maximal", maximal.into()));
        }
        for choice in object.choice.iter().skip(1) {
            let mut other = minimal.clone();
            other.retain(|name, _| object.choice.iter().all(|choice| choice.wire != *name));
            let what = format!("with {}", choice.wire);
            let value = self.instances.maximal(&choice.shape);
            samples.push(Sample { what, ..Sample::new("", value).inside(&choice.wire, other) });
        }
        samples.extend(self.samples_of_members(object, &Self::valid));
        samples
    }
}
