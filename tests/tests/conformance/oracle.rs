//! The judge of the vectors: the schema itself, read by the `jsonschema` crate.

use codex_appserver_bindgen::model::Model;
use codex_appserver_bindgen::shape::{Object, Shape};
use codex_appserver_bindgen::vectors::{Class, Subject};
use codex_appserver_tests::protocol;
use jsonschema::{Validator, options};
use serde_json::{Map, Value, json};

use crate::{assert_only_known, describe, exceptions};

/// Writes integer formats out as `minimum` and `maximum`, which validators heed.
fn with_ranges(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some((least, most)) = members.get("format").and_then(Value::as_str).and_then(range) {
                members.entry("minimum").or_insert(least);
                members.insert("maximum".into(), most);
            }
            members.values_mut().for_each(with_ranges);
        }
        Value::Array(items) => items.iter_mut().for_each(with_ranges),
        _ => {}
    }
}

fn range(format: &str) -> Option<(Value, Value)> {
    Some(match format {
        "int8" => (i8::MIN.into(), i8::MAX.into()),
        "int16" => (i16::MIN.into(), i16::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "int64" => (i64::MIN.into(), i64::MAX.into()),
        "uint8" => (0.into(), u8::MAX.into()),
        "uint16" => (0.into(), u16::MAX.into()),
        "uint32" => (0.into(), u32::MAX.into()),
        "uint" | "uint64" => (0.into(), u64::MAX.into()),
        _ => return None,
    })
}

/// The schema of a file, and the definitions of `extra` besides.
pub(crate) fn schema(path: &str, extra: Option<&str>) -> Map<String, Value> {
    let read = |path: &str| -> Map<String, Value> {
        let mut file: Value = serde_json::from_slice(&protocol::read(path)).expect("a schema is JSON");
        with_ranges(&mut file);
        file["definitions"].as_object().expect("a schema has definitions").clone()
    };
    let mut definitions = read(path);
    definitions.extend(extra.map(read).unwrap_or_default());
    definitions
}

/// Gives members the names that they have on the wire. `overrides.toml` says where the schema has others, and the model
/// keeps those as aliases.
fn with_wire_names(definitions: &mut Map<String, Value>, model: &Model) {
    for (name, definition) in &model.definitions {
        let Some(schema) = definitions.get_mut(name) else { continue };
        for field in objects(&definition.shape).into_iter().flat_map(|object| &object.fields) {
            for alias in &field.aliases {
                rename(schema, alias, &field.wire);
            }
        }
    }
}

/// The objects that a definition consists of.
fn objects(shape: &Shape) -> Vec<&Object> {
    match shape {
        Shape::Object(object) => vec![object],
        Shape::Tagged(tagged) => tagged.arms.iter().map(|arm| &arm.object).collect(),
        Shape::ByKeys(arms) => arms.iter().flat_map(|arm| objects(&arm.shape)).collect(),
        Shape::Nullable(inner) => objects(inner),
        _ => Vec::new(),
    }
}

/// Renames a member wherever a definition lists it.
fn rename(schema: &mut Value, from: &str, to: &str) {
    match schema {
        Value::Object(members) => {
            for list in ["properties", "required"] {
                match members.get_mut(list) {
                    Some(Value::Object(properties)) => {
                        if let Some(property) = properties.remove(from) {
                            properties.insert(to.to_owned(), property);
                        }
                    }
                    Some(Value::Array(required)) => {
                        required.iter_mut().filter(|name| *name == from).for_each(|name| *name = to.into());
                    }
                    _ => {}
                }
            }
            members.values_mut().for_each(|value| rename(value, from, to));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
        _ => {}
    }
}

/// A validator of one definition, with the definitions it reaches: the whole schema would be compiled
/// anew each time.
pub(crate) fn validator(definitions: &Map<String, Value>, name: &str) -> Validator {
    let mut reached = Map::new();
    let mut queue = vec![name.to_owned()];
    while let Some(name) = queue.pop() {
        if !reached.contains_key(&name) {
            let definition = definitions.get(&name).unwrap_or_else(|| panic!("there is no {name}"));
            refs(definition, &mut queue);
            reached.insert(name, definition.clone());
        }
    }
    let root = json!({"$ref": format!("#/definitions/{name}"), "definitions": reached});
    options().build(&root).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refs(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            found.extend(target.and_then(|target| target.strip_prefix("#/definitions/")).map(str::to_owned));
            members.values().for_each(|value| refs(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| refs(item, found)),
        _ => {}
    }
}

/// Every vector that the judge sees otherwise.
fn judge(model: &Model, definitions: &Map<String, Value>) -> Vec<(String, String)> {
    let mut failures = Vec::new();
    let mut at_hand: Option<(String, Validator)> = None;
    for vector in model.vectors().iter().filter(|vector| vector.class != Class::Tolerated) {
        let name = match &vector.subject {
            Subject::Definition(name) => name.as_str(),
            Subject::Message(kind, _) => kind.union_name(),
            // The same value as that of the definition.
            Subject::Response(..) => continue,
        };
        if at_hand.as_ref().is_none_or(|(at_hand, _)| at_hand != name) {
            at_hand = Some((name.to_owned(), validator(definitions, name)));
        }
        let Some((_, validator)) = &at_hand else { continue };
        match (vector.class, validator.validate(&vector.value)) {
            (Class::Valid, Err(error)) => failures.push((
                describe(vector),
                format!("the schema refuses it at {}: {error}: {}", error.instance_path(), vector.value),
            )),
            (Class::Invalid, Ok(())) => {
                failures.push((describe(vector), format!("the schema allows it: {}", vector.value)));
            }
            _ => {}
        }
    }
    failures
}

#[test]
fn the_schema_agrees_with_the_vectors() {
    let mut definitions = schema("schema/app-server.json", Some("schema/extra.json"));
    let model = protocol::pinned();
    with_wire_names(&mut definitions, &model);
    assert_only_known("schema", &judge(&model, &definitions), exceptions::OF_THE_SCHEMA);
}

/// The maker of vectors knows no version: on older protocols it does as well.
#[test]
fn older_schemas_agree_with_their_vectors() {
    for version in ["0.99.0", "0.115.0", "0.135.0", "0.150.0", "0.166.0"] {
        let path = format!("tests/fixtures/protocols/{version}.json");
        let failures = judge(&protocol::plain(&path), &schema(&path, None));
        let unexplained: Vec<_> = failures
            .iter()
            .filter(|(what, _)| {
                !exceptions::OF_OLDER_SCHEMAS.iter().any(|(start, _)| what.starts_with(start))
            })
            .collect();
        assert!(unexplained.is_empty(), "{version}: {}: {unexplained:#?}", unexplained.len());
    }
}
