//! Shapes, unions and arms that generation refuses.

use serde_json::{Value, json};

use super::{MEMBERS, fails, generate, member};

fn arm(tag: &str) -> Value {
    let properties = json!({"type": {"type": "string", "enum": [tag]}});
    json!({"type": "object", "properties": properties, "required": ["type"]})
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

#[test]
fn aliases_that_consist_of_themselves() {
    let name = "#/definitions/FixtureLoop";
    let itself = json!({"$ref": name});
    let problem = "unsupported: consists of itself, without an object or a union between";
    let other = json!({"$ref": "#/definitions/FixtureOther"});
    for (shape, through) in [
        (itself.clone(), json!({"type": "string"})),
        (json!({"type": "array", "items": itself}), json!({"type": "string"})),
        (json!({"type": "object", "additionalProperties": itself}), json!({"type": "string"})),
        (json!({"type": "array", "items": other}), json!({"type": "array", "items": itself})),
    ] {
        let definitions = json!({"FixtureLoop": shape, "FixtureOther": through, "FixtureCallParams": {
            "type": "object", "properties": {"a": itself},
        }});
        fails(generate(definitions), name, problem);
    }
}
