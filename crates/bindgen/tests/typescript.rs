//! The TypeScript of the server as a second witness of the wire: what agrees is silent, what differs is named.

use codex_appserver_bindgen::{
    Config, Decision, Generator, Schema, Source, TableSources, Tables, TypeScript,
};
use serde_json::{Value, json};

#[path = "support/bundle.rs"]
mod bundle;

/// One definition of each shape.
fn definitions() -> Value {
    let arm = |tag: &str, more: Value| {
        let mut properties = json!({"type": {"type": "string", "enum": [tag]}});
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"type": "object", "properties": properties, "required": ["type"]})
    };
    json!({
        "FixtureCallParams": {
            "type": "object",
            "required": ["threadId", "level", "item", "version", "always"],
            "properties": {
                "threadId": {"type": "string"},
                "limit": {"type": ["integer", "null"], "format": "uint32"},
                "fast": {"type": "boolean", "default": false},
                "level": {"$ref": "#/definitions/Level"},
                "item": {"$ref": "#/definitions/Item"},
                "tags": {"type": ["array", "null"], "items": {"type": "string"}},
                "env": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
                "error": {"anyOf": [{"$ref": "#/definitions/Failure"}, {"type": "null"}]},
                "cwd": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
                "any": true,
                "version": {"type": "integer", "format": "uint8", "enum": [1, 2]},
                "always": {"type": "boolean", "enum": [true]},
            },
        },
        "Level": {"type": "string", "enum": ["low", "high"]},
        "Item": {"oneOf": [
            arm("text", json!({"turnId": {"type": ["string", "null"]}})),
            arm("image", json!({"size": {"type": ["integer", "null"], "format": "int64"}})),
        ]},
        "Failure": {"oneOf": [
            {"type": "string", "enum": ["busy", "other"]},
            {"type": "object", "additionalProperties": false, "required": ["http"],
             "properties": {"http": {"type": "object", "properties": {"code": {"type": ["integer", "null"]}}}}},
        ]},
    })
}

/// The same in TypeScript.
const FILES: [(&str, &str); 6] = [
    (
        "ClientRequest.ts",
        r#"import type { RequestId } from "./RequestId";
import type { FixtureCallParams } from "./v2/FixtureCallParams";
export type ClientRequest = { "method": "fixture/call", id: RequestId, params: FixtureCallParams, };"#,
    ),
    ("RequestId.ts", "export type RequestId = string | number;"),
    (
        "v2/FixtureCallParams.ts",
        r#"// GENERATED CODE! DO NOT MODIFY BY HAND!
import type { Failure } from "./Failure";
import type { Item } from "./Item";
import type { Level } from "../Level";
/** What is called. */
export type FixtureCallParams = { threadId: string, limit?: number | null, fast: boolean, level: Level, item: Item,
tags: Array<string> | null, env?: { [key in string]?: string }, error: Failure | null,
cwd?: string | Array<string> | null, any: unknown | null, version: 1 | 2, always: true, };"#,
    ),
    ("Level.ts", r#"export type Level = "low" | "high";"#),
    (
        "v2/Item.ts",
        r#"export type Item = { } & ({ "type": "text", turnId?: string, } | { "type": "image", size: bigint | null, });"#,
    ),
    (
        "v2/Failure.ts",
        r#"export type Failure = "busy" | "other" | { "http": { code: number | null, } } | string;"#,
    ),
];

fn tables(overrides: &str) -> Tables {
    let source = |name, text| Source { name, bytes: str::as_bytes(text) };
    Tables::parse(&TableSources {
        overrides: source("overrides.toml", overrides),
        docs: source("docs.toml", ""),
        typify: source("typify.toml", ""),
        extra: source("extra.json", r#"{"definitions": {}}"#),
    })
    .expect("the tables parse")
}

fn parse(files: &[(&str, String)]) -> codex_appserver_bindgen::Result<TypeScript> {
    TypeScript::parse(files.iter().map(|(name, text)| (*name, text.as_str())))
}

/// What differs when every `from` in the TypeScript is a `to`.
fn decisions(from: &str, to: &str, overrides: &str) -> Vec<Decision> {
    let files = FILES.map(|(name, text)| (name, text.replace(from, to)));
    assert!(from.is_empty() || files.iter().zip(FILES).any(|((_, new), (_, old))| new != old), "{from}");
    let types = parse(&files).expect("readable TypeScript");
    let stable = parse(&FILES.map(|(name, text)| (name, text.to_owned()))).expect("readable TypeScript");
    let definitions = definitions();
    let bundle = bundle::bundle(definitions.as_object().expect("definitions by name"));
    let schema = Schema::from_any(&Source { name: "stable.json", bytes: bundle.as_bytes() }, None).unwrap();
    let tables = tables(overrides);
    let generator = Generator::new(Config { tables: tables.clone(), ..Config::default() }, schema);
    types.decisions(&stable, &generator.model().expect("a model"), &tables)
}

/// `place: schema | TypeScript` of each decision.
fn found(from: &str, to: &str) -> Vec<String> {
    let decisions = decisions(from, to, "");
    let short = |decision: Decision| {
        let row: toml::Table = toml::from_str(&decision.row.expect("a row")).expect("TOML");
        let row = &row["typescript"][0];
        let text = |key: &str| row[key].as_str().expect("a string").to_owned();
        format!("{}: {} | {}", text("place"), text("schema"), text("typescript"))
    };
    decisions.into_iter().map(short).collect()
}

#[test]
fn what_agrees_is_silent() {
    // The response of the fixture has no TypeScript, which only a method's own type must have.
    assert_eq!(found("", ""), ["FixtureCallResponse: a type | no type"]);
}

#[test]
fn every_difference_is_named() {
    for (from, to, expected) in [
        ("threadId", "id", &["id: no member | a member", "threadId: a member | no member"][..]),
        ("threadId: string", "threadId: string | null", &["threadId: always has a value | may be null"]),
        ("threadId: string", "threadId?: string", &["threadId: always has a value | may be absent"]),
        ("threadId: string", "threadId: boolean", &["threadId: string | boolean"]),
        ("limit?: number | null", "limit: number", &["limit: may be absent or null | always has a value"]),
        // A default is an optional member in either notation.
        ("fast: boolean", "fast?: boolean", &[]),
        ("fast: boolean", "fast: boolean | null", &["fast: may be absent | may be null"]),
        ("tags: Array<string>", "tags: Array<number>", &["tags[]: string | number"]),
        ("]?: string }", "]?: boolean }", &["env[*]: string | boolean"]),
        ("string | Array<string>", "string", &["cwd.array: an arm | no arm"]),
        (
            "version: 1 | 2",
            "version: 1 | 3",
            &["version.2: a value | no value", "version.3: no value | a value"],
        ),
        ("version: 1 | 2", "version: number", &["version: fixed values | number"]),
        ("always: true", "always: boolean", &["always: fixed values | boolean"]),
        ("level: Level", "level: Item", &["level: fixed values | { type, turnId } | { type, size }"]),
    ] {
        let expected: Vec<String> =
            expected.iter().map(|place| format!("FixtureCallParams.{place}")).collect();
        let mut found = found(from, to);
        found.retain(|line| !line.starts_with("FixtureCallResponse"));
        assert_eq!(found, expected, "{from} -> {to}");
    }
}

#[test]
fn enums_unions_and_methods_are_compared_as_well() {
    for (from, to, expected) in [
        (r#""low""#, r#""Low""#, &["Level.Low: no value | a value", "Level.low: a value | no value"][..]),
        (r#""low""#, "string", &["Level: fixed values | string | \"high\""]),
        (r#""image""#, r#""picture""#, &["Item.image: an arm | no arm", "Item.picture: no arm | an arm"]),
        (r#""type""#, r#""kind""#, &["Item: arms by `type` | an arm without it"]),
        (r#""busy""#, r#""tired""#, &["Failure.busy: an arm | no arm", "Failure.tired: no arm | an arm"]),
        (r#""busy""#, r#"{ "busy": string }"#, &["Failure.busy: a string | an object"]),
        (r#"{ "http": { code: number | null, } }"#, r#""http""#, &["Failure.http: an object | a string"]),
        ("{ code: number | null, }", "{ code: string | null, }", &["Failure.http.code: number | string"]),
        (
            r#""fixture/call", id"#,
            r#""fixture/ring", id"#,
            &[
                "ClientRequest.fixture/call: a method | no method",
                "ClientRequest.fixture/ring: no method | a method",
            ],
        ),
        (
            "params: FixtureCallParams",
            "params: undefined",
            &["ClientRequest.fixture/call.params: FixtureCallParams | no params"],
        ),
        (
            "params: FixtureCallParams",
            "params: Level",
            &[
                "ClientRequest.fixture/call.params: { always, any, cwd, env, error, fast, item, level, limit, tags, threadId, version } | \"low\" | \"high\"",
            ],
        ),
    ] {
        let mut found = found(from, to);
        found.retain(|line| !line.starts_with("FixtureCallResponse"));
        assert_eq!(found, expected, "{from} -> {to}");
    }
}

/// The schema of a fixture has camelCase, so that here the TypeScript side plays the schema: names are exchanged.
#[test]
fn members_that_differ_in_case_come_as_one_row_per_type() {
    let mut definitions = definitions();
    let text = definitions["Item"].to_string().replace("turnId", "turn_id").replace("size", "pixel_size");
    definitions["Item"] = serde_json::from_str(&text).expect("still JSON");
    let files = FILES.map(|(name, text)| (name, text.replace("size", "pixelSize")));
    let types = parse(&files).expect("readable TypeScript");
    let bundle = bundle::bundle(definitions.as_object().expect("definitions by name"));
    let schema = Schema::from_any(&Source { name: "stable.json", bytes: bundle.as_bytes() }, None).unwrap();
    let model = Generator::new(Config::default(), schema).model().expect("a model");
    let decisions = types.decisions(&types, &model, &tables(""));
    assert_eq!(
        decisions[0].row.as_deref(),
        Some(
            "[[wire_name]]\ntype = \"Item\"\nmembers = { pixel_size = \"pixelSize\", turn_id = \"turnId\" }\nwhy = \"…\"\n"
        )
    );
    assert_eq!(decisions.len(), 2, "{decisions:?}");
}

#[test]
fn a_row_explains_a_difference_and_must_explain_one() {
    let rows = "[[typescript]]\nplace = 'Level.Low'\nschema = 'no value'\ntypescript = 'a value'\nwhy = 'x'\n\
                [[typescript]]\nplace = 'Level.Low'\nschema = 'no value'\ntypescript = 'an arm'\nwhy = 'x'\n";
    let decisions = decisions(r#""low""#, r#""Low""#, rows);
    let problems: Vec<String> = decisions.iter().map(Decision::to_string).collect();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert_eq!(
        problems[1],
        "schema/overrides.toml: Level.low: the JSON Schema says `a value`, TypeScript says `no value`; find out what \
         the server writes, then add a [[typescript]] row or correct the schema in extra.json"
    );
    assert_eq!(
        problems[2],
        "schema/overrides.toml: [[typescript]] Level.Low: `no value`, TypeScript `an arm` explains nothing; remove \
         the row"
    );
}

/// Of two types with one name, the schema calls the one outside `v2` by another name.
#[test]
fn a_type_of_both_levels_is_found_by_its_path() {
    let mut files = FILES.map(|(name, text)| (name, text.to_owned())).to_vec();
    files.push(("v2/Level.ts", "export type Level = \"v2\";".to_owned()));
    let types = parse(&files).expect("readable TypeScript");
    let definitions = definitions();
    let bundle = bundle::bundle(definitions.as_object().expect("definitions by name"));
    let schema = Schema::from_any(&Source { name: "stable.json", bytes: bundle.as_bytes() }, None).unwrap();
    let tables = tables("");
    let model = Generator::new(Config::default(), schema).model().expect("a model");
    let decisions = types.decisions(&types, &model, &tables);
    // `FixtureCallParams` imports the outer one, whose values agree; the definition `Level` is the inner one.
    let places: Vec<&str> = decisions.iter().filter_map(|found| found.problem.split(": ").next()).collect();
    assert_eq!(places, ["FixtureCallResponse", "Level.high", "Level.low", "Level.v2"]);
}

#[test]
fn unreadable_typescript_is_an_error_with_file_and_line() {
    let text = "\nexport class A {}".to_owned();
    let error = parse(&[("v2/A.ts", text)]).expect_err("no type").to_string();
    assert_eq!(error, "generate-ts/v2/A.ts:2: expected `type`, found `class A {}`");
}
