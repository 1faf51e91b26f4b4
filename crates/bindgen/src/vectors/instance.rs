//! The smallest and the fullest value of a shape.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::tolerated::UNHEARD_OF;
use crate::model::is_envelope;
use crate::shape::{Definition, IntFormat, IntegerEnum, Object, Shape};

/// Values of the shapes of one protocol.
pub(super) struct Instances<'m> {
    definitions: &'m BTreeMap<String, Definition>,
}

impl<'m> Instances<'m> {
    pub(super) fn new(definitions: &'m BTreeMap<String, Definition>) -> Self {
        Self { definitions }
    }

    /// The shape behind references.
    pub(super) fn resolve<'s>(&self, shape: &'s Shape) -> &'s Shape
    where
        'm: 's,
    {
        match shape {
            Shape::Ref(name) => match self.definitions.get(name) {
                Some(definition) => self.resolve(&definition.shape),
                None => shape,
            },
            other => other,
        }
    }

    /// The value with nothing in it that could be left out.
    pub(super) fn minimal(&self, shape: &Shape) -> Value {
        self.minimal_below(shape, &mut Vec::new()).unwrap_or_default()
    }

    /// An object with its required members alone.
    pub(super) fn minimal_object(&self, object: &Object) -> Map<String, Value> {
        self.minimal_members(object, &mut Vec::new()).unwrap_or_default()
    }

    /// `open` holds the definitions being made: one that requires itself has another arm to offer.
    fn minimal_below(&self, shape: &Shape, open: &mut Vec<String>) -> Option<Value> {
        Some(match shape {
            Shape::Any => json!({"any": [1, "x", null]}),
            Shape::Bool => json!(false),
            Shape::Integer(format) => lowest(*format),
            Shape::Number { .. } => json!(0.5),
            Shape::String => json!("a"),
            Shape::StringEnum(values) => values.first()?.wire.clone().into(),
            Shape::IntegerEnum(IntegerEnum { values, .. }) => number(values.first()?.wire),
            Shape::BoolLiteral(value) => json!(value),
            Shape::Array(_) => json!([]),
            Shape::Map(_) => json!({}),
            Shape::Nullable(_) => Value::Null,
            Shape::Ref(name) if is_envelope(name) => json!(1),
            Shape::Ref(name) => {
                if open.contains(name) {
                    return None;
                }
                open.push(name.clone());
                let value = self.minimal_below(&self.definitions.get(name)?.shape, open);
                open.pop();
                value?
            }
            Shape::Object(object) => Value::Object(self.minimal_members(object, open)?),
            Shape::Tagged(tagged) => tagged.arms.iter().find_map(|arm| {
                let mut members = self.minimal_members(&arm.object, open)?;
                members.insert(tagged.tag.clone(), arm.value.clone().into());
                Some(Value::Object(members))
            })?,
            Shape::External(arms) => arms.iter().find_map(|arm| match &arm.payload {
                None => Some(arm.value.clone().into()),
                Some(payload) => {
                    let payload = self.minimal_below(payload, open)?;
                    Some(Value::Object(Map::from_iter([(arm.value.clone(), payload)])))
                }
            })?,
            Shape::ByType(arms) => arms.iter().find_map(|arm| self.minimal_below(arm, open))?,
            Shape::ByKeys(arms) => arms.iter().find_map(|arm| self.minimal_below(&arm.shape, open))?,
        })
    }

    fn minimal_members(&self, object: &Object, open: &mut Vec<String>) -> Option<Map<String, Value>> {
        let required = object.fields.iter().filter(|field| field.required);
        required
            .chain(object.choice.first())
            .map(|field| Some((field.wire.clone(), self.minimal_below(&field.shape, open)?)))
            .collect()
    }

    /// The value with everything in it, one of each; definitions inside it are minimal.
    pub(super) fn maximal(&self, shape: &Shape) -> Value {
        match shape {
            Shape::Bool => json!(true),
            Shape::Integer(format) => highest(*format),
            Shape::Number { .. } => json!(-1024.25),
            Shape::String => json!("ä \"b\"\\\n\u{1F600}\u{0}"),
            Shape::IntegerEnum(IntegerEnum { values, .. }) => {
                values.last().map_or(Value::Null, |value| number(value.wire))
            }
            Shape::BoolLiteral(value) => json!(value),
            Shape::StringEnum(values) => values.last().map_or(Value::Null, |value| value.wire.clone().into()),
            Shape::Array(inner) => Value::Array(vec![self.maximal(inner)]),
            Shape::Map(inner) => Value::Object(Map::from_iter([("key".to_owned(), self.maximal(inner))])),
            Shape::Nullable(inner) => self.maximal(inner),
            Shape::Object(object) => Value::Object(self.maximal_object(object)),
            Shape::Any
            | Shape::Ref(_)
            | Shape::Tagged(_)
            | Shape::External(_)
            | Shape::ByType(_)
            | Shape::ByKeys(_) => self.minimal(shape),
        }
    }

    /// An object with all its members, of a choice the first.
    pub(super) fn maximal_object(&self, object: &Object) -> Map<String, Value> {
        let fields = object.fields.iter().chain(object.choice.first());
        let mut members: Map<String, Value> =
            fields.map(|field| (field.wire.clone(), self.maximal(&field.shape))).collect();
        if object.additional {
            members.insert("additional".into(), json!({"kept": [1, null]}));
        }
        members
    }

    /// A value that no value of the shape is like; none where everything goes.
    pub(super) fn wrong_type(&self, shape: &Shape) -> Option<Value> {
        match self.resolve(shape) {
            Shape::Any | Shape::Ref(_) => None,
            Shape::Bool
            | Shape::BoolLiteral(_)
            | Shape::Integer(_)
            | Shape::IntegerEnum(_)
            | Shape::Number { .. } => Some(json!("wrong")),
            Shape::String | Shape::StringEnum(_) | Shape::Array(_) | Shape::Map(_) => Some(json!(5)),
            Shape::Object(_) | Shape::Tagged(_) | Shape::External(_) | Shape::ByKeys(_) => Some(json!([5])),
            Shape::Nullable(inner) => self.wrong_type(inner),
            Shape::ByType(arms) => {
                let arms: Vec<Value> = arms.iter().map(|arm| self.maximal(self.resolve(arm))).collect();
                let is_free = |value: &Value| arms.iter().all(|arm| kind(arm) != kind(value));
                [json!(5), json!("wrong"), json!([5]), json!(true)].into_iter().find(is_free)
            }
        }
    }

    /// A value of the right type that is none of the known ones; none where every value is known or none.
    pub(super) fn unknown(&self, shape: &Shape) -> Option<Value> {
        match self.resolve(shape) {
            Shape::Nullable(inner) => self.unknown(inner),
            Shape::StringEnum(_) => Some(UNHEARD_OF.into()),
            Shape::IntegerEnum(IntegerEnum { format, values }) => {
                let (least, most) = format.range();
                let is_new = |number: &i128| values.iter().all(|value| value.wire != *number);
                (0..=most).chain(least..0).find(is_new).map(number)
            }
            Shape::BoolLiteral(value) => Some(json!(!value)),
            _ => None,
        }
    }

    /// Whether `null` is no value of the shape.
    pub(super) fn refuses_null(&self, shape: &Shape) -> bool {
        !matches!(self.resolve(shape), Shape::Any | Shape::Nullable(_) | Shape::Ref(_))
    }
}

/// An integer of one of the formats.
pub(crate) fn number(value: i128) -> Value {
    i64::try_from(value).map_or_else(|_| (value as u64).into(), Value::from)
}

/// The JSON type of a value, integers and other numbers being one.
fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// The least value of an integer format.
pub(super) fn lowest(format: IntFormat) -> Value {
    match format {
        IntFormat::I8 => i8::MIN.into(),
        IntFormat::I16 => i16::MIN.into(),
        IntFormat::I32 => i32::MIN.into(),
        IntFormat::I64 => i64::MIN.into(),
        IntFormat::U8 | IntFormat::U16 | IntFormat::U32 | IntFormat::U64 => 0.into(),
    }
}

/// The greatest value of an integer format.
pub(super) fn highest(format: IntFormat) -> Value {
    match format {
        IntFormat::I8 => i8::MAX.into(),
        IntFormat::I16 => i16::MAX.into(),
        IntFormat::I32 => i32::MAX.into(),
        IntFormat::I64 => i64::MAX.into(),
        IntFormat::U8 => u8::MAX.into(),
        IntFormat::U16 => u16::MAX.into(),
        IntFormat::U32 => u32::MAX.into(),
        IntFormat::U64 => u64::MAX.into(),
    }
}

/// Integers just outside a format, where JSON text can say them exactly; else far outside.
pub(super) fn outside(format: IntFormat) -> [Value; 2] {
    let below = match format {
        IntFormat::I64 => json!(-1e19),
        IntFormat::U8 | IntFormat::U16 | IntFormat::U32 | IntFormat::U64 => json!(-1),
        narrow => (lowest(narrow).as_i64().unwrap_or_default() - 1).into(),
    };
    let above = match format {
        IntFormat::U64 => json!(1e20),
        IntFormat::I64 => json!(i64::MAX as u64 + 1),
        narrow => (highest(narrow).as_i64().unwrap_or_default() + 1).into(),
    };
    [below, above]
}
