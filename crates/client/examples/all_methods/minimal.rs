//! The smallest params that a method takes, made from the protocol as data.

use codex_appserver_client::wire::shape::{Method, Object, Shape};
use codex_appserver_shapes::definition;
use serde_json::{Map, Value, json};

use crate::live::Live;

/// What a string is that means nothing in particular.
const WORD: &str = "sweep";

/// Makes the params of one method: members that have to be there, and nothing else.
pub struct Minimal<'l> {
    method: &'static Method,
    live: &'l Live,
}

impl<'l> Minimal<'l> {
    pub fn new(method: &'static Method, live: &'l Live) -> Self {
        Self { method, live }
    }

    /// The params; none for a method that has none.
    pub fn params(&self) -> Option<Value> {
        self.method.params.as_ref().map(|shape| match shape {
            // Params that may be left out are not: `{}` asks more of the codecs on both sides.
            Shape::Nullable(inner) => self.value(inner),
            shape => self.value(shape),
        })
    }

    fn value(&self, shape: &Shape) -> Value {
        match shape {
            Shape::Any | Shape::Map(_) => json!({}),
            Shape::Bool => json!(false),
            Shape::Integer | Shape::Double | Shape::Float => json!(1),
            Shape::String => json!(WORD),
            Shape::Enum(values) => values.first().map_or(json!(WORD), |first| json!(first)),
            Shape::IntegerEnum(values) => {
                values.first().and_then(|first| i64::try_from(*first).ok()).map_or(json!(1), Value::from)
            }
            Shape::BoolLiteral(value) => json!(value),
            Shape::Named(name) => definition(name).map_or(Value::Null, |shape| self.value(shape)),
            Shape::Array(_) => json!([]),
            Shape::Nullable(_) => Value::Null,
            Shape::Object(object) => Value::Object(self.object(object)),
            Shape::Tagged { tag, arms } => self.tagged(tag, arms),
            Shape::External { strings: [first, ..], .. } => json!(first),
            Shape::External { objects, .. } => {
                let arm = objects.first().map(|(name, shape)| ((*name).to_owned(), self.value(shape)));
                Value::Object(arm.into_iter().collect())
            }
            Shape::ByType(arms) | Shape::ByKeys(arms) => {
                arms.first().map_or(Value::Null, |first| self.value(first))
            }
        }
    }

    fn object(&self, object: &Object) -> Map<String, Value> {
        let required = object.members.iter().filter(|member| member.required);
        let value =
            |name, shape| self.live.value(self.method.name, name).unwrap_or_else(|| self.value(shape));
        required.map(|member| (member.name.to_owned(), value(member.name, &member.shape))).collect()
    }

    fn tagged(&self, tag: &str, arms: &[(&str, Object)]) -> Value {
        let Some((name, object)) = arms.first() else { return json!({}) };
        let mut members = self.object(object);
        members.insert(tag.to_owned(), json!(name));
        Value::Object(members)
    }
}
