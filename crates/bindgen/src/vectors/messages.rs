//! Whole messages: a method, its params and its envelope; and the answers to requests.

use serde_json::{Map, Value, json};

use super::{Class, Maker, Sample, Subject, Vector};
use crate::model::{Method, MethodKind, Params};
use crate::shape::Shape;

impl Maker<'_> {
    /// The vectors of a method: its params in their place, and the answer. What can be wrong in the
    /// params has been said of their definition.
    pub(super) fn messages(&self, method: &Method) -> Vec<Vector> {
        let subject = Subject::Message(method.kind, method.name.clone());
        let mut vectors: Vec<Vector> = Vec::new();
        let mut add = |class, sample: Sample| vectors.push(sample.of(&subject, class));
        let bare = envelope(method);
        let params = method.params.definition().map(|name| Shape::Ref(name.to_owned()));
        let (minimal, maximal) = match &params {
            Some(params) => (
                with(&bare, "params", self.instances.minimal(params)),
                with(&bare, "params", self.instances.maximal(self.instances.resolve(params))),
            ),
            None => (bare.clone(), bare.clone()),
        };
        if minimal != maximal {
            add(Class::Valid, Sample::new("maximal", maximal.into()));
        }
        add(Class::Valid, Sample::new("minimal", minimal.into()));
        match &method.params {
            Params::Required(_) if params.as_ref().is_some_and(|params| !self.is_empty(params)) => {
                add(Class::Invalid, Sample::new("without params", bare.into()));
            }
            // Absent, `null` and `{}` are all the same to a method whose params have no members.
            _ => {
                add(Class::Tolerated, Sample::new("params null", with(&bare, "params", Value::Null).into()));
                add(Class::Tolerated, Sample::new("without params", bare.into()));
            }
        }
        vectors.extend(self.response(method));
        vectors
    }

    /// What can be wrong, or newer, in the envelope of a kind of message, whatever its method.
    pub(super) fn envelopes(&self, method: &Method) -> Vec<Vector> {
        let subject = Subject::Message(method.kind, method.name.clone());
        let mut whole = envelope(method);
        if let Some(params) = method.params.definition() {
            whole = with(&whole, "params", self.instances.minimal(&Shape::Ref(params.to_owned())));
        }
        let newer = Sample::new("unknown member", with(&whole, "unheardOf", json!([1])).into());
        let mut vectors = vec![newer.of(&subject, Class::Tolerated)];
        let beside = match method.kind {
            MethodKind::ClientRequest => Some(("trace", json!({"traceparent": "00-1", "tracestate": "a=1"}))),
            MethodKind::ServerNotification => Some(("emittedAtMs", json!(i64::MAX))),
            _ => None,
        };
        vectors.extend(beside.map(|(name, value)| {
            Sample::new(format!("with {name}"), with(&whole, name, value).into()).of(&subject, Class::Valid)
        }));
        let without = |name: &str| {
            let mut without = whole.clone();
            without.remove(name);
            Sample::new(format!("without {name}"), without.into())
        };
        let wrong = |name: &str| Sample::new("wrong type", json!([5])).inside(name, whole.clone());
        let mut invalid = vec![Sample::new("wrong type", json!([5])), without("method")];
        invalid.extend(method.params.definition().map(|_| wrong("params")));
        if method.kind.is_request() {
            let above =
                Sample::new("above its range", json!(i64::MAX as u64 + 1)).inside("id", whole.clone());
            invalid.extend([without("id"), wrong("id"), above]);
        }
        vectors.extend(invalid.into_iter().map(|sample| sample.of(&subject, Class::Invalid)));
        vectors
    }

    fn is_empty(&self, params: &Shape) -> bool {
        match self.instances.resolve(params) {
            Shape::Object(object) => {
                object.fields.is_empty() && object.choice.is_empty() && !object.additional
            }
            _ => false,
        }
    }

    /// The answer's own definition has vectors; here it is the method that has to lead to it.
    fn response(&self, method: &Method) -> Option<Vector> {
        let shape = Shape::Ref(method.response.clone()?);
        let value = self.instances.maximal(self.instances.resolve(&shape));
        let subject = Subject::Response(method.kind, method.name.clone());
        Some(Sample::new("maximal", value).of(&subject, Class::Valid))
    }
}

/// What every message of the method has.
fn envelope(method: &Method) -> Map<String, Value> {
    let mut envelope = Map::from_iter([("method".to_owned(), Value::from(method.name.clone()))]);
    if method.kind.is_request() {
        envelope.insert("id".into(), json!(7));
    }
    envelope
}

fn with(object: &Map<String, Value>, name: &str, value: Value) -> Map<String, Value> {
    let mut object = object.clone();
    object.insert(name.to_owned(), value);
    object
}
