//! The smallest bundles that generate: some definitions, and the method unions around them.

use serde_json::{Map, Value, json};

/// The methods around a fixture's types: union, method, and the definition that makes it be there.
pub const SLOTS: [(&str, &str, &str); 4] = [
    ("ClientRequest", "fixture/call", "FixtureCallParams"),
    ("ServerRequest", "fixture/ask", "FixtureAskParams"),
    ("ServerNotification", "fixture/event", "FixtureEventNotification"),
    ("ClientNotification", "fixture/tell", "FixtureTellNotification"),
];

/// A bundle of these definitions, the method unions added that are not among them.
pub fn bundle(definitions: &Map<String, Value>) -> String {
    let mut all = definitions.clone();
    for (union, method, payload) in SLOTS {
        let (has_union, has_payload) = (definitions.contains_key(union), definitions.contains_key(payload));
        if !has_union {
            let arms: Vec<Value> = has_payload.then(|| arm(method, payload)).into_iter().collect();
            all.insert(union.to_owned(), json!({"oneOf": arms}));
        }
        if let (true, Some(stem)) = (has_payload, payload.strip_suffix("Params")) {
            all.entry(format!("{stem}Response")).or_insert_with(|| json!({"type": "object"}));
        }
    }
    json!({"definitions": all}).to_string()
}

fn arm(method: &str, payload: &str) -> Value {
    json!({
        "type": "object",
        "properties": {
            "method": {"type": "string", "enum": [method]},
            "params": {"$ref": format!("#/definitions/{payload}")},
        },
        "required": ["method", "params"],
    })
}
