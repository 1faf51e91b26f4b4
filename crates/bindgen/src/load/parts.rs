//! Objects that are put together from parts: a `$ref` beside members, as schemars 1 prints an arm that holds a struct,
//! or `allOf` of several. They become one object with all members.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{map_children, ref_name};

/// Parts of parts beyond this depth are a circle.
const DEPTH: usize = 16;

/// What a schema may say beside its parts without being an object of its own.
const BESIDE: [&str; 22] = [
    "$comment",
    "$ref",
    "allOf",
    "default",
    "deprecated",
    "description",
    "examples",
    "maximum",
    "maxItems",
    "maxLength",
    "minimum",
    "minItems",
    "minLength",
    "pattern",
    "readOnly",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
    "x-description",
    "x-experimental-values",
    "x-stability",
];

/// Puts together what can be; the rest stays for `normalise` to refuse.
pub(super) fn merge(definitions: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let whole = |schema: &Value| whole(schema.clone(), &definitions);
    definitions.iter().map(|(name, schema)| (name.clone(), whole(schema))).collect()
}

fn whole(schema: Value, definitions: &BTreeMap<String, Value>) -> Value {
    let merged = match &schema {
        Value::Object(object) if is_composite(object) => merged(object, definitions, 0),
        _ => None,
    };
    map_children(merged.map_or(schema, Value::Object), &mut |child| whole(child, definitions))
}

/// Whether a schema has parts beside which it says something about the same value.
pub(crate) fn is_composite(object: &Map<String, Value>) -> bool {
    let parts = object.get("allOf").and_then(Value::as_array).map_or(0, Vec::len)
        + usize::from(object.contains_key("$ref"));
    parts > 1 || parts == 1 && object.keys().any(|key| !BESIDE.contains(&key.as_str()))
}

fn merged(
    object: &Map<String, Value>,
    definitions: &BTreeMap<String, Value>,
    depth: usize,
) -> Option<Map<String, Value>> {
    if depth == DEPTH {
        return None;
    }
    let mut whole = object.clone();
    let reference =
        whole.remove("$ref").map(|target| Value::Object(Map::from_iter([("$ref".into(), target)])));
    let all_of = match whole.remove("allOf") {
        Some(Value::Array(parts)) => parts,
        Some(_) => return None,
        None => Vec::new(),
    };
    for part in reference.into_iter().chain(all_of) {
        let part = match ref_name(&part) {
            Some(name) if part.as_object()?.len() == 1 => definitions.get(name)?.as_object()?.clone(),
            _ => part.as_object()?.clone(),
        };
        let part = match part.contains_key("$ref") || part.contains_key("allOf") {
            true => merged(&part, definitions, depth + 1)?,
            false => part,
        };
        join(&mut whole, part)?;
    }
    Some(whole)
}

/// Adds a part to an object; none where the two do not go together.
fn join(whole: &mut Map<String, Value>, part: Map<String, Value>) -> Option<()> {
    let is_object = |object: &Map<String, Value>| object.get("type").is_none_or(|name| name == "object");
    let bare = part.get("type").is_some()
        && matches!(part.get("additionalProperties"), None | Some(Value::Bool(false)));
    if !is_object(whole) || !is_object(&part) || !(bare || part.contains_key("properties")) {
        return None;
    }
    whole.insert("type".into(), "object".into());
    for (key, value) in part {
        match (key.as_str(), whole.get_mut(&key), value) {
            ("type" | "default" | "deprecated" | "description" | "x-description", _, _) => {}
            // What a part refuses it cannot know of the other parts.
            ("additionalProperties", _, Value::Bool(false)) => {}
            ("properties", Some(Value::Object(own)), Value::Object(more)) => {
                for (name, member) in more {
                    if own.get(&name).is_some_and(|other| *other != member) {
                        return None;
                    }
                    own.insert(name, member);
                }
            }
            ("required", Some(Value::Array(own)), Value::Array(more)) => {
                let new: Vec<Value> = more.into_iter().filter(|name| !own.contains(name)).collect();
                own.extend(new);
            }
            (_, None, value) => drop(whole.insert(key, value)),
            (_, Some(own), value) if *own == value => {}
            _ => return None,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(name: &str) -> Value {
        json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name]})
    }

    /// What `X` becomes beside the definitions `A`, `B` and `Text`.
    fn becomes(schema: Value) -> Value {
        let definitions = BTreeMap::from([
            ("A".to_owned(), object("a")),
            ("B".to_owned(), object("b")),
            ("Text".to_owned(), json!({"type": "string"})),
            ("Empty".to_owned(), json!({"type": "object"})),
            ("X".to_owned(), schema),
        ]);
        merge(definitions).remove("X").unwrap()
    }

    #[test]
    fn a_reference_beside_members_adds_its_own() {
        let tag = json!({"type": "string", "enum": ["x"]});
        assert_eq!(
            becomes(json!({"oneOf": [{
                "type": "object", "properties": {"type": tag}, "$ref": "#/definitions/A", "required": ["type"],
            }]})),
            json!({"oneOf": [{
                "type": "object",
                "properties": {"type": tag, "a": {"type": "string"}},
                "required": ["type", "a"],
            }]})
        );
    }

    #[test]
    fn several_parts_are_one_object() {
        let both = json!({"allOf": [{"$ref": "#/definitions/A"}, {"$ref": "#/definitions/B"}]});
        let one = json!({
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "required": ["a", "b"],
        });
        assert_eq!(becomes(both), one);
    }

    #[test]
    fn a_part_without_members_adds_none() {
        let own = json!({"type": "object", "properties": {"b": true}});
        let mut with_part = own.clone();
        with_part["$ref"] = json!("#/definitions/Empty");
        assert_eq!(becomes(with_part), own);
    }

    #[test]
    fn what_is_no_object_of_parts_stays() {
        for other in [
            json!({"$ref": "#/definitions/A", "description": "Words.", "default": {"a": "x"}}),
            json!({"allOf": [{"$ref": "#/definitions/A"}], "default": null}),
            json!({"$ref": "#/definitions/Text", "properties": {"b": true}}),
            json!({"allOf": [{"type": "string"}, {"minLength": 1}]}),
            json!({"$ref": "#/definitions/A", "properties": {"a": {"type": "integer"}}}),
            json!({"allOf": [{"$ref": "#/definitions/X"}, {"$ref": "#/definitions/A"}]}),
        ] {
            assert_eq!(becomes(other.clone()), other);
        }
    }
}
