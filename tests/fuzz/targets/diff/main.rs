//! Compares schemas made from the input, and renders every report of the comparison.
//!
//! An input is a schema, or changes to the base of the tests as in `crates/diff/tests/cases`: a JSON object with a patch
//! `before`, which makes the older schema, and a patch `patch`, which makes the newer one of that.
#![no_main]

mod mutator;

use std::sync::LazyLock;

use codex_appserver_bindgen::model::Model;
use codex_appserver_bindgen::{Config, Generator, Prose, Schema, Source};
use codex_appserver_diff::history::History;
use codex_appserver_diff::report::{github, html, json, markdown, text};
use codex_appserver_diff::verdict::{Axis, Gate, Skew};
use codex_appserver_diff::{Comparison, Options, compare};
use json_patch::{Patch, PatchOperation};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    match serde_json::from_slice(bytes) {
        Ok(changes) => changed_base(&changes),
        Err(_) => one_schema(bytes),
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutator::mutate(data, size, max_size, seed)
});

/// The schema that patches apply to.
static BASE: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../crates/diff/tests/base.json")).expect("the base is JSON")
});

#[derive(serde::Deserialize)]
struct Changes {
    #[serde(default)]
    before: Patch,
    patch: Patch,
}

fn changed_base(changes: &Changes) {
    let old = patched(&BASE, &changes.before);
    let new = patched(&old, &changes.patch);
    let (old, new) = (old.to_string(), new.to_string());
    // The newer schema may be what the experimental surface adds to the older one.
    let merged = Schema::from_bundles(&source(old.as_bytes()), Some(&source(new.as_bytes())), Prose::Drop);
    let [old, new] = [old, new].map(|text| schema(text.as_bytes()).and_then(model));
    let merged = merged.ok().and_then(model);
    // All axes and skews on all pairs would take many times as long.
    for (old, new, axis, skew) in [
        (&old, &new, Axis::Wire, Skew::OldClient),
        (&new, &old, Axis::Source, Skew::NewClient),
        (&old, &merged, Axis::Both, Skew::Both),
    ] {
        if let (Some(old), Some(new)) = (old, new) {
            compared(old, new, Gate { axis, skew, ..Gate::default() });
        }
    }
}

fn one_schema(bytes: &[u8]) {
    if let Some(model) = schema(bytes).and_then(model) {
        compared(&model, &model, Gate::default());
    }
}

/// Applies the operations that fit.
fn patched(schema: &Value, patch: &Patch) -> Value {
    let mut schema = schema.clone();
    for operation in &patch.0 {
        // Twenty copies of the whole into itself would fill the memory.
        if !matches!(operation, PatchOperation::Copy(_)) {
            let _ = json_patch::patch(&mut schema, std::slice::from_ref(operation));
        }
    }
    schema
}

fn source(bytes: &[u8]) -> Source<'_> {
    Source { name: "schema.json", bytes }
}

fn schema(bytes: &[u8]) -> Option<Schema> {
    Schema::from_any(&source(bytes), None).ok()
}

fn model(schema: Schema) -> Option<Model> {
    Generator::new(Config::default(), schema).model().ok()
}

fn compared(old: &Model, new: &Model, gate: Gate) {
    let comparison = compare(old, new, &Options::default());
    let stable = compare(old, new, &Options { stable_only: true, ..Options::default() });
    assert!(stable.findings.len() <= comparison.findings.len(), "the stable surface has findings of its own");
    assert_eq!(compare(old, old, &Options::default()).findings, [], "a schema differs from itself");
    rendered(&comparison, gate);

    let mut history = History::default();
    history.push("old", old, None);
    history.push("new", new, Some((old, &comparison)));
    assert_plain(&history.html().expect("the page renders"));
    assert_plain(&history.markdown().expect("the table renders"));
}

fn rendered(comparison: &Comparison, gate: Gate) {
    assert_plain(&html::render(comparison, gate).expect("the page renders"));
    assert_plain(&without_colours(text::render(comparison, gate)));
    let comment = markdown::render(comparison, gate).expect("the comment renders");
    assert_plain(&comment);
    assert!(comment.len() <= markdown::LIMIT, "GitHub refuses a comment of {} bytes", comment.len());
    let annotations = github::render(comparison, gate, Some("schema.json"));
    assert_plain(&annotations);
    assert!(annotations.lines().all(|line| line.starts_with("::")), "{annotations}");
    let document = json::render(comparison).expect("the document renders");
    let document: json::Document = serde_json::from_str(&document).expect("the document reads back");
    assert_eq!(&document.comparison, comparison);
}

/// No name of a schema steers a terminal.
fn assert_plain(report: &str) {
    let control = report.find(|c: char| c.is_control() && c != '\n');
    assert_eq!(control.map(|at| report.split_at(at)), None, "a control character");
}

/// The text without the colours that the report itself adds.
fn without_colours(text: String) -> String {
    ["0", "1", "2", "31", "32", "33"]
        .iter()
        .fold(text, |text, code| text.replace(&format!("\u{1b}[{code}m"), ""))
}
