//! The comparison on small schemas with one planted difference each.

mod real;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{REMEDY, Report, check, theirs};
use crate::decision::Decision;
use crate::load::Schema;
use crate::lower::{self, FieldItem, Item, ItemKind, Presence, RustType};
use crate::model::Model;
use crate::rows::{DiffersRow, DistinctNullRow, RootRow, WireNameRow};
use crate::shape::IntFormat;
use crate::tables::Tables;

/// Both sides of a small schema.
struct Case {
    schema: Schema,
    tables: Tables,
    model: Model,
    items: BTreeMap<String, Item>,
}

impl Case {
    /// Generates every definition, as something the client reads.
    fn new(definitions: Value) -> Self {
        let roots = definitions
            .as_object()
            .expect("an object")
            .keys()
            .map(|name| RootRow { definition: name.clone(), why: "a test".into() });
        let mut tables = Tables::default();
        tables.overrides.root = roots.collect();
        Self::with_tables(schema(definitions), tables)
    }

    fn with_tables(schema: Schema, tables: Tables) -> Self {
        let (model, _) = tables.model(&schema).expect("a model");
        let items = lower::items(&model, &tables.docs).expect("items").items;
        Self { schema, tables, model, items }
    }

    fn report(&self) -> Report {
        check(&self.schema, &self.model, &self.items, &self.tables.typify).expect("a comparison")
    }

    fn fields(&mut self, item: &str) -> &mut Vec<FieldItem> {
        match &mut self.items.get_mut(item).expect("an item").kind {
            ItemKind::Struct(structure) => &mut structure.fields,
            _ => panic!("{item} is no struct"),
        }
    }

    fn field(&mut self, item: &str, wire: &str) -> &mut FieldItem {
        self.fields(item).iter_mut().find(|field| field.wire == wire).expect("a field")
    }

    fn explain(&mut self, place: &str, ours: &str, typify: &str) {
        let row = DiffersRow {
            place: place.into(),
            ours: ours.into(),
            typify: typify.into(),
            why: "a test".into(),
        };
        self.tables.typify.differs.push(row);
    }
}

fn schema(definitions: Value) -> Schema {
    Schema {
        codex_version: None,
        definitions: serde_json::from_value(definitions).expect("definitions"),
        defs: false,
    }
}

/// An object with one required member.
fn arm(name: &str, member: Value) -> Value {
    json!({ "type": "object", "properties": { name: member }, "required": [name] })
}

/// One of everything plain, with non-plain neighbours of every kind.
fn mixed() -> Value {
    json!({
        "Turn": {
            "type": "object",
            "properties": {
                "turnId": { "$ref": "#/definitions/TurnId" },
                "parentTurnId": { "anyOf": [{ "$ref": "#/definitions/TurnId" }, { "type": "null" }] },
                "type": { "type": "string", "minLength": 1 },
                "_meta": true,
                "tokens": { "type": "integer", "format": "int64" },
                "ratio": { "type": "number", "format": "double" },
                "path": { "type": ["string", "null"] },
                "labels": { "type": "object", "additionalProperties": { "type": "string" } },
                "extra": { "type": "object" },
                "steps": { "type": "array", "items": { "$ref": "#/definitions/Item" }, "default": [] },
                "status": { "allOf": [{ "$ref": "#/definitions/Status" }], "default": "in-progress" },
                "next": { "anyOf": [{ "$ref": "#/definitions/Turn" }, { "type": "null" }] },
            },
            "required": ["turnId", "type", "tokens", "ratio", "path", "labels", "extra"],
        },
        "TurnId": { "type": "string" },
        "TurnIds": { "type": "array", "items": { "$ref": "#/definitions/TurnId" } },
        "Empty": { "type": "object" },
        "Anything": { "type": "object", "additionalProperties": true },
        "Status": { "type": "string", "enum": ["in-progress", "done", "5h"] },
        "Stage": {
            "oneOf": [{ "type": "string", "enum": ["beta"] }, { "type": "string", "enum": ["stable"] }],
        },
        "Item": {
            "oneOf": [
                arm("type", json!({ "type": "string", "enum": ["a"] })),
                arm("type", json!({ "type": "string", "enum": ["b"] })),
            ],
        },
        "Choice": {
            "type": "object",
            "properties": { "name": { "type": "string" } },
            "required": ["name"],
            "anyOf": [
                arm("url", json!({ "type": "string" })),
                arm("fileId", json!({ "type": "string" })),
            ],
        },
        "External": {
            "oneOf": [
                { "type": "string", "enum": ["none"] },
                arm("some", json!({ "type": "string" })),
            ],
        },
        "Inline": {
            "type": "object",
            "properties": { "inner": { "type": "object", "properties": { "deep": { "type": "string" } } } },
        },
        "User": {
            "type": "object",
            "properties": {
                "choice": { "$ref": "#/definitions/Choice" },
                "external": { "allOf": [{ "$ref": "#/definitions/External" }], "default": "none" },
                "inline": { "$ref": "#/definitions/Inline" },
            },
            "required": ["choice"],
        },
    })
}

fn count() -> Value {
    json!({
        "Count": {
            "type": "object",
            "properties": {
                "total": { "type": "integer", "format": "uint64" },
                "limit": { "type": "integer", "format": "uint64" },
            },
            "required": ["total"],
        },
        "Level": { "type": "string", "enum": ["low", "high"] },
    })
}

/// What the decisions are about, without the advice.
fn problems(decisions: &[Decision]) -> Vec<String> {
    decisions.iter().map(|decision| decision.problem.replace(REMEDY, "")).collect()
}

fn disagreements(report: &Report) -> Vec<String> {
    problems(&report.open.missing)
}

#[test]
fn the_two_agree_on_whatever_is_plain_and_leave_out_the_rest() {
    let report = Case::new(mixed()).report();
    let expected = Report { compared_definitions: 8, compared_fields: 15, ..Report::default() };
    assert_eq!(report, expected);
}

#[test]
fn a_wrong_type_is_named() {
    let mut case = Case::new(count());
    case.field("Count", "total").ty = RustType::Int(IntFormat::I32);
    assert_eq!(disagreements(&case.report()), ["Count.total: ours `i32`, typify `u64`"]);
}

#[test]
fn a_dropped_and_an_invented_member_are_named() {
    let mut case = Case::new(count());
    let mut dropped = case.fields("Count").remove(0);
    dropped.wire = "most".into();
    case.fields("Count").push(dropped);
    assert_eq!(
        disagreements(&case.report()),
        [
            "Count.most: ours `Option<u64>, may be missing`, typify `nothing`",
            "Count.limit: ours `nothing`, typify `Option<u64>, may be missing`",
        ]
    );
}

#[test]
fn a_wrong_presence_is_named() {
    for (presence, reading) in [
        (Presence::Required, "u64"),
        (Presence::Nullable, "Option<u64>"),
        (Presence::Default(json!(0)), "u64, a default when missing"),
    ] {
        let mut case = Case::new(count());
        case.field("Count", "limit").presence = presence;
        let expected = format!("Count.limit: ours `{reading}`, typify `Option<u64>, may be missing`");
        assert_eq!(disagreements(&case.report()), [expected]);
    }
}

#[test]
fn a_wrong_value_is_named() {
    let mut case = Case::new(count());
    if let ItemKind::StringEnum(values) = &mut case.items.get_mut("Level").expect("an item").kind {
        values.retain(|value| value.wire != "high");
    }
    assert_eq!(disagreements(&case.report()), ["Level.High: ours `nothing`, typify `High`"]);
}

#[test]
fn another_kind_of_type_and_a_missing_one_are_named() {
    let mut case = Case::new(count());
    case.items.get_mut("Level").expect("an item").kind = ItemKind::Alias(RustType::String);
    case.items.remove("Count");
    assert_eq!(
        disagreements(&case.report()),
        ["Count: ours `nothing`, typify `struct of 2`", "Level: ours `String`, typify `enum of 2`"]
    );
}

#[test]
fn a_row_explains_just_what_it_says() {
    let mut case = Case::new(count());
    case.field("Count", "total").ty = RustType::Int(IntFormat::I32);
    case.explain("Count.total", "i32", "u64");
    let report = case.report();
    assert_eq!((report.open.missing.len(), report.open.idle.len()), (0, 0));

    case.field("Count", "total").ty = RustType::Int(IntFormat::I8);
    let report = case.report();
    assert_eq!(disagreements(&report), ["Count.total: ours `i8`, typify `u64`"]);
    assert_eq!(report.open.idle.len(), 1);
}

#[test]
fn a_row_that_explains_nothing_is_reported() {
    let mut case = Case::new(count());
    case.explain("Count.total", "i32", "u64");
    let unused: Vec<String> = problems(&case.report().open.idle);
    assert_eq!(unused.len(), 1);
    assert!(unused[0].starts_with("[[differs]] Count.total: ours `i32`, typify `u64` explains nothing"));
}

#[test]
fn a_default_is_left_to_the_server_only_where_the_client_alone_writes() {
    let definitions = json!({
        "ClientRequest": {
            "oneOf": [{
                "type": "object",
                "properties": {
                    "method": { "type": "string", "enum": ["list"] },
                    "params": { "$ref": "#/definitions/ListParams" },
                },
                "required": ["method", "params"],
            }],
        },
        "ListParams": {
            "type": "object",
            "properties": {
                "tags": { "type": "array", "items": { "type": "string" }, "default": [] },
                "paths": { "type": "array", "items": { "type": "string" } },
            },
        },
    });
    let case = Case::with_tables(schema(definitions.clone()), Tables::default());
    let lines = disagreements(&case.report());
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].starts_with("ListParams.paths: ours `Option<Vec<String>>, may be missing`, typify `Vec<")
    );

    let mut read = Case::new(definitions);
    read.field("ListParams", "tags").presence = Presence::Optional;
    assert!(disagreements(&read.report()).iter().any(|line| line.starts_with("ListParams.tags: ")));
}

#[test]
fn tables_that_rename_members_or_tell_null_apart_are_no_disagreement() {
    let definitions = json!({
        "Patch": {
            "type": "object",
            "properties": {
                "git_sha": { "type": ["string", "null"] },
                "tier": { "anyOf": [{ "type": ["string", "null"] }, { "type": "null" }] },
            },
        },
    });
    let mut tables = Case::new(definitions.clone()).tables;
    tables.overrides.wire_name = vec![WireNameRow {
        definition: "Patch".into(),
        members: [("git_sha".into(), "commitHash".into())].into(),
        why: "a test".into(),
    }];
    tables.overrides.distinct_null = vec![DistinctNullRow {
        definition: "Patch".into(),
        members: vec!["commitHash".into(), "tier".into()],
        why: "a test".into(),
    }];
    let mut case = Case::with_tables(schema(definitions), tables);
    assert_eq!(case.field("Patch", "commitHash").presence, Presence::Patch);
    assert_eq!(disagreements(&case.report()), [""; 0]);
}

#[test]
fn a_definition_that_typify_cannot_read_is_named() {
    let refused = json!({ "type": "integer", "format": "int32", "default": 5_000_000_000_i64 });
    let panicked_on = json!({ "type": "string", "enum": ["low", "Low"] });
    for bad in [refused, panicked_on] {
        let schema = schema(json!({
            "A": { "type": "string" },
            "B": bad,
            "C": { "type": "object", "properties": { "b": { "$ref": "#/definitions/B" } } },
        }));
        let error = theirs::views(&schema, &["A", "B", "C"]).expect_err("typify fails").to_string();
        assert!(error.starts_with("#/definitions/B: typify cannot read this definition: "), "{error}");
        assert_eq!(theirs::views(&schema, &["A", "C"]).expect("B is not asked for").len(), 2);
    }
}
