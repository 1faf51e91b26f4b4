//! Other ways to say the same: what schemas of JSON Schema 2020-12 (as schemars 1 prints them) write otherwise than
//! upstream does is rewritten to upstream's dialect, so that the later stages know one of them.

use serde_json::{Map, Value};

use super::{NESTED, map_children};
use crate::error::{Error, Result, step};

/// Where 2020-12 keeps its definitions.
pub(super) const DEFS: &str = "$defs";
const DEFINITIONS: &str = "definitions";

/// The definitions under `definitions`, those under `$defs` included.
pub(super) fn root(mut root: Map<String, Value>) -> Result<Map<String, Value>> {
    if let Some(Value::Object(defs)) = root.remove(DEFS) {
        let own = root.entry(DEFINITIONS).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(own) = own else { return Ok(root) };
        for (name, definition) in defs {
            if own.contains_key(&name) {
                let place = step(&format!("#/{DEFS}"), name);
                return Err(Error::schema(place, "a second definition of this name, beside `definitions`"));
            }
            own.insert(name, definition);
        }
    }
    if let Some(Value::Object(definitions)) = root.get_mut(DEFINITIONS) {
        for (name, definition) in definitions.iter_mut() {
            match definition {
                Value::Object(nested) if name == NESTED => nested.values_mut().for_each(rewrite),
                other => rewrite(other),
            }
        }
    }
    Ok(root)
}

fn rewrite(schema: &mut Value) {
    *schema = rewritten(std::mem::take(schema));
}

fn rewritten(schema: Value) -> Value {
    let Value::Object(mut object) = schema else { return schema };
    if let Some(Value::String(target)) = object.get_mut("$ref")
        && let Some(name) = target.strip_prefix("#/$defs/")
    {
        *target = format!("#/definitions/{name}");
    }
    single_type(&mut object);
    literals(&mut object);
    one_pattern(&mut object);
    map_children(Value::Object(object), &mut rewritten)
}

/// `type: ["string"]` is `type: "string"`.
fn single_type(object: &mut Map<String, Value>) {
    if let Some(Value::Array(names)) = object.get("type")
        && let [only] = &names[..]
    {
        object.insert("type".into(), only.clone());
    }
}

/// `const` is an `enum` of one; fixed values without a type have that of their values, and `null` among them is a
/// type and no value. What makes no sense that way stays for `normalise` to refuse.
fn literals(object: &mut Map<String, Value>) {
    let values = match (object.get("enum"), object.get("const")) {
        (Some(Value::Array(values)), None) if !values.is_empty() => values.clone(),
        (None, Some(value)) => vec![value.clone()],
        _ => return,
    };
    let has_null = values.contains(&Value::Null);
    let others: Vec<Value> = values.into_iter().filter(|value| !value.is_null()).collect();
    let kind = match others.first() {
        None => "null",
        Some(first) => match kind_of(first) {
            Some(kind) if others.iter().all(|value| kind_of(value) == Some(kind)) => kind,
            _ => return,
        },
    };
    let of_kind = match (kind, has_null) {
        ("null", _) | (_, false) => Value::from(kind),
        (kind, true) => Value::from(vec![kind, "null"]),
    };
    let agrees = match object.get("type") {
        None => true,
        Some(Value::String(name)) => *name == kind && (kind == "null" || !has_null),
        Some(Value::Array(names)) => names.iter().any(|name| name == kind),
        Some(_) => false,
    };
    if !agrees {
        return;
    }
    object.remove("const");
    if object.get("type").is_none_or(Value::is_string) || kind == "null" {
        object.insert("type".into(), of_kind);
    }
    match kind {
        "null" => drop(object.remove("enum")),
        _ => drop(object.insert("enum".into(), Value::Array(others))),
    }
}

fn kind_of(value: &Value) -> Option<&'static str> {
    match value {
        Value::String(_) => Some("string"),
        Value::Bool(_) => Some("boolean"),
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => {
            Some("integer")
        }
        _ => None,
    }
}

/// Keys that have to look like integers are free keys all the same: they are strings on the wire.
fn one_pattern(object: &mut Map<String, Value>) {
    let is_map =
        object.get("additionalProperties") == Some(&Value::Bool(false)) && !object.contains_key("properties");
    let Some(Value::Object(patterns)) = object.get("patternProperties").filter(|_| is_map) else { return };
    let mut patterns = patterns.values();
    if let (Some(only), None) = (patterns.next(), patterns.next()) {
        let only = only.clone();
        object.remove("patternProperties");
        object.insert("additionalProperties".into(), only);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn becomes(schema: Value, expected: &Value) {
        assert_eq!(rewritten(schema), *expected);
        assert_eq!(rewritten(expected.clone()), *expected, "a second time");
    }

    #[test]
    fn fixed_values() {
        becomes(json!({"const": "a"}), &json!({"type": "string", "enum": ["a"]}));
        becomes(json!({"type": "string", "const": "a"}), &json!({"type": "string", "enum": ["a"]}));
        becomes(json!({"const": 1}), &json!({"type": "integer", "enum": [1]}));
        becomes(json!({"const": null}), &json!({"type": "null"}));
        becomes(json!({"type": "null", "const": null}), &json!({"type": "null"}));
        becomes(json!({"enum": [true]}), &json!({"type": "boolean", "enum": [true]}));
        becomes(json!({"enum": ["a", null]}), &json!({"type": ["string", "null"], "enum": ["a"]}));
        becomes(
            json!({"type": ["string", "null"], "enum": ["a", null]}),
            &json!({"type": ["string", "null"], "enum": ["a"]}),
        );
        becomes(json!({"type": ["string"]}), &json!({"type": "string"}));
    }

    #[test]
    fn what_makes_no_sense_stays() {
        for odd in [
            json!({"const": 1.5}),
            json!({"const": {"a": 1}}),
            json!({"type": "string", "const": 1}),
            json!({"type": "string", "enum": ["a", null]}),
            json!({"enum": ["a", 1]}),
            json!({"enum": ["a"], "const": "a"}),
            json!({"enum": []}),
        ] {
            becomes(odd.clone(), &odd);
        }
    }

    #[test]
    fn definitions_and_what_refers_to_them() {
        let bundle = json!({
            "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"items": {"const": "b"}}},
            "definitions": {"v2": {"C": {"const": "c"}}},
        });
        let root = root(bundle.as_object().unwrap().clone()).unwrap();
        assert_eq!(
            Value::Object(root),
            json!({"definitions": {
                "A": {"$ref": "#/definitions/B"},
                "B": {"items": {"type": "string", "enum": ["b"]}},
                "v2": {"C": {"type": "string", "enum": ["c"]}},
            }})
        );
    }

    #[test]
    fn keys_of_one_pattern_are_free() {
        let pattern = json!({"^\\d+$": {"type": "boolean"}});
        becomes(
            json!({"type": "object", "additionalProperties": false, "patternProperties": pattern}),
            &json!({"type": "object", "additionalProperties": {"type": "boolean"}}),
        );
        let open = json!({"type": "object", "patternProperties": pattern});
        becomes(open.clone(), &open);
    }
}
