//! A variant keeps its type when the size of its payload changes: what was boxed is remembered.

use codex_appserver_bindgen::{Boxes, Config, Generator, Output, Schema, Source, Tables};
use serde_json::{Map, Value, json};

/// How many strings make a type large.
const MANY: usize = 9;
const FEW: usize = 2;

/// One notification with a union that has an arm of this many strings, and as many strings beside it.
fn protocol(strings: usize) -> Value {
    let members: Map<String, Value> =
        (0..strings).map(|index| (format!("m{index}"), json!({"type": "string"}))).collect();
    let with = |name: &str, value: Value| {
        let mut members = members.clone();
        members.insert(name.to_owned(), value);
        json!({"type": "object", "properties": members, "required": [name]})
    };
    let arm = |name: &str| with("type", json!({"type": "string", "enum": [name]}));
    let bare = json!({
        "type": "object",
        "properties": {"type": {"type": "string", "enum": ["bare"]}},
        "required": ["type"],
    });
    let event = json!({
        "type": "object",
        "properties": {
            "method": {"type": "string", "enum": ["fixture/event"]},
            "params": {"$ref": "#/definitions/EventNotification"},
        },
        "required": ["method", "params"],
    });
    json!({"definitions": {
        "ClientRequest": {"oneOf": []},
        "ServerRequest": {"oneOf": []},
        "ClientNotification": {"oneOf": []},
        "ServerNotification": {"oneOf": [event]},
        "EventNotification": with("item", json!({"$ref": "#/definitions/Item"})),
        "Item": {"oneOf": [bare, arm("full")]},
    }})
}

fn generate(protocol: &Value, boxes: &Boxes) -> Output {
    let text = protocol.to_string();
    let schema = Schema::from_any(&Source { name: "schema.json", bytes: text.as_bytes() }, None);
    let config = Config { tables: Tables::default().with_boxes(boxes.clone()), ..Config::default() };
    Generator::new(config, schema.expect("a schema")).run().expect("it generates")
}

/// Which of the two variants are boxed: the arm `full`, and the notification.
fn boxed(output: &Output) -> [bool; 2] {
    let holds = |payload: &str| {
        let texts = output.files.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes));
        let found: Vec<_> = texts.filter(|text| text.contains(payload)).collect();
        !found.is_empty()
    };
    [("Full", "FullItem"), ("FixtureEvent", "EventNotification")].map(|(variant, payload)| {
        let (plain, boxed) = (format!(" {variant}({payload})"), format!(" {variant}(Box<{payload}>)"));
        assert!(holds(&plain) != holds(&boxed), "`{variant}` is neither, or both");
        holds(&boxed)
    })
}

fn toml(output: &Output) -> String {
    let text = output.boxes.to_toml();
    text.split_once("\n\n").map(|(_, lists)| lists.to_owned()).expect("a head and two lists")
}

#[test]
fn a_new_type_is_boxed_by_its_size() {
    let few = generate(&protocol(FEW), &Boxes::default());
    assert_eq!(boxed(&few), [false, false]);
    assert_eq!(toml(&few), "boxed = [\n]\n\nunboxed = [\n    \"EventNotification\",\n    \"FullItem\",\n]\n");
    let many = generate(&protocol(MANY), &Boxes::default());
    assert_eq!(boxed(&many), [true, true]);
    assert_eq!(
        toml(&many),
        "boxed = [\n    \"EventNotification\",\n    \"FullItem\",\n]\n\nunboxed = [\n]\n"
    );
}

#[test]
fn a_known_type_stays_as_it_is() {
    let [few, many] = [FEW, MANY].map(|strings| generate(&protocol(strings), &Boxes::default()).boxes);
    let grown = generate(&protocol(MANY), &few);
    assert_eq!((boxed(&grown), &grown.boxes), ([false, false], &few));
    let shrunk = generate(&protocol(FEW), &many);
    assert_eq!((boxed(&shrunk), &shrunk.boxes), ([true, true], &many));
}

/// The size of a type that holds a union is that of the union as it is, not as its size would have it.
#[test]
fn sizes_follow_what_is_remembered() {
    let unboxed = "boxed = []\nunboxed = [\"FullItem\"]\n";
    let remembered =
        Boxes::parse(&Source { name: "boxes.toml", bytes: unboxed.as_bytes() }).expect("a table");
    let mut protocol = protocol(MANY);
    protocol["definitions"]["EventNotification"] = json!({
        "type": "object",
        "properties": {"item": {"$ref": "#/definitions/Item"}},
        "required": ["item"],
    });
    assert_eq!(boxed(&generate(&protocol, &Boxes::default())), [true, false]);
    assert_eq!(boxed(&generate(&protocol, &remembered)), [false, true]);
}

/// A type that holds itself has to be boxed, whatever it was before.
#[test]
fn a_circle_is_boxed_in_any_case() {
    let known = generate(&protocol(FEW), &Boxes::default()).boxes;
    let mut protocol = protocol(FEW);
    protocol["definitions"]["Item"]["oneOf"][1]["properties"]["m0"] = json!({"$ref": "#/definitions/Item"});
    let output = generate(&protocol, &known);
    assert_eq!(boxed(&output), [true, false]);
    assert_eq!(toml(&output), "boxed = [\n]\n\nunboxed = [\n    \"EventNotification\",\n]\n");
}
