//! What the maker of vectors makes of fixed values, which not every protocol has.

use serde_json::{Value, json};

use super::{Class, Subject};
use crate::{Config, Generator, Schema, Source};

/// The vectors of one definition by class: the path, if any, and the value.
fn vectors(definition: &Value) -> impl Fn(Class) -> Vec<(String, Value)> + use<> {
    let empty = || json!({"oneOf": []});
    let event = json!({
        "properties": {
            "method": {"type": "string", "enum": ["fixture/event"]},
            "params": {"$ref": "#/definitions/Event"},
        },
    });
    let bundle = json!({"definitions": {
        "ClientRequest": empty(), "ServerRequest": empty(), "ClientNotification": empty(),
        "ServerNotification": {"oneOf": [event]},
        "Event": definition,
        "Version": {"type": "integer", "format": "uint8", "enum": [0, 1]},
    }});
    let text = bundle.to_string();
    let source = Source { name: "bundle.json", bytes: text.as_bytes() };
    let schema = Schema::from_any(&source, None).expect("a schema");
    let model = Generator::new(Config::default(), schema).model().expect("a model");
    let all = model.vectors();
    move |class| {
        let of_event = |subject: &Subject| *subject == Subject::Definition("Event".into());
        let found = all.iter().filter(|vector| vector.class == class && of_event(&vector.subject));
        found.map(|vector| (vector.path.clone(), vector.value.clone())).collect()
    }
}

#[track_caller]
fn has(vectors: &[(String, Value)], path: &str, value: &Value) {
    assert!(vectors.iter().any(|(at, of)| at == path && of == value), "{value} is not among {vectors:?}");
}

#[test]
fn integers_with_known_values() {
    let of = vectors(&json!({
        "type": "object",
        "properties": {
            "version": {"$ref": "#/definitions/Version"},
            "port": {"type": "integer", "format": "int8", "enum": [80]},
        },
        "required": ["port", "version"],
    }));
    has(&of(Class::Valid), "", &json!({"port": 80, "version": 0}));
    let tolerated = of(Class::Tolerated);
    has(&tolerated, "port", &json!({"port": 0, "version": 0}));
    let invalid = of(Class::Invalid);
    has(&invalid, "port", &json!({"port": 128, "version": 0}));
    has(&invalid, "port", &json!({"port": "wrong", "version": 0}));
    has(&invalid, "version", &json!({"port": 80, "version": "wrong"}));
}

#[test]
fn booleans_with_one_known_value() {
    let of = vectors(&json!({
        "type": "object",
        "properties": {"on": {"type": "boolean", "enum": [true]}},
        "required": ["on"],
    }));
    assert_eq!(
        of(Class::Valid),
        [(String::new(), json!({"on": true})), ("on".to_owned(), json!({"on": true}))]
    );
    has(&of(Class::Tolerated), "on", &json!({"on": false}));
    has(&of(Class::Invalid), "on", &json!({"on": "wrong"}));
}

#[test]
fn fixed_values_that_tell_arms_apart() {
    let arm = |version: u8, member: &str| {
        json!({
            "type": "object",
            "properties": {"version": {"type": "integer", "enum": [version]}, member: {"type": "string"}},
            "required": ["version"],
        })
    };
    let of = vectors(&json!({"anyOf": [arm(0, "a"), arm(1, "b")]}));
    has(&of(Class::Valid), "", &json!({"version": 1}));
    assert!(of(Class::Tolerated).iter().any(|(_, value)| value["version"] == 2 && value.get("b").is_none()));
    has(&of(Class::Invalid), "", &json!({}));
}
