//! One namespace: what stands under `v2` moves up, and a top-level definition of the same name makes way.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{NESTED, map_children, pointer};
use crate::error::{Error, Result};

/// Definitions of both levels under one roof. Where both levels have a name, equal shapes merge and an
/// unequal top-level one is called `V1Name`, or `LegacyName` where something else has that name.
pub(super) fn definitions(bundle: &Map<String, Value>) -> Result<BTreeMap<String, Value>> {
    let empty = Map::new();
    let nested = bundle.get(NESTED).and_then(Value::as_object).unwrap_or(&empty);
    let top: BTreeMap<&str, &Value> = bundle
        .iter()
        .filter(|(name, _)| *name != NESTED)
        .map(|(name, schema)| (name.as_str(), schema))
        .collect();

    let different: Renamed<'_> =
        different(&top, nested).into_iter().map(|name| (name, new_name(name, &top, nested))).collect();
    let mut flat = BTreeMap::new();
    for (name, schema) in nested {
        flat.insert(name.clone(), rewrite(schema, &different));
    }
    for (name, schema) in &top {
        let new_name = different.get(name).cloned().unwrap_or_else(|| (*name).to_owned());
        let schema = rewrite(schema, &different);
        match flat.get(&new_name) {
            Some(existing) if !equal(existing, &schema) => {
                return Err(Error::schema(
                    pointer(name),
                    format!("takes the name `{new_name}`, which another definition of a different shape has"),
                ));
            }
            Some(_) => {}
            None => drop(flat.insert(new_name, schema)),
        }
    }
    Ok(flat)
}

/// Top-level names and what they are called in the flat namespace.
type Renamed<'b> = BTreeMap<&'b str, String>;

fn new_name(name: &str, top: &BTreeMap<&str, &Value>, nested: &Map<String, Value>) -> String {
    let v1 = format!("V1{name}");
    match top.get(v1.as_str()).copied().or_else(|| nested.get(&v1)) {
        Some(other) if !equal(other, top[name]) => format!("Legacy{name}"),
        _ => v1,
    }
}

/// Names that mean different shapes on the two levels. Shapes refer to each other, so this starts with
/// "all equal" and takes names out until nothing changes.
fn different<'b>(top: &BTreeMap<&'b str, &Value>, nested: &Map<String, Value>) -> Vec<&'b str> {
    let mut different: Renamed<'b> = BTreeMap::new();
    loop {
        let more: Vec<&str> = top
            .iter()
            .filter(|(name, _)| !different.contains_key(*name))
            .filter(|(name, schema)| {
                nested
                    .get(**name)
                    .is_some_and(|other| !equal(&rewrite(schema, &different), &rewrite(other, &different)))
            })
            .map(|(name, _)| *name)
            .collect();
        if more.is_empty() {
            return different.into_keys().collect();
        }
        different.extend(more.into_iter().map(|name| (name, format!("V1{name}"))));
    }
}

/// The schema with every `$ref` pointing into the flat namespace.
fn rewrite(schema: &Value, renamed: &Renamed<'_>) -> Value {
    let mut schema = schema.clone();
    if let Some(name) =
        schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/definitions/"))
    {
        let name = match name.strip_prefix("v2/") {
            Some(nested) => nested,
            None => renamed.get(name).map_or(name, String::as_str),
        };
        schema["$ref"] = Value::from(format!("#/definitions/{name}"));
    }
    map_children(schema, &mut |child| rewrite(&child, renamed))
}

/// Equal but for prose.
fn equal(a: &Value, b: &Value) -> bool {
    let bare = |schema: &Value| super::prose::bare(schema.clone());
    a == b || super::sorted(&bare(a)) == super::sorted(&bare(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_definitions_merge_and_unequal_ones_part() {
        let bundle = json!({
            "Same": {"type": "string", "title": "Same"},
            "Other": {"properties": {"leaf": {"$ref": "#/definitions/Leaf"}}},
            "Leaf": {"type": "integer"},
            "v2": {
                "Same": {"type": "string"},
                "Other": {"properties": {"leaf": {"$ref": "#/definitions/v2/Leaf"}}},
                "Leaf": {"type": "string"},
            },
        });
        let flat = definitions(bundle.as_object().unwrap()).unwrap();
        assert_eq!(flat.keys().collect::<Vec<_>>(), ["Leaf", "Other", "Same", "V1Leaf", "V1Other"]);
        assert_eq!(flat["V1Other"]["properties"]["leaf"]["$ref"], "#/definitions/V1Leaf");
        assert_eq!(flat["Other"]["properties"]["leaf"]["$ref"], "#/definitions/Leaf");
    }

    #[test]
    fn a_taken_name_gives_way_to_another() {
        let bundle = json!({
            "A": {"type": "integer"},
            "V1A": {"type": "boolean"},
            "B": {"type": "integer"},
            "V1B": {"type": "integer", "description": "The same."},
            "v2": {"A": {"type": "string"}, "B": {"type": "string"}},
        });
        let flat = definitions(bundle.as_object().unwrap()).unwrap();
        assert_eq!(flat.keys().collect::<Vec<_>>(), ["A", "B", "LegacyA", "V1A", "V1B"]);
    }

    #[test]
    fn when_every_name_is_taken_that_is_an_error() {
        let bundle = json!({
            "A": {"type": "integer"}, "V1A": {"type": "boolean"}, "LegacyA": {"type": "null"},
            "v2": {"A": {"type": "string"}},
        });
        let error = definitions(bundle.as_object().unwrap()).unwrap_err().to_string();
        assert!(error.contains("LegacyA"), "{error}");
    }
}
