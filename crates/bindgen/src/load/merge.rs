//! Merges the stable and the experimental bundle: what only the latter has is marked.
//!
//! The experimental bundle is the stable one with more in it. Where it is not, that is an error with
//! the place, because nothing downstream could say what the difference means.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{DESCRIPTION, STABILITY, pointer};
use crate::error::{Error, Result, step};

/// Every definition of the experimental bundle, with its additions to the stable one marked.
pub(super) fn definitions(
    stable: &BTreeMap<String, Value>,
    experimental: BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Value>> {
    if let Some(name) = stable.keys().find(|name| !experimental.contains_key(*name)) {
        return Err(Error::schema(
            pointer(name),
            "only the stable bundle has this definition; are the two of one codex version?",
        ));
    }
    experimental
        .into_iter()
        .map(|(name, new)| {
            let merged = match stable.get(&name) {
                Some(old) => schema(old, &new, &pointer(&name))?,
                None => mark(new),
            };
            Ok((name, merged))
        })
        .collect()
}

fn schema(old: &Value, new: &Value, at: &str) -> Result<Value> {
    if old == new {
        return Ok(new.clone());
    }
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return Err(not_additive(at));
    };
    if let Some(key) = old.keys().find(|key| !new.contains_key(*key) && !is_prose(key)) {
        return Err(not_additive(&step(at, key)));
    }
    let mut merged = Map::new();
    for (key, new_value) in new {
        let here = step(at, key);
        let value = match (key.as_str(), old.get(key), new_value) {
            (_, Some(old_value), new_value) if old_value == new_value => new_value.clone(),
            (key, _, new_value) if is_prose(key) => new_value.clone(),
            ("properties", old_members, Value::Object(members)) => {
                let none = Map::new();
                let old_members = old_members.and_then(Value::as_object).unwrap_or(&none);
                properties(old_members, members, &here)?
            }
            ("oneOf" | "anyOf", Some(Value::Array(old_arms)), Value::Array(arms)) => {
                arms_of(old_arms, arms, &here)?
            }
            ("enum", Some(Value::Array(old_values)), Value::Array(values)) => {
                let added: Vec<Value> =
                    values.iter().filter(|value| !old_values.contains(value)).cloned().collect();
                if old_values.iter().any(|value| !values.contains(value)) {
                    return Err(not_additive(&here));
                }
                merged.insert("x-experimental-values".into(), Value::Array(added));
                new_value.clone()
            }
            ("required", _, Value::Array(names)) => return Err(required_grew(old, names, at)),
            ("items" | "additionalProperties", Some(old_value), new_value) => {
                schema(old_value, new_value, &here)?
            }
            _ => return Err(not_additive(&here)),
        };
        merged.insert(key.clone(), value);
    }
    Ok(Value::Object(merged))
}

/// The two bundles may put it differently.
fn is_prose(key: &str) -> bool {
    ["description", DESCRIPTION].contains(&key)
}

fn properties(old: &Map<String, Value>, new: &Map<String, Value>, at: &str) -> Result<Value> {
    if let Some(name) = old.keys().find(|name| !new.contains_key(*name)) {
        return Err(not_additive(&step(at, name)));
    }
    let members = new.iter().map(|(name, member)| {
        let member = match old.get(name) {
            Some(old) => schema(old, member, &step(at, name))?,
            None => mark(member.clone()),
        };
        Ok((name.clone(), member))
    });
    Ok(Value::Object(members.collect::<Result<_>>()?))
}

/// Arms are matched by what tells them apart: equal ones first, then those with the same literals.
fn arms_of(old: &[Value], new: &[Value], at: &str) -> Result<Value> {
    let twin = |arm: &Value, arms: &[Value]| {
        let marks = marks(arm);
        // Values may join a list of strings; a tag may not change.
        let same = |other: &Value| match arm.get("enum").and(other.get("enum")) {
            Some(_) => marks.iter().any(|mark| self::marks(other).contains(mark)),
            None => !marks.is_empty() && marks == self::marks(other),
        };
        arms.iter().position(|other| other == arm).or_else(|| arms.iter().position(same))
    };
    if let Some(lost) = old.iter().position(|arm| twin(arm, new).is_none()) {
        return Err(Error::schema(
            at,
            format!("arm {lost} of the stable bundle has no counterpart in the experimental one"),
        ));
    }
    let arms = new.iter().enumerate().map(|(index, arm)| match twin(arm, old) {
        Some(old_index) => schema(&old[old_index], arm, &step(at, index)),
        None => Ok(mark(arm.clone())),
    });
    Ok(Value::Array(arms.collect::<Result<_>>()?))
}

/// What tells an arm from its siblings: its tag or its method, else each of its strings, else the name of
/// its only member.
fn marks(arm: &Value) -> Vec<(&str, &Value)> {
    if let Some(values) = arm.get("enum").and_then(Value::as_array) {
        return values.iter().map(|value| ("", value)).collect();
    }
    let Some(members) = arm.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let literals = members.iter().filter_map(|(name, member)| {
        match member.get("enum").and_then(Value::as_array).map(Vec::as_slice) {
            Some([value]) => Some((name.as_str(), value)),
            _ => None,
        }
    });
    let literals: Vec<_> = literals.collect();
    match members.keys().next() {
        Some(only) if literals.is_empty() && members.len() == 1 => vec![(only, &Value::Null)],
        _ => literals,
    }
}

fn mark(schema: Value) -> Value {
    let mut object = match schema {
        Value::Object(object) => object,
        // `true` allows anything, and so does an object without constraints.
        _ => Map::new(),
    };
    object.insert(STABILITY.into(), "experimental".into());
    Value::Object(object)
}

fn required_grew(old: &Map<String, Value>, new: &[Value], at: &str) -> Error {
    let before = old.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    match new.iter().find(|name| !before.contains(name)).and_then(Value::as_str) {
        Some(name) => Error::schema(
            step(&step(at, "properties"), name),
            "experimental, yet required: a stable client could not leave it out",
        ),
        None => not_additive(&step(at, "required")),
    }
}

fn not_additive(at: &str) -> Error {
    Error::schema(
        at,
        "the stable and the experimental bundle differ here by more than an addition; are the two of one codex version?",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn additions_are_marked() {
        let old = json!({"properties": {"a": {"type": "string"}}, "oneOf": [{"enum": ["x"]}], "enum": [1]});
        let new = json!({
            "properties": {"a": {"type": "string"}, "b": true},
            "oneOf": [{"enum": ["x"]}, {"enum": ["y"]}],
            "enum": [1, 2],
        });
        assert_eq!(
            schema(&old, &new, "#").unwrap(),
            json!({
                "properties": {"a": {"type": "string"}, "b": {"x-stability": "experimental"}},
                "oneOf": [{"enum": ["x"]}, {"enum": ["y"], "x-stability": "experimental"}],
                "enum": [1, 2],
                "x-experimental-values": [2],
            })
        );
    }

    #[test]
    fn what_is_no_addition_names_its_place() {
        let words = schema(&json!({"description": "Old."}), &json!({"description": "New."}), "#");
        assert_eq!(words.unwrap(), json!({"description": "New."}));
        let cases = [
            (json!({"type": "string"}), json!({"type": "integer"}), "#/type"),
            (json!({"properties": {"a": true}}), json!({"properties": {}}), "#/properties/a"),
            (json!({"items": {"minimum": 1}}), json!({"items": {}}), "#/items/minimum"),
            (json!({"oneOf": [{"type": "null"}]}), json!({"oneOf": []}), "#/oneOf"),
        ];
        for (old, new, place) in cases {
            let error = schema(&old, &new, "#").unwrap_err().to_string();
            assert!(error.starts_with(&format!("{place}: ")), "{error}");
        }
    }

    #[test]
    fn an_experimental_member_must_not_be_required() {
        let old = json!({"properties": {}, "required": []});
        let new = json!({"properties": {"b": true}, "required": ["b"]});
        let error = schema(&old, &new, "#/definitions/X").unwrap_err().to_string();
        assert_eq!(
            error,
            "#/definitions/X/properties/b: experimental, yet required: a stable client could not leave it out"
        );
    }
}
