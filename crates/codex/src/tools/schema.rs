//! The JSON Schema of a tool's arguments, in a form that reaches the model as it is meant.
//!
//! codex does not pass a schema on as it gets it. It leaves out keywords that it does not know, such as limits and
//! formats, which only makes the schema wider: serde still refuses what does not fit. Other things it makes wrong: a
//! value of any type becomes a string, and so does each element of a tuple. Those are put in other words here, or refused.

use schemars1::JsonSchema;
use serde_json::{Map, Value, json};

use crate::schema::{Problem, SchemaError, WANTS_AN_OBJECT, generate};

/// Keywords without which a schema says something else, and which codex leaves out or gets wrong.
const REFUSED: &[(&str, &str)] = &[
    ("prefixItems", "codex cannot describe tuples; use a struct"),
    ("patternProperties", "codex can only describe maps whose keys are any strings; use a list of structs"),
];

/// The schema of the arguments. Those that are no value at all are an object without members.
pub(super) fn of_type<T: JsonSchema>() -> Result<Value, SchemaError> {
    let schema = generate::<T>();
    let is_unit = schema.get("type") == Some(&Value::from("null"));
    let schema = if is_unit { json!({"type": "object", "properties": {}}) } else { schema };
    checked(schema, std::any::type_name::<T>())
}

/// A schema that the program wrote itself.
pub(super) fn of_value(schema: Value) -> Result<Value, SchemaError> {
    checked(schema, "the given schema")
}

fn checked(schema: Value, wanted: &'static str) -> Result<Value, SchemaError> {
    let top = |problem| SchemaError::new(wanted, (String::new(), problem));
    let Value::Object(mut root) = schema else { return Err(top("any value is allowed; use a struct")) };
    root.remove("$schema");
    if root.get("type") != Some(&Value::from("object")) {
        return Err(top(WANTS_AN_OBJECT));
    }
    mend(&mut root, "").map_err(|problem| SchemaError::new(wanted, problem))?;
    Ok(Value::Object(root))
}

fn mend(schema: &mut Map<String, Value>, path: &str) -> Result<(), Problem> {
    if let Some((_, problem)) = REFUSED.iter().find(|(keyword, _)| schema.contains_key(*keyword)) {
        return Err((path.to_owned(), *problem));
    }
    say_the_type(schema);
    for keyword in ["properties", "$defs", "definitions"] {
        if let Some(Value::Object(members)) = schema.get_mut(keyword) {
            for (name, member) in members {
                mend_value(member, &format!("{path}/{keyword}/{}", escaped(name)))?;
            }
        }
    }
    if let Some(items) = schema.get_mut("items") {
        mend_value(items, &format!("{path}/items"))?;
    }
    // `true` and `false` are fine here.
    if let Some(Value::Object(values)) = schema.get_mut("additionalProperties") {
        mend(values, &format!("{path}/additionalProperties"))?;
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(arms)) = schema.get_mut(keyword) {
            for (n, arm) in arms.iter_mut().enumerate() {
                mend_value(arm, &format!("{path}/{keyword}/{n}"))?;
            }
        }
    }
    Ok(())
}

/// codex takes `true` for a string, and an object without members for what both mean.
fn mend_value(schema: &mut Value, path: &str) -> Result<(), Problem> {
    match schema {
        Value::Object(schema) => mend(schema, path),
        Value::Bool(true) => {
            *schema = json!({});
            Ok(())
        }
        _ => Err((path.to_owned(), "no value is allowed; leave the member out")),
    }
}

/// codex takes constants without a type for strings.
fn say_the_type(schema: &mut Map<String, Value>) {
    if schema.contains_key("type") {
        return;
    }
    let mut types: Vec<&str> = match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => vec![type_of(value)],
        (None, Some(Value::Array(values))) => values.iter().map(type_of).collect(),
        _ => return,
    };
    types.sort_unstable();
    types.dedup();
    let types = match types[..] {
        [] => return,
        [of] => Value::from(of),
        _ => Value::from(types),
    };
    schema.insert("type".into(), types);
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A name as a part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use serde_derive::Deserialize;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[schemars(crate = "schemars1")]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Trip {
        /// Where to.
        city: String,
        #[serde(default)]
        days: u8,
        note: Option<String>,
        by: Means,
        labels: BTreeMap<String, u8>,
        anything: Value,
        list: Vec<Value>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[schemars(crate = "schemars1")]
    #[serde(tag = "kind", rename_all = "camelCase")]
    #[allow(dead_code, reason = "only its schema is looked at")]
    enum Means {
        Train { class: u8 },
        Foot,
    }

    /// Members that serde does not require are not required of the model, maps stay, and `true` becomes `{}`.
    #[test]
    fn the_schema_says_what_serde_reads() {
        let schema = of_type::<Trip>().expect("it can be offered");
        assert_eq!(schema["required"], json!(["city", "by", "labels", "anything", "list"]), "{schema:#}");
        let properties = &schema["properties"];
        assert_eq!(properties["city"], json!({"type": "string", "description": "Where to."}));
        assert_eq!(properties["note"], json!({"type": ["string", "null"]}));
        assert_eq!(properties["labels"]["additionalProperties"]["type"], "integer");
        assert_eq!((&properties["anything"], &properties["list"]["items"]), (&json!({}), &json!({})));
        let arms = schema["$defs"]["Means"]["oneOf"].as_array().expect("two arms");
        assert_eq!(arms[1]["properties"]["kind"], json!({"type": "string", "const": "foot"}));
        assert!(schema.get("$schema").is_none());
    }

    #[test]
    fn no_arguments_are_an_empty_object() {
        assert_eq!(of_type::<()>(), Ok(json!({"type": "object", "properties": {}})));
    }

    #[test]
    fn constants_say_their_type() {
        let given = json!({"type": "object", "properties": {
            "one": {"const": 1}, "few": {"enum": [1, "a", null, 2]}, "half": {"const": 0.5}, "none": {"enum": []},
        }});
        let schema = of_value(given).expect("it can be offered");
        let types = |name: &str| schema["properties"][name].get("type").cloned();
        assert_eq!(types("one"), Some(json!("integer")));
        assert_eq!(types("few"), Some(json!(["integer", "null", "string"])));
        assert_eq!((types("half"), types("none")), (Some(json!("number")), None));
    }

    #[test]
    fn flattened_members_are_fine() {
        #[derive(JsonSchema)]
        #[schemars(crate = "schemars1")]
        #[allow(dead_code, reason = "only its schema is looked at")]
        struct Flat {
            #[serde(flatten)]
            by: Means,
            #[serde(flatten)]
            more: HashMap<String, Value>,
        }
        assert!(of_type::<Flat>().is_ok(), "{:?}", of_type::<Flat>());
    }

    #[test]
    fn what_codex_would_refuse_or_get_wrong_is_an_error() {
        #[derive(JsonSchema)]
        #[schemars(crate = "schemars1")]
        #[allow(dead_code, reason = "only its schema is looked at")]
        struct Holds<T> {
            it: T,
        }
        let errors = [
            (of_type::<Holds<(u8, u8)>>(), "/properties/it: codex cannot describe tuples"),
            (of_type::<Holds<HashMap<u8, u8>>>(), "/properties/it: codex can only describe maps whose keys"),
            (of_type::<Holds<Vec<(u8, u8)>>>(), "/properties/it/items: codex cannot describe tuples"),
            (of_type::<String>(), "the top: the service wants an object"),
            (of_type::<Means>(), "the top: the service wants an object"),
            (of_type::<Option<Trip>>(), "the top: the service wants an object"),
            (of_type::<Value>(), "the top: the service wants an object"),
            (of_value(json!(null)), "the given schema: the top: any value is allowed"),
            (of_value(json!({})), "the given schema: the top: the service wants an object"),
            (
                of_value(json!({"type": "object", "properties": {"a/b": false}})),
                "/properties/a~1b: no value is",
            ),
            (
                of_value(json!({"type": "object", "additionalProperties": {"items": {"prefixItems": []}}})),
                "/additionalProperties/items: codex cannot describe tuples",
            ),
            (
                of_value(json!({"type": "object", "allOf": [{"oneOf": [{"items": false}]}]})),
                "/allOf/0/oneOf/0/items: no value is allowed",
            ),
        ];
        for (schema, expected) in errors {
            let error = schema.expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
