//! Answers of the model as Rust types: their JSON Schema in the strict form that the service wants.

use schemars1::generate::SchemaSettings;
use schemars1::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::result::TurnResult;

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

/// A Rust type that the service cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to make an output schema of {wanted}: {path}: {problem}")]
pub struct SchemaError {
    wanted: &'static str,
    /// Where, as a JSON pointer into the schema.
    path: String,
    problem: &'static str,
}

/// The JSON Schema of a type in the strict form of structured outputs: every object closed, every member required
/// (an `Option` may be null), nothing the service does not know.
///
/// # Errors
///
/// The type is no struct at the top, or holds what the strict form has no words for: maps, tuples, flattened members.
pub fn output_schema<T: JsonSchema>() -> Result<Value, SchemaError> {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let schema: Value = Schema::into(generator.into_root_schema_for::<T>());
    strict(schema).map_err(|(path, problem)| SchemaError {
        wanted: std::any::type_name::<T>(),
        path: if path.is_empty() { "the top".into() } else { path },
        problem,
    })
}

/// Reads the final text of a turn as a `T`.
#[cfg(feature = "client")]
pub(crate) fn read<T: DeserializeOwned>(result: TurnResult) -> Result<Structured<T>, OutputMismatch> {
    match serde_json::from_str(result.text()) {
        Ok(value) => Ok(Structured { value, result }),
        Err(error) => {
            Err(OutputMismatch { result: Box::new(result), wanted: std::any::type_name::<T>(), error })
        }
    }
}

/// What is wrong, and where.
type Problem = (String, &'static str);

fn strict(schema: Value) -> Result<Value, Problem> {
    let Value::Object(mut root) = schema else { return Err((String::new(), "any value is allowed")) };
    root.remove("$schema");
    if root.get("type") != Some(&Value::from("object")) {
        return Err((String::new(), "the service wants an object at the top: put it into a struct"));
    }
    mend(&mut root, "")?;
    Ok(Value::Object(root))
}

/// Keywords that say something to people or to Rust, but nothing that the service enforces.
const DROPPED: &[&str] = &["title", "default", "examples", "writeOnly", "readOnly", "deprecated"];

/// The formats that the service knows; those of numbers are Rust's.
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

fn mend(schema: &mut Map<String, Value>, path: &str) -> Result<(), Problem> {
    let fail = |problem| Err((path.to_owned(), problem));
    for keyword in DROPPED {
        schema.remove(*keyword);
    }
    if schema.get("format").is_some_and(|format| !FORMATS.iter().any(|known| format == known)) {
        schema.remove("format");
    }
    if let Some(arms) = schema.remove("oneOf") {
        schema.insert("anyOf".into(), arms);
    }
    if schema.contains_key("allOf") || schema.contains_key("unevaluatedProperties") {
        return fail("flattened members cannot be asked for; write them out");
    }
    if schema.contains_key("prefixItems") {
        return fail("tuples cannot be asked for; use a struct");
    }
    if let Some(target) = schema.remove("$ref") {
        // The service wants a reference to be alone.
        schema.clear();
        schema.insert("$ref".into(), target);
        return Ok(());
    }
    if schema.get("type") == Some(&Value::from("object")) {
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

fn mend_value(schema: &mut Value, path: &str) -> Result<(), Problem> {
    match schema {
        Value::Object(schema) if !schema.is_empty() => mend(schema, path),
        _ => Err((path.to_owned(), "any value is allowed; say which")),
    }
}

/// Nothing but its members, and all of them.
fn close(schema: &mut Map<String, Value>, path: &str) -> Result<(), Problem> {
    let open = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false));
    if open || schema.contains_key("patternProperties") {
        return Err((path.to_owned(), "maps cannot be asked for; use a list of structs"));
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
