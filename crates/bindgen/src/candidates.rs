//! Which definitions a value fits: to find the type of an answer that the schema does not name.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::Result;
use crate::load::Schema;
use crate::model::is_envelope;
use crate::normalise;
use crate::shape::{Definition, Field, Object, Shape};

/// Values nested deeper than this count as fitting.
const DEPTH: usize = 32;

/// A definition that a value fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The name of the definition.
    pub name: String,
    /// Members of the value that the definition has.
    pub known: usize,
    /// Members of the value that the definition lacks.
    pub unknown: usize,
    /// Members of the definition that the value lacks. None of them is required.
    pub absent: usize,
}

/// The definitions that an object fits, the best first: those that know most of its members, then those that have the
/// fewest others. A definition fits if each member that it requires is there and each that it knows has its JSON type.
///
/// # Errors
///
/// A schema that is not understood.
pub fn candidates(schema: &Schema, value: &Value) -> Result<Vec<Candidate>> {
    let definitions = normalise::definitions(schema)?;
    let Value::Object(members) = value else { return Ok(Vec::new()) };
    let fit = |definition: &Definition| {
        let Shape::Object(object) = &definition.shape else { return None };
        let fields = || object.fields.iter().chain(&object.choice);
        let known = members.keys().filter(|name| fields().any(|field| field.wire == **name)).count();
        let absent = fields().filter(|field| !members.contains_key(&field.wire)).count();
        let unknown = members.len() - known;
        let fits = object_fits(&definitions, object, value, DEPTH) && (known > 0 || members.is_empty());
        fits.then(|| Candidate { name: definition.name.clone(), known, unknown, absent })
    };
    let mut found: Vec<Candidate> =
        definitions.values().filter(|definition| !is_envelope(&definition.name)).filter_map(fit).collect();
    let is_response = |name: &str| name.ends_with("Response");
    found.sort_by_key(|candidate| {
        (candidate.unknown, candidate.absent, Reverse(is_response(&candidate.name)), candidate.name.clone())
    });
    Ok(found)
}

type Definitions = BTreeMap<String, Definition>;

fn fits(definitions: &Definitions, shape: &Shape, value: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return true };
    let within = |shape: &Shape| fits(definitions, shape, value, depth);
    match shape {
        Shape::Ref(name) => definitions.get(name).is_none_or(|definition| within(&definition.shape)),
        Shape::Nullable(inner) => value.is_null() || within(inner),
        Shape::Any => true,
        Shape::Bool | Shape::BoolLiteral(_) => value.is_boolean(),
        Shape::Integer(_) | Shape::IntegerEnum(_) => value.is_i64() || value.is_u64(),
        Shape::Number { .. } => value.is_number(),
        Shape::String | Shape::StringEnum(_) => value.is_string(),
        Shape::Array(item) => value
            .as_array()
            .is_some_and(|list| list.iter().all(|value| fits(definitions, item, value, depth))),
        Shape::Map(item) => value
            .as_object()
            .is_some_and(|map| map.values().all(|value| fits(definitions, item, value, depth))),
        Shape::Object(object) => object_fits(definitions, object, value, depth),
        Shape::Tagged(tagged) => value.get(&tagged.tag).is_some_and(Value::is_string),
        Shape::External(_) => value.is_string() || value.as_object().is_some_and(|map| map.len() == 1),
        Shape::ByType(arms) => arms.iter().any(within),
        Shape::ByKeys(arms) => arms.iter().any(|arm| within(&arm.shape)),
    }
}

fn object_fits(definitions: &Definitions, object: &Object, value: &Value, depth: usize) -> bool {
    let Value::Object(members) = value else { return false };
    let field_fits = |field: &Field| match members.get(&field.wire) {
        Some(Value::Null) if !field.required => true,
        Some(value) => fits(definitions, &field.shape, value, depth),
        None => !field.required,
    };
    let one_of =
        object.choice.is_empty() || object.choice.iter().any(|field| members.contains_key(&field.wire));
    one_of && object.fields.iter().all(field_fits)
}
