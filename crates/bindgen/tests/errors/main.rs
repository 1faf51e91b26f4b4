//! What generation refuses in a schema: every error is one line, the place first.

use codex_appserver_bindgen::{Config, Error, Generator, Result, Schema, Source};
use serde_json::{Value, json};

#[path = "../support/bundle.rs"]
mod bundle;
mod shapes;

/// Where the members of a [`params`] bundle are.
const MEMBERS: &str = "#/definitions/FixtureCallParams/properties";
const NOT_ADDITIVE: &str = "the stable and the experimental bundle differ here by more than an addition; are the two of one codex version?";
const REQUIRED: &str = "experimental, yet required: a stable client could not leave it out";

/// Asserts that this failed with exactly this text.
#[track_caller]
fn fails<T>(result: Result<T>, place: &str, problem: &str) {
    let text = result.err().expect("this must not generate").to_string();
    assert_eq!(text, format!("{place}: {problem}"));
    assert!(!text.contains('\n'), "an error of several lines: {text}");
}

fn load(stable: &str, experimental: Option<&str>) -> Result<Schema> {
    let stable = Source { name: "stable.json", bytes: stable.as_bytes() };
    let experimental = experimental.map(|text| Source { name: "experimental.json", bytes: text.as_bytes() });
    Schema::from_any(&stable, experimental.as_ref())
}

fn bundle(definitions: &Value) -> String {
    bundle::bundle(definitions.as_object().expect("definitions by name"))
}

/// Generates from a bundle with these definitions.
fn generate(definitions: Value) -> Result<()> {
    let schema = load(&bundle(&definitions), None)?;
    Generator::new(Config::default(), schema).run().map(drop)
}

fn merge(stable: &Value, experimental: &Value) -> Result<Schema> {
    load(&bundle(stable), Some(&bundle(experimental)))
}

/// Params with these members.
fn params(members: Value) -> Value {
    json!({"FixtureCallParams": {"type": "object", "properties": members}})
}

/// Generates from params with a member `a` of this shape.
fn member(shape: Value) -> Result<()> {
    generate(params(json!({"a": shape})))
}

fn method(name: &str) -> Value {
    json!({"properties": {"method": {"type": "string", "enum": [name]}}, "required": ["method"]})
}

#[test]
fn files_that_are_not_json() {
    let not_json = |text: &str, problem: &str| fails(load(text, None), "stable.json: not JSON", problem);
    not_json("", "EOF while parsing a value at line 1 column 0");
    not_json("{\"definitions\": {,}}", "key must be a string at line 1 column 18");
    fails(
        load(&bundle(&json!({})), Some("{")),
        "experimental.json: not JSON",
        "EOF while parsing an object at line 1 column 1",
    );
    assert!(matches!(load("{", None), Err(Error::Json { file, .. }) if file == "stable.json"));
}

#[test]
fn json_that_is_no_schema() {
    let no_schema = |text: &str, what: &str| {
        let hint = "pass codex_app_server_protocol.schemas.json as written by `codex app-server generate-json-schema`";
        fails(load(text, None), "stable.json: not an app-server schema", &format!("{what}; {hint}"));
    };
    no_schema("[]", "the root is no object");
    no_schema("{}", "there are no `definitions`");
    no_schema(r#"{"definitions": []}"#, "there are no `definitions`");
    no_schema(
        r#"{"definitions": {"ClientRequest": {"oneOf": []}, "ServerRequest": {"oneOf": []}}}"#,
        "there is no definition `ServerNotification`",
    );
    let canonical = r#"{"x-codex-version": "1.2.3", "definitions": {}}"#;
    fails(
        load(canonical, Some("{}")),
        "experimental.json",
        "stable.json is a canonical schema already and takes no second bundle",
    );
    assert!(matches!(load("[]", None), Err(Error::NotASchema { file, .. }) if file == "stable.json"));
}

#[test]
fn references_that_lead_nowhere() {
    let list = json!({"type": "array", "items": {"$ref": "#/definitions/Nowhere"}});
    fails(member(list), &format!("{MEMBERS}/a/items"), "dangling $ref \"#/definitions/Nowhere\"");
    let foreign = json!({"a/b~c": {"anyOf": [{"$ref": "https://example.com/x"}, {"type": "null"}]}});
    let place = format!("{MEMBERS}/a~1b~0c/anyOf/0");
    fails(generate(params(foreign)), &place, "dangling $ref \"https://example.com/x\"");
}

#[test]
fn methods() {
    let requests = |arms: Value| generate(json!({"ClientRequest": {"oneOf": arms}}));
    let at = |step: &str| format!("#/definitions/ClientRequest{step}");
    let twice = requests(json!([method("a/b"), method("a/b")]));
    fails(twice, &at("/oneOf/1"), "a second arm for the method `a/b`");
    let alike = requests(json!([method("thread/startNow"), method("thread/start/now")]));
    fails(
        alike,
        &at(""),
        "the methods `thread/start/now` and `thread/startNow` both become `thread_start_now`",
    );
    let nameless = requests(json!([{"properties": {"method": {"type": "string"}}}]));
    fails(nameless, &at("/oneOf/0/properties"), "expected a `method` with exactly one value");
    let mut inline = method("a/b");
    inline["properties"]["params"] = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    fails(
        requests(json!([inline])),
        &at("/oneOf/0/properties/params"),
        "unsupported: params that are no definition",
    );

    let notifications = |union: Value| generate(json!({"ServerNotification": union}));
    let at = |step: &str| format!("#/definitions/ServerNotification{step}");
    let no_arms = notifications(json!({"type": "object"}));
    fails(no_arms, &at(""), "expected `oneOf` with one arm per method");
    let envelope = notifications(json!({"properties": {"priority": {"type": "string"}}, "oneOf": []}));
    let problem = "unsupported: a member of the message envelope that is not known";
    fails(envelope, &at("/properties/priority"), problem);
}

#[test]
fn members_and_values_that_become_one_name() {
    let members = params(json!({"fooBar": {"type": "string"}, "foo_bar": {"type": "string"}}));
    let problem = "the members `fooBar` and `foo_bar` both become `foo_bar`";
    fails(generate(members), &format!("{MEMBERS}/foo_bar"), problem);
    let values = |values: Value| {
        let mode = json!({"type": "string", "enum": values});
        generate(
            json!({"FixtureCallParams": {"type": "object", "properties": {"m": {"$ref": "#/definitions/Mode"}}}, "Mode": mode}),
        )
    };
    let problem = "the values `a b` and `a_space_b` both become `ASpaceB`";
    fails(values(json!(["a b", "a_space_b", "A B"])), "#/definitions/Mode/enum/1", problem);
    fails(values(json!(["on", ""])), "#/definitions/Mode/enum/1", "the value \"\" has no Rust name");
}

#[test]
fn definitions_that_become_one_name() {
    let inline = json!({
        "FixtureCallParams": {"type": "object", "properties": {
            "mode": {"type": "string", "enum": ["a"]},
            "x": {"$ref": "#/definitions/FixtureCallParamsMode"},
        }},
        "FixtureCallParamsMode": {"type": "object"},
    });
    let problem = "becomes the Rust type `FixtureCallParamsMode`, as something of `FixtureCallParams` does";
    fails(generate(inline), "#/definitions/FixtureCallParamsMode", problem);
    let alike = json!({
        "FixtureCallParams": {"type": "object", "properties": {
            "a": {"$ref": "#/definitions/foo_bar"},
            "b": {"$ref": "#/definitions/FooBar"},
        }},
        "foo_bar": {"type": "object"},
        "FooBar": {"type": "string"},
    });
    let problem = "becomes the Rust type `FooBar`, as something of `FooBar` does";
    fails(generate(alike), "#/definitions/foo_bar", problem);
    let payload = json!({
        "FixtureCallParams": {"type": "object", "properties": {
            "event": {"$ref": "#/definitions/FixtureEventNotification"},
        }},
        "FixtureEventNotification": {"type": "object"},
    });
    let problem =
        "refers to `FixtureEventNotification`, the payload of a method, which lives in a crate above it";
    fails(generate(payload), "#/definitions/FixtureCallParams", problem);
}

/// Places are those of the file, whatever it calls its definitions.
#[test]
fn definitions_under_another_name() {
    let with_defs = |definitions: Value| {
        let mut root: Value = serde_json::from_str(&bundle(&definitions)).expect("a bundle is JSON");
        root["$defs"] = root["definitions"].take();
        root.as_object_mut().expect("an object").remove("definitions");
        let schema = load(&root.to_string(), None)?;
        Generator::new(Config::default(), schema).run().map(drop)
    };
    assert!(with_defs(params(json!({"a": {"$ref": "#/$defs/FixtureCallResponse"}}))).is_ok());
    let place = "#/$defs/FixtureCallParams/properties/a";
    let dangling = params(json!({"a": {"$ref": "#/$defs/Nowhere"}}));
    fails(with_defs(dangling), place, "dangling $ref \"#/definitions/Nowhere\"");
    let tuple = params(json!({"a": {"type": "tuple"}}));
    fails(with_defs(tuple), &format!("{place}/type"), "unsupported type `tuple`");
    let both = json!({"definitions": {"X": true}, "$defs": {"X": true}}).to_string();
    fails(load(&both, None), "#/$defs/X", "a second definition of this name, beside `definitions`");
}

/// Typify panics on some schemas that are fine. That is a warning for most schemas, and an error for the pinned one.
#[test]
fn a_panic_of_typify_is_a_warning() {
    let definitions = json!({
        "Mode": {"type": "string", "enum": ["a-b", "a_b"]},
        "FixtureCallParams": {"type": "object", "properties": {"a": {"$ref": "#/definitions/Mode"}}},
    });
    let schema = load(&bundle(&definitions), None).expect("it loads");
    let generator = |strict| Generator::new(Config { strict, ..Config::default() }, schema.clone());
    let place = "#/definitions/Mode: typify cannot read this definition: it panics: ";
    let output = generator(false).run().expect("it generates");
    let told = |warning: &String| {
        warning.starts_with(&format!("typify could not read the schema: {place}")) && !warning.contains('\n')
    };
    assert!(output.warnings.iter().any(told), "{:?}", output.warnings);
    let error = generator(true).run().expect_err("a strict run needs typify").to_string();
    assert!(error.starts_with(place) && !error.contains('\n'), "{error}");
}

#[test]
fn bundles_that_do_not_belong_together() {
    let text = params(json!({"a": {"type": "string", "enum": ["x", "y"]}}));
    let number = params(json!({"a": {"type": "integer", "enum": ["x", "y"]}}));
    fails(merge(&text, &number), &format!("{MEMBERS}/a/type"), NOT_ADDITIVE);
    fails(merge(&text, &params(json!({}))), &format!("{MEMBERS}/a"), NOT_ADDITIVE);
    let fewer = params(json!({"a": {"type": "string", "enum": ["x"]}}));
    fails(merge(&text, &fewer), &format!("{MEMBERS}/a/enum"), NOT_ADDITIVE);
    let problem = "only the stable bundle has this definition; are the two of one codex version?";
    fails(merge(&json!({"X": {"type": "object"}}), &json!({})), "#/definitions/X", problem);
    let requests = |second: &str| json!({"ClientRequest": {"oneOf": [method("a"), method(second)]}});
    let problem = "arm 1 of the stable bundle has no counterpart in the experimental one";
    fails(merge(&requests("b"), &requests("c")), "#/definitions/ClientRequest/oneOf", problem);
}

#[test]
fn experimental_members_that_are_required() {
    let mut stable = params(json!({"a": {"type": "string"}}));
    let mut experimental = params(json!({"a": {"type": "string"}, "b": {"type": "string"}}));
    experimental["FixtureCallParams"]["required"] = json!(["b"]);
    fails(merge(&stable, &experimental).map(drop), &format!("{MEMBERS}/b"), REQUIRED);
    stable["FixtureCallParams"]["required"] = json!(["a"]);
    experimental["FixtureCallParams"]["required"] = json!(["a", "b"]);
    fails(merge(&stable, &experimental), &format!("{MEMBERS}/b"), REQUIRED);
}
