//! Which definitions are plain enough for typify to have an opinion worth hearing: structs of members
//! without structure of their own, enums of strings, and other names for types.
//!
//! The question goes to the schema and not to our own shapes: a plain definition that our side takes for
//! something else is a disagreement like any other.

use serde_json::Value;

use crate::load::children;

pub(super) fn is_plain(definition: &Value) -> bool {
    if is_string_enum(definition) || is_union_of_string_enums(definition) {
        return true;
    }
    if definition.get("properties").is_none() {
        return is_simple(definition);
    }
    arms(definition).is_none() && all_children(definition, is_simple)
}

/// Whether a part of a definition needs no Rust type of its own: typify and we would name it differently.
fn is_simple(part: &Value) -> bool {
    let nameless = ["properties", "enum", "const"].iter().all(|keyword| part.get(*keyword).is_none());
    let nullable_at_most = arms(part).is_none_or(|arms| {
        let (nulls, others): (Vec<_>, Vec<_>) = arms.iter().partition(|arm| is_null(arm));
        nulls.len() == 1 && others.len() == 1
    });
    nameless && nullable_at_most && all_children(part, is_simple)
}

fn is_string_enum(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("string") && schema.get("enum").is_some()
}

fn is_union_of_string_enums(schema: &Value) -> bool {
    schema.get("properties").is_none() && arms(schema).is_some_and(|arms| arms.iter().all(is_string_enum))
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

fn arms(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()
}

fn all_children(schema: &Value, accept: fn(&Value) -> bool) -> bool {
    let mut all = true;
    children(schema, "", &mut |child, _| all &= is_null(child) || accept(child));
    all
}
