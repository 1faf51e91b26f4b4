//! The comparison on the schemas of real versions.

use std::path::Path;

use super::{Case, disagreements};
use crate::decision::Open;
use crate::load::{Schema, Source};
use crate::tables::{TableSources, Tables};

/// A file of the repository.
fn repository_file(path: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn real(path: &str, tables: Tables) -> Case {
    let bytes = repository_file(path);
    let schema = Schema::from_canonical(&Source { name: path, bytes: &bytes }).expect("a canonical schema");
    Case::with_tables(schema, tables)
}

fn reviewed_tables() -> Tables {
    let files = ["overrides.toml", "docs.toml", "typify.toml", "extra.json"];
    let [overrides, docs, typify, extra] = files.map(|name| repository_file(&format!("schema/{name}")));
    Tables::parse(&TableSources {
        overrides: Source { name: "overrides.toml", bytes: &overrides },
        docs: Source { name: "docs.toml", bytes: &docs },
        typify: Source { name: "typify.toml", bytes: &typify },
        extra: Source { name: "extra.json", bytes: &extra },
    })
    .expect("the tables parse")
}

#[test]
fn the_reviewed_rows_explain_the_pinned_schema() {
    let case = real("schema/app-server.json", reviewed_tables());
    let report = case.report();
    assert_eq!(report.open, Open::default());
    assert!(report.compared_definitions * 10 > case.model.definitions.len() * 9, "{report:?}");
    assert!(report.compared_fields > 2000, "{report:?}");
}

/// Their differences stand at places that the pinned schema may lack, so no row can explain them.
#[test]
fn older_schemas_differ_in_the_known_ways_alone() {
    for version in ["0.99.0", "0.115.0", "0.135.0", "0.150.0", "0.166.0"] {
        let case = real(&format!("tests/fixtures/protocols/{version}.json"), reviewed_tables());
        let report = case.report();
        assert!(report.compared_definitions * 10 > case.model.definitions.len() * 8, "{version}: {report:?}");
        for line in &disagreements(&report) {
            assert!(is_known_kind(line), "{version}: {line}");
        }
    }
}

/// A `uint`, a `null` by two routes, or a list that may be missing and has no default.
fn is_known_kind(line: &str) -> bool {
    let known = ["u32", "NonZeroU32", "Option<Option<", "Vec<String>, a default when missing"];
    line.split_once(", typify `").is_some_and(|(_, typify)| {
        let inner = typify.strip_prefix("Option<").unwrap_or(typify);
        known.iter().any(|kind| typify.starts_with(kind) || inner.starts_with(kind))
    })
}
