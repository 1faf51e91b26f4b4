//! From JSON Schema to canonical shapes: one way to say each thing, whatever way the schema says it.
//!
//! Everything that the schema may contain is either understood here or refused with its place.

mod literals;
mod marks;
mod object;
mod union;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::{Error, Result, step};
use crate::load::{METHOD_UNIONS, STABILITY, Schema, is_composite, pointer, ref_name};
use crate::shape::{Definition, Description, IntFormat, Shape};
use crate::since::Since;

/// Keywords that carry a shape or a fact.
const KEYWORDS: [&str; 31] = [
    "$comment",
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "deprecated",
    "description",
    "enum",
    "examples",
    "format",
    "items",
    "maxItems",
    "maximum",
    "maxLength",
    "minItems",
    "minLength",
    "minimum",
    "oneOf",
    "pattern",
    "properties",
    "readOnly",
    "required",
    "type",
    "uniqueItems",
    "writeOnly",
    "x-description",
    "x-experimental-values",
    "x-stability",
    "title",
];

const NO_OBJECT_OF_PARTS: &str = "unsupported: parts that do not make one object; each has to be an object with members of its own, and one of them at most a union";

/// Reads every definition but the four unions over methods, which the model reads.
pub fn definitions(schema: &Schema) -> Result<BTreeMap<String, Definition>> {
    let reader = Reader { raw: &schema.definitions };
    schema
        .definitions
        .iter()
        .filter(|(name, _)| !METHOD_UNIONS.contains(&name.as_str()))
        .map(|(name, value)| {
            let shape = reader.definition(value, &pointer(name))?;
            let deprecated = flag(value, "deprecated");
            let (description, since) = (Description::of(value), Since::default());
            Ok((name.clone(), Definition { name: name.clone(), shape, deprecated, description, since }))
        })
        .collect()
}

/// Reads the shape of one schema outside the definitions, such as a method's params.
pub(crate) fn inline(schema: &Schema, value: &Value, at: &str) -> Result<Shape> {
    Reader { raw: &schema.definitions }.shape(value, at)
}

struct Reader<'s> {
    raw: &'s BTreeMap<String, Value>,
}

pub(crate) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

pub(crate) fn is_experimental(value: &Value) -> bool {
    value.get(STABILITY).is_some()
}

impl<'s> Reader<'s> {
    /// A bare `type: object` is an object without members as a definition, any object elsewhere.
    fn definition(&self, value: &'s Value, at: &str) -> Result<Shape> {
        match self.shape(value, at)? {
            Shape::Map(_)
                if value.get("additionalProperties").is_none_or(|rest| rest == &Value::Bool(false)) =>
            {
                Ok(Shape::Object(crate::shape::Object::default()))
            }
            shape => Ok(shape),
        }
    }

    fn shape(&self, value: &'s Value, at: &str) -> Result<Shape> {
        let object = match value {
            Value::Bool(true) => return Ok(Shape::Any),
            Value::Object(object) => object,
            Value::Bool(false) => {
                return Err(Error::schema(at, "unsupported: `false`, a schema that no value fits"));
            }
            _ => return Err(Error::schema(at, "unsupported schema; expected an object or `true`")),
        };
        check_keywords(object, at)?;
        check_parts(object, at)?;
        if let Some(name) = ref_name(value) {
            return Ok(Shape::Ref(name.to_owned()));
        }
        if let Some(parts) = object.get("allOf") {
            return match parts.as_array().map(Vec::as_slice) {
                Some([only]) => self.shape(only, &step(&step(at, "allOf"), 0)),
                _ => Err(Error::schema(step(at, "allOf"), "unsupported: not a list of one schema")),
            };
        }
        if object.contains_key("oneOf") || object.contains_key("anyOf") {
            return self.union(object, at);
        }
        match object.get("type") {
            None if object.contains_key("properties") => self.object_shape(object, at),
            None if literals::keyword(object).is_some() => literals::untyped(object, at),
            None => Ok(Shape::Any),
            Some(Value::String(name)) => self.typed(name, object, at),
            Some(Value::Array(names)) => match names.iter().filter_map(Value::as_str).collect::<Vec<_>>()[..]
            {
                [name, "null"] | ["null", name] => {
                    Ok(Shape::Nullable(Box::new(self.typed(name, object, at)?)))
                }
                _ => Err(Error::schema(
                    step(at, "type"),
                    "unsupported: several types, of which none is `null`",
                )),
            },
            Some(_) => Err(Error::schema(step(at, "type"), "unsupported: not a type name")),
        }
    }

    fn typed(&self, name: &str, object: &'s Map<String, Value>, at: &str) -> Result<Shape> {
        match name {
            "boolean" => literals::boolean(object, at),
            "integer" => literals::integer(object, at, integer(object, at)?),
            "number" | "array" | "object" if literals::keyword(object).is_some() => Err(Error::schema(
                step(at, literals::keyword(object).unwrap_or_default()),
                format!(
                    "unsupported: fixed values of the type {name}; they can be strings, integers or booleans"
                ),
            )),
            "number" => match object.get("format").and_then(Value::as_str) {
                Some("float") => Ok(Shape::Number { wide: false }),
                Some("double") | None => Ok(Shape::Number { wide: true }),
                Some(other) => Err(unsupported_format(other, at)),
            },
            "string" => literals::string(object, at),
            "array" => {
                let item = match object.get("items") {
                    Some(item) => self.shape(item, &step(at, "items"))?,
                    None => Shape::Any,
                };
                Ok(Shape::Array(Box::new(item)))
            }
            "object" => self.object_shape(object, at),
            other => Err(Error::schema(step(at, "type"), format!("unsupported type `{other}`"))),
        }
    }
}

/// Refuses parts that do not make one object; the others have been put together already.
fn check_parts(object: &Map<String, Value>, at: &str) -> Result<()> {
    match ["$ref", "allOf"].into_iter().find(|key| object.contains_key(*key)) {
        Some(key) if is_composite(object) => Err(Error::schema(step(at, key), NO_OBJECT_OF_PARTS)),
        _ => Ok(()),
    }
}

/// Refuses a keyword that is not understood, lest its meaning be lost.
fn check_keywords(object: &Map<String, Value>, at: &str) -> Result<()> {
    match object.keys().find(|key| !KEYWORDS.contains(&key.as_str())) {
        Some(unknown) => {
            let why = match unknown.as_str() {
                "prefixItems" => "; a tuple has no shape here, use an object or a list",
                "patternProperties" => "; only one pattern beside `additionalProperties: false` is free keys",
                _ => "",
            };
            Err(Error::schema(step(at, unknown), format!("unsupported keyword `{unknown}`{why}")))
        }
        None => Ok(()),
    }
}

fn integer(object: &Map<String, Value>, at: &str) -> Result<IntFormat> {
    let format = match object.get("format").and_then(Value::as_str) {
        Some("int8") => IntFormat::I8,
        Some("int16") => IntFormat::I16,
        Some("int32") => IntFormat::I32,
        Some("int64" | "int") | None => IntFormat::I64,
        Some("uint8") => IntFormat::U8,
        Some("uint16") => IntFormat::U16,
        Some("uint32") => IntFormat::U32,
        // The server's `usize`, 64 bits wide on every platform it ships for.
        Some("uint64" | "uint") => IntFormat::U64,
        Some(other) => return Err(unsupported_format(other, at)),
    };
    Ok(format)
}

fn unsupported_format(format: &str, at: &str) -> Error {
    Error::schema(step(at, "format"), format!("unsupported format `{format}`"))
}
