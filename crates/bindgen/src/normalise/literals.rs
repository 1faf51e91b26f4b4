//! Fixed values: enums of strings and of integers, and booleans of which one value is known.

use serde_json::{Map, Value};

use crate::error::{Error, Result, step};
use crate::load::STABILITY;
use crate::shape::{Description, EnumValue, IntFormat, IntegerEnum, IntegerValue, Shape};
use crate::since::Since;

const NOT_A_LIST: &str = "unsupported: not a list of values";

/// The keyword that lists the fixed values of a schema, where it has some.
pub(super) fn keyword(object: &Map<String, Value>) -> Option<&'static str> {
    ["enum", "const"].into_iter().find(|key| object.contains_key(*key))
}

/// A string, with known values where the schema lists them.
pub(super) fn string(object: &Map<String, Value>, at: &str) -> Result<Shape> {
    let Some(literals) = Literals::of(object, at)? else { return Ok(Shape::String) };
    let values = literals.each("string", |value| Some(value.as_str()?.to_owned()))?;
    let values = values.into_iter().map(|(wire, experimental)| EnumValue {
        wire,
        experimental,
        description: Description::default(),
        since: Since::default(),
    });
    Ok(Shape::StringEnum(values.collect()))
}

/// An integer, with known values where the schema lists them.
pub(super) fn integer(object: &Map<String, Value>, at: &str, format: IntFormat) -> Result<Shape> {
    let Some(literals) = Literals::of(object, at)? else { return Ok(Shape::Integer(format)) };
    let (least, most) = format.range();
    let in_range = |value: &Value| whole(value).filter(|number| (least..=most).contains(number));
    let mut values: Vec<IntegerValue> = Vec::new();
    for (wire, experimental) in literals.each("integer of its format", in_range)? {
        if values.iter().all(|value| value.wire != wire) {
            values.push(IntegerValue { wire, experimental, since: Since::default() });
        }
    }
    Ok(Shape::IntegerEnum(IntegerEnum { format, values }))
}

/// A boolean, of which the schema may allow one value alone.
pub(super) fn boolean(object: &Map<String, Value>, at: &str) -> Result<Shape> {
    let Some(literals) = Literals::of(object, at)? else { return Ok(Shape::Bool) };
    let values = literals.each("boolean", Value::as_bool)?;
    Ok(match values.split_first() {
        Some(((first, _), rest)) if rest.iter().all(|(value, _)| value == first) => {
            Shape::BoolLiteral(*first)
        }
        _ => Shape::Bool,
    })
}

/// Fixed values without a `type`: the first one tells it.
pub(super) fn untyped(object: &Map<String, Value>, at: &str) -> Result<Shape> {
    let first = object.get("enum").and_then(Value::as_array).and_then(|values| values.first());
    match first.or_else(|| object.get("const")) {
        Some(Value::Number(_)) => integer(object, at, super::integer(object, at)?),
        Some(Value::Bool(_)) => boolean(object, at),
        _ => string(object, at),
    }
}

/// The integer that a number stands for; JSON Schema takes `1.0` for one as well.
fn whole(value: &Value) -> Option<i128> {
    /// Beyond this a double no longer tells neighbours apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let exact = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    exact.or_else(|| {
        value
            .as_f64()
            .filter(|number| number.fract() == 0.0 && number.abs() <= EXACT)
            .map(|number| number as i128)
    })
}

/// The fixed values of a schema.
struct Literals<'s> {
    values: &'s [Value],
    gated: &'s [Value],
    all_gated: bool,
    at: String,
}

impl<'s> Literals<'s> {
    /// None where the schema has no fixed values.
    fn of(object: &'s Map<String, Value>, at: &str) -> Result<Option<Self>> {
        let (values, at) = match (object.get("enum"), object.get("const")) {
            (Some(Value::Array(values)), None) if !values.is_empty() => (values.as_slice(), step(at, "enum")),
            (None, Some(value)) => (std::slice::from_ref(value), step(at, "const")),
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(Error::schema(step(at, "const"), "unsupported: `const` beside `enum`"));
            }
            _ => return Err(Error::schema(step(at, "enum"), NOT_A_LIST)),
        };
        let gated = object.get("x-experimental-values").and_then(Value::as_array);
        let all_gated = object.contains_key(STABILITY);
        Ok(Some(Self { values, gated: gated.map_or(&[], Vec::as_slice), all_gated, at }))
    }

    /// Each value read, and whether only the experimental bundle has it.
    fn each<T>(&self, kind: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<(T, bool)>> {
        let values = self.values.iter().enumerate().map(|(index, value)| match read(value) {
            Some(read) => Ok((read, self.all_gated || self.gated.contains(value))),
            None => Err(Error::schema(
                if self.at.ends_with("/const") { self.at.clone() } else { step(&self.at, index) },
                format!("unsupported: a fixed value that is no {kind}"),
            )),
        });
        values.collect()
    }
}
