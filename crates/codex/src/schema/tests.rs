//! What types can be asked for, and in which form.

use std::collections::BTreeMap;

use serde_derive::Deserialize;
use serde_json::json;

use super::*;

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "schemars1")]
#[allow(dead_code, reason = "only its schema is looked at")]
struct Report {
    /// In one line.
    title: String,
    #[serde(default)]
    stars: u8,
    note: Option<String>,
    author: Author,
    editor: Option<Author>,
    #[schemars(description = "Who else.")]
    reviewer: Author,
    findings: Vec<Finding>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "schemars1")]
#[allow(dead_code, reason = "only its schema is looked at")]
struct Author {
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "schemars1")]
#[serde(tag = "kind", rename_all = "camelCase")]
#[allow(dead_code, reason = "only its schema is looked at")]
enum Finding {
    Praise { text: String },
    Defect { text: String, line: Option<u32> },
}

#[test]
fn the_schema_is_strict_everywhere() {
    let schema = output_schema::<Report>().expect("it can be asked for");
    let author = json!({"$ref": "#/$defs/Author"});
    let text = json!({"type": "string"});
    assert_eq!(
        schema,
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["author", "editor", "findings", "note", "reviewer", "stars", "title"],
            "properties": {
                "title": {"type": "string", "description": "In one line."},
                "stars": {"type": "integer", "minimum": 0, "maximum": 255},
                "note": {"type": ["string", "null"]},
                "author": author,
                "editor": {"anyOf": [author, {"type": "null"}]},
                "reviewer": author,
                "findings": {"type": "array", "items": {"$ref": "#/$defs/Finding"}},
            },
            "$defs": {
                "Author": {
                    "type": "object", "additionalProperties": false, "required": ["name"],
                    "properties": {"name": text},
                },
                "Finding": {"anyOf": [
                    {
                        "type": "object", "additionalProperties": false, "required": ["kind", "text"],
                        "properties": {"kind": {"type": "string", "const": "praise"}, "text": text},
                    },
                    {
                        "type": "object", "additionalProperties": false,
                        "required": ["kind", "line", "text"],
                        "properties": {
                            "kind": {"type": "string", "const": "defect"}, "text": text,
                            "line": {"type": ["integer", "null"], "minimum": 0},
                        },
                    },
                ]},
            },
        }),
        "{schema:#}"
    );
}

#[derive(JsonSchema)]
#[schemars(crate = "schemars1")]
#[serde(tag = "kind")]
#[allow(dead_code, reason = "only its schema is looked at")]
enum Tagged {
    By(Author),
}

#[test]
fn what_the_service_does_not_know_is_left_out() {
    #[derive(JsonSchema)]
    #[schemars(crate = "schemars1", inline)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Inline {
        name: Option<String>,
    }
    #[derive(JsonSchema)]
    #[schemars(crate = "schemars1")]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Limited {
        #[schemars(length(min = 1), extend("x-mine" = 1))]
        name: String,
        letter: char,
        once: std::collections::BTreeSet<u8>,
        inline: Option<Inline>,
        small: Option<u8>,
    }
    let schema = output_schema::<Limited>().expect("it can be asked for");
    let text = schema.to_string();
    for unknown in ["minLength", "maxLength", "uniqueItems", "x-mine", "uint8"] {
        assert!(!text.contains(unknown), "{unknown} is in {schema:#}");
    }
    let inline = &schema["properties"]["inline"];
    assert_eq!(
        (&inline["additionalProperties"], &inline["required"]),
        (&json!(false), &json!(["name"])),
        "{inline:#}"
    );
}

#[test]
fn the_struct_in_a_newtype_can_be_asked_for() {
    /// What is wrong.
    #[derive(JsonSchema)]
    #[schemars(crate = "schemars1")]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Outer(Inner);
    #[derive(JsonSchema)]
    #[schemars(crate = "schemars1")]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Inner(Tree);
    /// A tree.
    #[derive(JsonSchema)]
    #[schemars(crate = "schemars1")]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Tree {
        name: String,
        branches: Vec<Tree>,
    }
    let schema = output_schema::<Outer>().expect("it can be asked for");
    let tree = json!({
        "type": "object", "additionalProperties": false, "required": ["branches", "name"],
        "description": "A tree.",
        "properties": {
            "name": {"type": "string"},
            "branches": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
        },
    });
    assert_eq!(schema["$defs"]["Tree"], tree, "{schema:#}");
    for keyword in ["type", "additionalProperties", "required", "properties"] {
        assert_eq!(schema[keyword], tree[keyword], "{schema:#}");
    }
    assert_eq!((&schema["description"], schema.get("$ref")), (&json!("What is wrong."), None), "{schema:#}");

    /// A newtype of what is no struct.
    #[derive(JsonSchema)]
    #[schemars(crate = "schemars1")]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct List(Finding);
    let error = output_schema::<List>().expect_err("it is no struct").to_string();
    assert!(error.contains("the top: "), "{error}");
}

/// What the strict form has no words for.
#[test]
fn what_cannot_be_asked_for_is_said() {
    #[derive(JsonSchema)]
    #[schemars(crate = "schemars1")]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Holds<T> {
        it: T,
    }
    #[derive(JsonSchema)]
    #[schemars(crate = "schemars1")]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Flat {
        #[serde(flatten)]
        finding: Finding,
    }
    let said = |schema: Result<Value, SchemaError>| schema.expect_err("it cannot be asked for").to_string();
    let map = said(output_schema::<Holds<BTreeMap<String, u8>>>());
    assert!(map.contains("/properties/it: maps cannot be asked for"), "{map}");
    let tuple = said(output_schema::<Holds<(u8, u8)>>());
    assert!(tuple.contains("/properties/it: tuples cannot be asked for"), "{tuple}");
    let any = said(output_schema::<Holds<Value>>());
    assert!(any.contains("/properties/it: any value is allowed"), "{any}");
    let tagged = said(output_schema::<Holds<Tagged>>());
    assert!(tagged.contains("a tag beside a struct of its own cannot be asked for"), "{tagged}");
    let flat = said(output_schema::<Flat>());
    assert!(flat.contains("Flat") && flat.contains("cannot be asked for"), "{flat}");
    for top in
        [said(output_schema::<Vec<u8>>()), said(output_schema::<Finding>()), said(output_schema::<Value>())]
    {
        assert!(top.contains("the top: "), "{top}");
    }
}
