//! Answers of the model as Rust types: their JSON Schema in the strict form that the service wants.

use schemars1::generate::SchemaSettings;
use schemars1::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::turns::TurnResult;

/// An answer that was asked for as a `T`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Structured<T> {
    /// The answer.
    pub value: T,
    /// What came of the turn besides.
    pub result: TurnResult,
}

/// An answer that is not what was asked for.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to read the answer of turn {} as {}: {error}; its text is in `result.final_text`",
    result.turn_id, wanted
)]
#[non_exhaustive]
pub struct OutputMismatch {
    /// What came of the turn, with the text that cannot be read.
    pub result: Box<TurnResult>,
    /// What was asked for.
    pub wanted: &'static str,
    /// What is wrong with it.
    pub error: serde_json::Error,
}

/// A Rust type that the service cannot be asked for, or that a tool cannot take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to make a JSON Schema of {wanted}: {path}: {problem}")]
pub struct SchemaError {
    wanted: &'static str,
    /// Where, as a JSON pointer into the schema.
    path: String,
    problem: &'static str,
}

impl SchemaError {
    pub(crate) fn new(wanted: &'static str, (path, problem): Problem) -> Self {
        Self { wanted, path: if path.is_empty() { "the top".into() } else { path }, problem }
    }
}

/// The JSON Schema of a type in the strict form of structured outputs: every object closed, every member required
/// (an `Option` may be null), nothing the service does not know. What it does not know and does not shape a value, such
/// as the length of a string, is left out; it is for serde or for you to look at.
///
/// The model answers member by member, in the order of the schema. That is the alphabet's, unless your program switches
/// on the feature `preserve_order` of `serde_json`; then it is the order in which the struct is written.
///
/// # Errors
///
/// The type is no struct at the top, or holds what the strict form has no words for: maps, tuples, flattened members.
pub fn output_schema<T: JsonSchema>() -> Result<Value, SchemaError> {
    strict(generate::<T>()).map_err(|problem| SchemaError::new(std::any::type_name::<T>(), problem))
}

/// The JSON Schema of what serde reads as a `T`.
pub(crate) fn generate<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut schema = Schema::into(generator.into_root_schema_for::<T>());
    if let Value::Object(root) = &mut schema {
        follow_newtypes(root);
    }
    schema
}

/// Reads the final text of a turn as a `T`.
#[cfg(feature = "client")]
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    result: TurnResult,
) -> Result<Structured<T>, OutputMismatch> {
    match serde_json::from_str(result.text()) {
        Ok(value) => Ok(Structured { value, result }),
        Err(error) => {
            Err(OutputMismatch { result: Box::new(result), wanted: std::any::type_name::<T>(), error })
        }
    }
}

/// What is wrong, and where.
pub(crate) type Problem = (String, &'static str);

pub(crate) const WANTS_AN_OBJECT: &str = "the service wants an object at the top: put it into a struct";

fn strict(schema: Value) -> Result<Value, Problem> {
    let Value::Object(mut root) = schema else { return Err((String::new(), "any value is allowed")) };
    root.remove("$schema");
    if root.get("type") != Some(&Value::from("object")) {
        return Err((String::new(), WANTS_AN_OBJECT));
    }
    mend(&mut root, "")?;
    Ok(Value::Object(root))
}

/// Puts the struct in a newtype in its place: it is a reference to it, and the service wants an object at the top. Words
/// for people that stand beside the reference win over those of the struct.
fn follow_newtypes(root: &mut Map<String, Value>) {
    // Each step leads to another definition, unless they form a circle.
    let steps = root.get("$defs").and_then(Value::as_object).map_or(0, Map::len);
    for _ in 0..steps {
        if root.contains_key("properties") || root.contains_key("type") {
            return;
        }
        let Some(target) =
            root.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix("#/$defs/"))
        else {
            return;
        };
        let Some(Value::Object(target)) = root["$defs"].get(target).cloned() else { return };
        root.remove("$ref");
        for (keyword, value) in target {
            root.entry(keyword).or_insert(value);
        }
    }
}

/// The keywords that the service knows. Others say something to people, or limit what serde looks at anyway.
const KNOWN: &[&str] = &[
    "$defs",
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
    "type",
];

/// Keywords that shape a value in ways that the service has no words for.
const SHAPES: &[(&str, &str)] = &[
    ("allOf", FLATTENED),
    ("unevaluatedProperties", FLATTENED),
    ("patternProperties", MAPS),
    ("prefixItems", "tuples cannot be asked for; use a struct"),
    ("not", "what a value is not cannot be asked for"),
    ("if", "conditions cannot be asked for"),
];
const FLATTENED: &str = "flattened members cannot be asked for; write them out";
const MAPS: &str = "maps cannot be asked for; use a list of structs";

/// The formats that the service knows; those of numbers are Rust's.
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

fn mend(schema: &mut Map<String, Value>, path: &str) -> Result<(), Problem> {
    let fail = |problem| Err((path.to_owned(), problem));
    if let Some((_, problem)) = SHAPES.iter().find(|(keyword, _)| schema.contains_key(*keyword)) {
        return Err((path.to_owned(), *problem));
    }
    if let Some(arms) = schema.remove("oneOf") {
        schema.insert("anyOf".into(), arms);
    }
    if schema.get("format").is_some_and(|format| !FORMATS.iter().any(|known| format == known)) {
        schema.remove("format");
    }
    schema.retain(|keyword, _| KNOWN.contains(&keyword.as_str()));
    let is_shaped = schema.contains_key("properties") || schema.contains_key("type");
    if is_shaped && schema.contains_key("anyOf") {
        return fail(FLATTENED);
    }
    if let Some(target) = schema.remove("$ref") {
        if is_shaped {
            return fail(
                "a tag beside a struct of its own cannot be asked for; write the members into the variant",
            );
        }
        // The service wants a reference to be alone.
        schema.retain(|keyword, _| keyword == "$defs");
        schema.insert("$ref".into(), target);
    }
    if is_object(schema) {
        close(schema, path)?;
    }
    for keyword in ["properties", "$defs"] {
        if let Some(Value::Object(members)) = schema.get_mut(keyword) {
            for (name, member) in members {
                mend_value(member, &format!("{path}/{keyword}/{name}"))?;
            }
        }
    }
    if let Some(items) = schema.get_mut("items") {
        mend_value(items, &format!("{path}/items"))?;
    }
    if let Some(Value::Array(arms)) = schema.get_mut("anyOf") {
        for (n, arm) in arms.iter_mut().enumerate() {
            mend_value(arm, &format!("{path}/anyOf/{n}"))?;
        }
    }
    Ok(())
}

/// Whether it may be an object; an optional one may be null as well.
fn is_object(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|of| of == "object"),
        Some(of) => of == "object",
        None => false,
    }
}

fn mend_value(schema: &mut Value, path: &str) -> Result<(), Problem> {
    match schema {
        Value::Object(schema) if !schema.is_empty() => mend(schema, path),
        _ => Err((path.to_owned(), "any value is allowed; say which")),
    }
}

/// Nothing but its members, and all of them.
fn close(schema: &mut Map<String, Value>, path: &str) -> Result<(), Problem> {
    let open = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false));
    if open {
        return Err((path.to_owned(), MAPS));
    }
    let members: Vec<Value> = match schema.get("properties") {
        Some(Value::Object(members)) => members.keys().cloned().map(Value::from).collect(),
        _ => Vec::new(),
    };
    schema.entry("properties").or_insert_with(|| Map::new().into());
    schema.insert("required".into(), members.into());
    schema.insert("additionalProperties".into(), false.into());
    Ok(())
}

#[cfg(test)]
mod tests;
