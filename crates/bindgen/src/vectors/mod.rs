//! Conformance vectors: JSON values made from the model, with what a decoder has to say to each.
//!
//! A covering set: every definition, method, arm, enum value and member takes part in some vector, and an
//! invalid one has exactly one thing wrong. A definition inside another stands in its minimal form there,
//! for it has vectors of its own.

mod instance;
mod invalid;
mod messages;
mod tolerated;
mod valid;

use serde_json::{Map, Value};

use crate::model::{Method, MethodKind, Model, Params};
use crate::shape::{Object, Shape};
use instance::Instances;
pub(crate) use instance::number;

/// A value and what is to be made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    /// What the value is meant to be.
    pub subject: Subject,
    /// What a decoder has to do.
    pub class: Class,
    /// What is special about the value, in words.
    pub what: String,
    /// The JSON path at which an invalid value is wrong, as decode errors spell it; for a member that is
    /// missing, the object that lacks it. Empty for the value as a whole.
    pub path: String,
    /// The value.
    pub value: Value,
}

/// What a value is meant to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A definition, by its name in the schema.
    Definition(String),
    /// A whole message of a method, its envelope included.
    Message(MethodKind, String),
    /// The `result` member of the answer to a request.
    Response(MethodKind, String),
}

/// What a decoder has to do with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The schema allows it: it decodes and encodes to an equal value.
    Valid,
    /// What a newer or careless peer sends: the same.
    Tolerated,
    /// It is refused, with an error that names the path.
    Invalid,
}

impl Model {
    /// The conformance vectors of this protocol, in a fixed order.
    pub fn vectors(&self) -> Vec<Vector> {
        let maker = Maker { instances: Instances::new(&self.definitions) };
        let mut vectors = Vec::new();
        for (name, definition) in &self.definitions {
            let (subject, shape) = (Subject::Definition(name.clone()), &definition.shape);
            for (class, samples) in [
                (Class::Valid, maker.valid(shape)),
                (Class::Tolerated, maker.tolerated(shape)),
                (Class::Invalid, maker.invalid(shape)),
            ] {
                vectors.extend(samples.into_iter().map(|sample| sample.of(&subject, class)));
            }
        }
        for method in &self.methods {
            vectors.extend(maker.messages(method));
        }
        for kind in MethodKind::ALL {
            let with_params = |method: &&Method| matches!(method.params, Params::Required(_));
            let method = self.of_kind(kind).find(with_params).or_else(|| self.of_kind(kind).next());
            vectors.extend(method.into_iter().flat_map(|method| maker.envelopes(method)));
        }
        vectors
    }
}

/// A value of some shape, not yet of a subject.
#[derive(Clone, Debug)]
struct Sample {
    what: String,
    path: String,
    value: Value,
}

impl Sample {
    fn new(what: impl Into<String>, value: Value) -> Self {
        Self { what: what.into(), path: String::new(), value }
    }

    /// The sample with what it is a sample of.
    fn named(self, name: &str) -> Self {
        Self { what: format!("{name}: {}", self.what), ..self }
    }

    /// The sample as the member of an object that has other members as well.
    fn inside(self, name: &str, mut object: Map<String, Value>) -> Self {
        object.insert(name.to_owned(), self.value);
        let path = match self.path.as_str() {
            "" => name.to_owned(),
            path if path.starts_with('[') => format!("{name}{path}"),
            path => format!("{name}.{path}"),
        };
        Self { what: format!("{name}: {}", self.what), path, value: Value::Object(object) }
    }

    /// The sample as the only item of an array.
    fn in_array(self) -> Self {
        let path = match self.path.as_str() {
            "" => "[0]".to_owned(),
            path if path.starts_with('[') => format!("[0]{path}"),
            path => format!("[0].{path}"),
        };
        Self { what: format!("item: {}", self.what), path, value: Value::Array(vec![self.value]) }
    }

    fn of(self, subject: &Subject, class: Class) -> Vector {
        Vector { subject: subject.clone(), class, what: self.what, path: self.path, value: self.value }
    }
}

/// Makes samples of shapes; each class has its own file.
struct Maker<'m> {
    instances: Instances<'m>,
}

impl<'m> Maker<'m> {
    /// The samples of a shape that stands inside an object, an array or a map, put into place. Only what
    /// no definition covers: references have vectors of their own.
    fn inline_samples(&self, shape: &Shape, make: &dyn Fn(&Self, &Shape) -> Vec<Sample>) -> Vec<Sample> {
        match shape {
            Shape::Array(inner) => {
                self.inline_samples(inner, make).into_iter().map(Sample::in_array).collect()
            }
            Shape::Map(inner) => {
                let place = |sample: Sample| sample.inside("key", Map::new());
                self.inline_samples(inner, make).into_iter().map(place).collect()
            }
            Shape::Nullable(inner) => self.inline_samples(inner, make),
            Shape::Object(_)
            | Shape::StringEnum(_)
            | Shape::IntegerEnum(_)
            | Shape::BoolLiteral(_)
            | Shape::Tagged(_)
            | Shape::External(_)
            | Shape::ByType(_)
            | Shape::ByKeys(_) => make(self, shape),
            Shape::Any
            | Shape::Bool
            | Shape::Integer(_)
            | Shape::Number { .. }
            | Shape::String
            | Shape::Ref(_) => Vec::new(),
        }
    }

    /// The samples of an object's inline members, each in an otherwise minimal object.
    fn samples_of_members(
        &self,
        object: &Object,
        make: &dyn Fn(&Self, &Shape) -> Vec<Sample>,
    ) -> Vec<Sample> {
        let minimal = self.instances.minimal_object(object);
        let fields = object.fields.iter().chain(&object.choice);
        fields
            .flat_map(|field| {
                let is_choice = object.choice.iter().any(|choice| choice.wire == field.wire);
                let mut base = minimal.clone();
                if is_choice {
                    base.retain(|name, _| object.choice.iter().all(|choice| choice.wire != *name));
                }
                self.inline_samples(&field.shape, make)
                    .into_iter()
                    .map(move |sample| sample.inside(&field.wire, base.clone()))
            })
            .collect()
    }

    /// The samples of an arm of a tagged union: those of its object with the tag put in.
    fn tagged_arms(
        &self,
        tagged: &crate::shape::Tagged,
        make: &dyn Fn(&Self, &Object) -> Vec<Sample>,
    ) -> Vec<Sample> {
        tagged
            .arms
            .iter()
            .flat_map(|arm| {
                make(self, &arm.object).into_iter().filter_map(|mut sample| {
                    sample.value.as_object_mut()?.insert(tagged.tag.clone(), arm.value.clone().into());
                    Some(sample.named(&arm.value))
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
