//! What generation refuses in a schema: every error is one line, the place first.

use codex_appserver_bindgen::{Config, Error, Generator, Result, Schema, Source};
use serde_json::{Value, json};

#[path = "support/bundle.rs"]
mod bundle;

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

fn arm(tag: &str) -> Value {
    let properties = json!({"type": {"type": "string", "enum": [tag]}});
    json!({"type": "object", "properties": properties, "required": ["type"]})
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

#[test]
fn shapes_that_are_not_understood() {
    let refused = |shape: Value, step: &str, problem: &str| {
        fails(member(shape), &format!("{MEMBERS}/a{step}"), problem)
    };
    refused(json!({"type": "string", "like": "^x"}), "/like", "unsupported keyword `like`");
    refused(json!({"type": "integer", "format": "int128"}), "/format", "unsupported format `int128`");
    refused(json!({"type": ["number", "null"], "format": "big"}), "/format", "unsupported format `big`");
    refused(json!({"type": "tuple"}), "/type", "unsupported type `tuple`");
    refused(
        json!({"type": ["string", "integer"]}),
        "/type",
        "unsupported: several types, of which none is `null`",
    );
    refused(json!({"type": 7}), "/type", "unsupported: not a type name");
    refused(json!(false), "", "unsupported: `false`, a schema that no value fits");
    refused(json!(5), "", "unsupported schema; expected an object or `true`");
    refused(
        json!({"type": "string", "enum": ["a", 1]}),
        "/enum/1",
        "unsupported: a fixed value that is no string",
    );
    refused(json!({"type": "string", "enum": []}), "/enum", "unsupported: not a list of values");
    refused(
        json!({"enum": [1, "a"]}),
        "/enum/1",
        "unsupported: a fixed value that is no integer of its format",
    );
    let beyond = json!({"type": "integer", "format": "uint8", "enum": [255, 256]});
    refused(beyond, "/enum/1", "unsupported: a fixed value that is no integer of its format");
    refused(
        json!({"type": "boolean", "enum": [true, "true"]}),
        "/enum/1",
        "unsupported: a fixed value that is no boolean",
    );
    for kind in ["number", "array", "object"] {
        let problem = format!(
            "unsupported: fixed values of the type {kind}; they can be strings, integers or booleans"
        );
        refused(json!({"type": kind, "enum": [1.5]}), "/enum", &problem);
    }
    refused(
        json!({"oneOf": [
            {"type": "integer", "format": "uint8", "enum": [1]},
            {"type": "integer", "format": "int8", "enum": [2]},
        ]}),
        "/oneOf",
        "unsupported: fixed integers of several formats",
    );
    refused(
        json!({"allOf": [{"type": "string"}, {"minLength": 1}]}),
        "/allOf",
        "unsupported: parts that do not make one object; each has to be an object with members of its own, and one of them at most a union",
    );
    refused(
        json!({"oneOf": [{"type": "string"}], "anyOf": [{"type": "string"}]}),
        "",
        "unsupported: `oneOf` and `anyOf` side by side",
    );
    refused(json!({"anyOf": [{"type": "null"}]}), "/anyOf", "unsupported: a union without arms");
    refused(
        json!({"anyOf": [{"type": "string"}, {"type": "string", "enum": ["a"]}, {"type": "array"}]}),
        "/anyOf",
        "unsupported union: no tag, JSON type or member tells its arms apart",
    );
    refused(
        json!({"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}),
        "/additionalProperties",
        "unsupported: known members beside free keys of a fixed shape",
    );
    refused(
        json!({"type": "object", "properties": {}, "required": ["b"]}),
        "/required",
        "requires `b`, which is no member",
    );
}

/// What schemars 1 and others print, and what has no Rust type here.
#[test]
fn shapes_of_other_dialects() {
    let refused = |shape: Value, step: &str, problem: &str| {
        fails(member(shape), &format!("{MEMBERS}/a{step}"), problem)
    };
    refused(
        json!({"type": "array", "prefixItems": [{"type": "string"}], "minItems": 1, "maxItems": 1}),
        "/prefixItems",
        "unsupported keyword `prefixItems`; a tuple has no shape here, use an object or a list",
    );
    refused(
        json!({"type": "object", "patternProperties": {"^a": true, "^b": true}}),
        "/patternProperties",
        "unsupported keyword `patternProperties`; only one pattern beside `additionalProperties: false` is free keys",
    );
    refused(json!({"type": "null"}), "/type", "unsupported type `null`");
    refused(json!({"const": null}), "/type", "unsupported type `null`");
    refused(json!({"type": "integer", "format": "uint128"}), "/format", "unsupported format `uint128`");
    refused(json!({"type": "string", "const": 1}), "/const", "unsupported: a fixed value that is no string");
    refused(json!({"const": {"a": 1}}), "/const", "unsupported: a fixed value that is no string");
    refused(json!({"const": 1.5}), "/const", "unsupported: a fixed value that is no integer of its format");
    refused(json!({"const": "a", "enum": ["a"]}), "/const", "unsupported: `const` beside `enum`");
    refused(
        json!({"type": "number", "const": 1.5}),
        "/const",
        "unsupported: fixed values of the type number; they can be strings, integers or booleans",
    );
    let parts = "unsupported: parts that do not make one object; each has to be an object with members of its own, and one of them at most a union";
    refused(
        json!({"$ref": "#/definitions/ClientRequest", "properties": {"b": true}, "type": "string"}),
        "/$ref",
        parts,
    );
    refused(json!({"allOf": [{"type": "string"}], "oneOf": []}), "/allOf", parts);
    refused(
        json!({"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "string"}]}),
        "/anyOf",
        "unsupported union: no tag, JSON type or member tells its arms apart",
    );
    refused(json!({"anyOf": [false]}), "/anyOf", "unsupported: a union without arms");
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
fn arms_that_are_not_understood() {
    let refused = |arms: Value, step: &str, problem: &str| {
        fails(member(json!({"oneOf": arms})), &format!("{MEMBERS}/a/oneOf{step}"), problem);
    };
    let mut text = arm("x");
    text["allOf"] = json!([{"type": "string"}]);
    let parts = "unsupported: parts that do not make one object; each has to be an object with members of its own, and one of them at most a union";
    refused(json!([text, arm("y")]), "/0/allOf", parts);
    refused(json!([arm("x"), arm("x")]), "/1", "a second arm with `type` = `x`");
    let mut odd = arm("x");
    odd["dependencies"] = json!({});
    refused(json!([odd, arm("y")]), "/0/dependencies", "unsupported keyword `dependencies`");
    let mut choice = arm("x");
    choice["anyOf"] = json!([{"properties": {"url": {"type": "string"}}}]);
    let problem = "unsupported: an inner choice with other than one required member";
    refused(json!([arm("y"), choice]), "/1/anyOf/0", problem);

    let mut own = arm("x");
    own["properties"]["id"] = json!({"type": "integer"});
    let common = json!({"properties": {"id": {"type": "string"}}, "oneOf": [own]});
    let problem = "differs from the member of the same name that all arms share";
    fails(member(common), &format!("{MEMBERS}/a/oneOf/0/properties/id"), problem);
    let tag = json!({"properties": {"type": {"type": "string"}}, "oneOf": [arm("x")]});
    fails(member(tag), &format!("{MEMBERS}/a/oneOf"), "the tag `type` is a common member as well");
}

/// The meaning of a keyword must not get lost there either.
#[test]
fn keywords_beside_the_member_that_names_an_arm() {
    let single = json!({
        "type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"], "minProperties": 1,
    });
    let problem = "unsupported keyword `minProperties`";
    let external = json!({"oneOf": [{"type": "string", "enum": ["a"]}, single]});
    fails(member(external), &format!("{MEMBERS}/a/oneOf/1/minProperties"), problem);
    let choice = json!({"type": "object", "properties": {"x": {"type": "string"}}, "anyOf": [single]});
    fails(member(choice), &format!("{MEMBERS}/a/anyOf/0/minProperties"), problem);
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

/// Each once overflowed the stack, which no caller can catch.
#[test]
fn unions_that_are_their_own_arms() {
    let name = "#/definitions/FixtureLoop";
    let itself = json!({"$ref": name});
    let looping = |arms: Value| {
        json!({"FixtureLoop": {"anyOf": arms}, "FixtureCallParams": {
            "type": "object", "properties": {"a": {"$ref": name}},
        }})
    };
    let untold = "unsupported union: no tag, JSON type or member tells its arms apart";
    let arms = format!("{name}/anyOf");
    fails(generate(looping(json!([itself, {"type": "string"}]))), &arms, untold);
    fails(generate(looping(json!([itself, itself]))), &arms, untold);

    // Through an alias, and through aliases that lead nowhere else.
    let mut through = looping(json!([{"$ref": "#/definitions/FixtureAlias"}, {"type": "string"}]));
    through["FixtureAlias"] = itself.clone();
    fails(generate(through.clone()), &arms, untold);
    through["FixtureAlias"] = json!({"$ref": "#/definitions/FixtureAlias"});
    fails(generate(through), &arms, untold);

    // Objects are told apart by their members, which the arm has no end of.
    let object = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let result = generate(looping(json!([itself, object])));
    let text = result.expect_err("this must not generate").to_string();
    assert!(text.ends_with(": unsupported: a union without a tag that contains itself"), "{text}");
}
