//! The pinned schema always becomes the same files, and the method index is on one page for review.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use codex_appserver_bindgen::{Config, Generator, Layout, Output, Schema, Source, TableSources, Tables};
use serde_json::Value;

/// What the pinned schema becomes.
static PINNED: LazyLock<Output> = LazyLock::new(|| generate(&read("app-server.json")));

/// The folder with the pinned schema and its tables.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn generate(schema: &str) -> Output {
    let tables = ["overrides.toml", "docs.toml", "typify.toml", "extra.json"].map(|name| (name, read(name)));
    let [overrides, docs, typify, extra] =
        tables.each_ref().map(|(name, text)| Source { name, bytes: text.as_bytes() });
    let tables =
        Tables::parse(&TableSources { overrides, docs, typify, extra }).expect("the tables are sound");
    let source = Source { name: "app-server.json", bytes: schema.as_bytes() };
    let schema = Schema::from_any(&source, None).expect("the pinned schema loads");
    let config = Config { tables, layout: Layout::Workspace, strict: true, ..Config::default() };
    Generator::new(config, schema).run().expect("the pinned schema generates")
}

#[track_caller]
fn assert_same_as_pinned(other: &Output) {
    let paths = |output: &Output| output.files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&PINNED), paths(other));
    for ((path, one), (_, other)) in PINNED.files.iter().zip(&other.files) {
        assert!(one == other, "{path} differs");
    }
    assert_eq!(PINNED.index, other.index);
    assert_eq!(PINNED.summary, other.summary);
}

#[test]
fn the_same_schema_gives_the_same_bytes() {
    assert_same_as_pinned(&generate(&read("app-server.json")));
}

#[test]
fn the_order_of_members_does_not_matter() {
    let schema: Value = serde_json::from_str(&read("app-server.json")).expect("the pinned schema is JSON");
    let shuffled = shuffled(&schema, &mut Random(0x5eed));
    let sorted = schema.to_string();
    assert!(shuffled != sorted, "nothing was shuffled");
    assert!(serde_json::from_str::<Value>(&shuffled).ok() == Some(schema), "more than the order changed");
    assert_same_as_pinned(&generate(&shuffled));
}

/// A new codex must not change files whose content it does not change.
#[test]
fn the_version_and_the_hash_stand_once_in_each_crate() {
    let version = read("app-server.json").replace("\"x-codex-version\": \"", "\"x-codex-version\": \"9");
    let other = generate(&version);
    let mut changed: Vec<&str> = Vec::new();
    for ((path, one), (_, two)) in PINNED.files.iter().zip(&other.files) {
        let (one, two) = (String::from_utf8_lossy(one), String::from_utf8_lossy(two));
        let lines = one.lines().zip(two.lines()).filter(|(one, two)| one != two).count();
        assert_eq!(one.lines().count(), two.lines().count(), "{path}");
        assert!(lines <= 2, "{path}: {lines} lines name the version or the hash");
        changed.extend((lines > 0).then_some(path.as_str()));
    }
    let expected = [
        "enums/src/lib.rs",
        "methods/src/lib.rs",
        "notifications/src/lib.rs",
        "requests/src/lib.rs",
        "shapes/src/methods.rs",
        "types/src/lib.rs",
    ];
    assert_eq!(changed, expected);
}

#[test]
fn files_are_sorted_and_end_with_a_line_break() {
    let files = &PINNED.files;
    assert!(files.is_sorted_by(|(one, _), (other, _)| one < other), "not sorted, or a path occurs twice");
    for (path, bytes) in files {
        assert!(bytes.ends_with(b"\n") && !bytes.ends_with(b"\n\n"), "{path}");
    }
}

#[test]
fn method_index() {
    insta::with_settings!({ description => "The protocol on one page.", omit_expression => true }, {
        insta::assert_snapshot!("method_index", PINNED.index);
    });
}

#[test]
fn counts() {
    let Output { summary, warnings, .. } = &*PINNED;
    assert!(summary.stable_requests > 100 && summary.experimental_requests > 50, "{summary:?}");
    assert!(summary.stable_server_requests > 5 && summary.notifications > 50, "{summary:?}");
    assert_eq!(summary.client_notifications, 1);
    assert_eq!(*warnings, Vec::<String>::new());
}

/// A linear congruential generator: the same order in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// The text of a value, the members of each object in an order of their own. A map would sort them.
fn shuffled(value: &Value, random: &mut Random) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            for index in (1..members.len()).rev() {
                members.swap(index, random.below(index + 1));
            }
            let members = members
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), shuffled(value, random)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| shuffled(item, random));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}
