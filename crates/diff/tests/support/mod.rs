//! Models to compare: the small base of the fixtures, and the protocols that the repository keeps.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use codex_appserver_bindgen::model::Model;
use codex_appserver_bindgen::{Boxes, Config, Error, Generator, Schema, Source, TableSources, Tables};
use codex_appserver_diff::{Change, Comparison, Finding, Options, compare, rule};
use serde_json::Value;

/// The versions under `tests/fixtures/protocols`, oldest first, and the pinned one.
pub const VERSIONS: [&str; 6] = ["0.99.0", "0.115.0", "0.135.0", "0.150.0", "0.166.0", "pinned"];

/// The folder of this crate's tests.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The root of the repository.
pub fn repo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The base that fixtures patch.
pub fn base() -> Value {
    json(&folder().join("base.json"))
}

/// A protocol of the repository as JSON.
pub fn protocol(version: &str) -> Value {
    json(&match version {
        "pinned" => repo().join("schema/app-server.json"),
        version => repo().join(format!("tests/fixtures/protocols/{version}.json")),
    })
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&read(path)).expect("the file is JSON")
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The model of a canonical schema; what the pinned schema cannot say is said by its tables.
pub fn try_model(schema: &Value) -> Result<Model, Error> {
    let bytes = schema.to_string().into_bytes();
    let schema = Schema::from_any(&Source { name: "schema.json", bytes: &bytes }, None)?;
    Generator::new(Config { tables: tables(), ..Config::default() }, schema).model()
}

/// The model of a canonical schema and of nothing else.
pub fn plain_model(text: &str) -> Model {
    let source = Source { name: "schema.json", bytes: text.as_bytes() };
    let schema = Schema::from_any(&source, None).unwrap_or_else(|error| panic!("{error}"));
    Generator::new(Config::default(), schema).model().unwrap_or_else(|error| panic!("{error}"))
}

/// [`try_model`] of a schema that is known to be one.
pub fn model(schema: &Value) -> Model {
    try_model(schema).unwrap_or_else(|error| panic!("{error}"))
}

/// Read once per test program.
fn tables() -> Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    let parse = || {
        let files = ["overrides.toml", "docs.toml", "typify.toml", "extra.json"];
        let [overrides, docs, typify, extra] = files.map(|file| read(&repo().join("schema").join(file)));
        let sources = TableSources {
            overrides: Source { name: files[0], bytes: &overrides },
            docs: Source { name: files[1], bytes: &docs },
            typify: Source { name: files[2], bytes: &typify },
            extra: Source { name: files[3], bytes: &extra },
        };
        let boxes = read(&repo().join("schema/boxes.toml"));
        let boxes = Boxes::parse(&Source { name: "boxes.toml", bytes: &boxes });
        let tables = Tables::parse(&sources).expect("the tables of the repository are fine");
        tables.with_boxes(boxes.expect("the boxes of the repository are fine"))
    };
    TABLES.get_or_init(parse).clone()
}

/// What differs, on both surfaces.
pub fn diff(old: &Model, new: &Model) -> Comparison {
    compare(old, new, &Options::default())
}

/// The kind of change of a finding.
pub fn change(finding: &Finding) -> Change {
    rule(&finding.rule).unwrap_or_else(|| panic!("no rule `{}`", finding.rule)).change
}
