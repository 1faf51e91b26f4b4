//! One namespace: what stands under `v2` moves up, and a top-level definition of the same name makes way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{map_children, pointer};
use crate::error::{Error, Result};

const NESTED: &str = "v2";

/// Definitions of both levels under one roof. Where both levels have a name, equal shapes merge and an
/// unequal top-level one is called `V1Name`.
pub(super) fn definitions(bundle: &Map<String, Value>) -> Result<BTreeMap<String, Value>> {
    let empty = Map::new();
    let nested = bundle.get(NESTED).and_then(Value::as_object).unwrap_or(&empty);
    let top: BTreeMap<&str, &Value> =
        bundle.iter().filter(|(name, _)| *name != NESTED).map(|(name, schema)| (name.as_str(), schema)).collect();

    let different = different(&top, nested);
    let mut flat = BTreeMap::new();
    for (name, schema) in nested {
        flat.insert(name.clone(), rewrite(schema, &different));
    }
    for (name, schema) in &top {
        let new_name = top_name(name, &different);
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

/// Names that mean different shapes on the two levels. Shapes refer to each other, so this starts with
/// "all equal" and takes names out until nothing changes.
fn different<'b>(top: &BTreeMap<&'b str, &Value>, nested: &Map<String, Value>) -> BTreeSet<&'b str> {
    let mut different = BTreeSet::new();
    loop {
        let more: Vec<&str> = top
            .iter()
            .filter(|(name, _)| !different.contains(*name))
            .filter(|(name, schema)| {
                nested.get(**name).is_some_and(|other| !equal(&rewrite(schema, &different), &rewrite(other, &different)))
            })
            .map(|(name, _)| *name)
            .collect();
        if more.is_empty() {
            return different;
        }
        different.extend(more);
    }
}

fn top_name(name: &str, different: &BTreeSet<&str>) -> String {
    if different.contains(name) { format!("V1{name}") } else { name.to_owned() }
}

/// The schema with every `$ref` pointing into the flat namespace.
fn rewrite(schema: &Value, different: &BTreeSet<&str>) -> Value {
    let mut schema = schema.clone();
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/definitions/")) {
        let name = match name.strip_prefix("v2/") {
            Some(nested) => nested.to_owned(),
            None => top_name(name, different),
        };
        schema["$ref"] = Value::from(format!("#/definitions/{name}"));
    }
    map_children(schema, &mut |child| rewrite(&child, different))
}

/// Equal but for prose.
fn equal(a: &Value, b: &Value) -> bool {
    let bare = |schema: &Value| super::prose::to_facts(schema.clone(), super::Prose::Drop);
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
    fn a_taken_name_is_an_error() {
        let bundle = json!({"A": {"type": "integer"}, "V1A": {"type": "boolean"}, "v2": {"A": {"type": "string"}}});
        let error = definitions(bundle.as_object().unwrap()).unwrap_err().to_string();
        assert!(error.contains("V1A"), "{error}");
    }
}
