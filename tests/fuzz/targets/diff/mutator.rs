//! Changes inputs of the target as JSON, because most changes to its bytes would leave nothing to compare.

use std::sync::LazyLock;

use fastrand::Rng;
use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Value, json};

use super::BASE;

/// Every place of the base: its JSON pointer and what stands there.
static PLACES: LazyLock<Vec<(String, &Value)>> = LazyLock::new(|| {
    let mut places = Vec::new();
    collect(String::new(), &BASE, &mut places);
    places
});

fn collect<'v>(pointer: String, value: &'v Value, places: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(format!("{pointer}/{name}"), member, places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(format!("{pointer}/{index}"), item, places);
            }
        }
        _ => {}
    }
    places.push((pointer, value));
}

/// Mutates an input in place and returns its new size, as `fuzz_mutator!` asks.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut rng = Rng::with_seed(seed.into());
    // Bytes are mutated as well, for names and texts that nobody thought of.
    if rng.u8(0..4) > 0
        && let Ok(Value::Object(mut input)) = serde_json::from_slice(&data[..size])
        && input.contains_key("patch")
    {
        let list = if rng.u8(0..3) == 0 { "before" } else { "patch" };
        if let Value::Array(operations) = input.entry(list).or_insert_with(|| json!([])) {
            mutate_operations(operations, &mut rng);
            let text = Value::Object(input).to_string();
            if text.len() <= max_size {
                data[..text.len()].copy_from_slice(text.as_bytes());
                return text.len();
            }
        }
    }
    fuzzer_mutate(data, size, max_size)
}

fn mutate_operations(operations: &mut Vec<Value>, rng: &mut Rng) {
    let at = rng.usize(0..=operations.len());
    let Some(operation) = operations.get_mut(at) else { return operations.push(operation(rng)) };
    match rng.u8(0..8) {
        0 => drop(operations.remove(at)),
        1 => operations.insert(at, self::operation(rng)),
        2 => operation["path"] = path(rng).into(),
        3 => operation["op"] = name(rng).into(),
        _ => match operation.get_mut("value") {
            Some(inside) => mutate_inside(inside, rng),
            None => *operation = self::operation(rng),
        },
    }
}

fn operation(rng: &mut Rng) -> Value {
    json!({"op": name(rng), "path": path(rng), "value": value(rng)})
}

fn name(rng: &mut Rng) -> &'static str {
    rng.choice(["add", "replace", "remove"]).unwrap_or("add")
}

/// A place of the base, or a new member beside one.
fn path(rng: &mut Rng) -> String {
    let (pointer, _) = &PLACES[rng.usize(..PLACES.len())];
    let beside = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    match rng.u8(0..4) {
        0 => format!("{beside}/{}", rng.choice(MEMBERS).unwrap_or("new")),
        1 => format!("{pointer}/{}", rng.choice(MEMBERS).unwrap_or("new")),
        _ => pointer.clone(),
    }
}

/// What stands at some place of the base, or something that the base lacks.
fn value(rng: &mut Rng) -> Value {
    if rng.bool() {
        return PLACES[rng.usize(..PLACES.len())].1.clone();
    }
    let text = rng.choice(VALUES).unwrap_or("true");
    serde_json::from_str(text).expect("the values are JSON")
}

/// Goes to a random depth, and replaces, removes or adds something there.
fn mutate_inside(inside: &mut Value, rng: &mut Rng) {
    let down = rng.u8(0..4) > 0;
    match inside {
        Value::Object(members) if down && !members.is_empty() => {
            let index = rng.usize(..members.len());
            let name = members.keys().nth(index).cloned().unwrap_or_default();
            match rng.u8(0..6) {
                0 => drop(members.remove(&name)),
                1 => drop(members.insert(rng.choice(MEMBERS).unwrap_or("new").to_owned(), value(rng))),
                _ => mutate_inside(&mut members[&name], rng),
            }
        }
        Value::Array(items) if down && !items.is_empty() => {
            let index = rng.usize(..items.len());
            match rng.u8(0..6) {
                0 => drop(items.remove(index)),
                1 => items.push(value(rng)),
                _ => mutate_inside(&mut items[index], rng),
            }
        }
        _ => *inside = value(rng),
    }
}

/// Names that mean something in a schema, and some that only try to.
const MEMBERS: [&str; 20] = [
    "-",
    "0",
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "new",
    "oneOf",
    "properties",
    "required",
    "type",
    "x-codex-version",
    "x-stability",
    "\u{1b}[5m`</script>",
];

const VALUES: [&str; 28] = [
    "true",
    "false",
    "null",
    "0",
    "1e300",
    "[]",
    "{}",
    r#""""#,
    r#""string""#,
    r#""object""#,
    r#""experimental""#,
    r#""uint8""#,
    r#""@deprecated""#,
    r##""#/definitions/State""##,
    r#"["string", "null"]"#,
    r#"["id"]"#,
    r#""\u001b[5m\u202e`</script>\r\n""#,
    r#"{"type": "integer"}"#,
    r#"{"type": "object", "additionalProperties": {"type": "string"}}"#,
    r#"{"type": "array", "items": {"type": "boolean"}}"#,
    r#"{"type": "string", "enum": ["a", "b"]}"#,
    r##"{"$ref": "#/definitions/Both"}"##,
    r##"{"allOf": [{"$ref": "#/definitions/Got"}]}"##,
    r##"{"anyOf": [{"$ref": "#/definitions/State"}, {"type": "null"}]}"##,
    r#"{"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}"#,
    r#"{"oneOf": [{"type": "object", "properties": {"a": true}, "required": ["a"]}, {"enum": ["b"]}]}"#,
    r#"{"oneOf": [{"properties": {"type": {"enum": ["a"]}}, "required": ["type"]}, {"properties": {"type": {"enum": ["b"]}}, "required": ["type"]}]}"#,
    r#"{"type": "object", "properties": {"method": {"enum": ["a/b"]}}, "required": ["method"]}"#,
];
