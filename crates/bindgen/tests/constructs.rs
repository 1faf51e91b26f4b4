//! What each construct of the schema becomes in Rust, as snapshots to be read.

use codex_appserver_bindgen::{Layout, Output};

mod support;

use support::Fixture;

/// Files that look alike for every schema; a fixture that is about them lists its `files`.
const BOILERPLATE: [&str; 11] = [
    "lib.rs",
    "mod.rs",
    "method.rs",
    "client_request.rs",
    "server_request.rs",
    "server_notification.rs",
    "client_notification.rs",
    "call.rs",
    "methods.rs",
    "handler.rs",
    "since.rs",
];

#[test]
fn rust_of_every_construct() {
    insta::glob!("constructs/*.json", |path| {
        let fixture = Fixture::read(path);
        let rust = specific(&fixture, &fixture.generate(Layout::Workspace));
        insta::with_settings!({ description => &fixture.about, snapshot_suffix => "", omit_expression => true }, {
            insta::assert_snapshot!(fixture.name.as_str(), rust);
        });
    });
}

/// A fixture that says nothing about values would only test that its Rust compiles.
#[test]
fn every_fixture_has_values_that_decode_and_says_what_it_is_about() {
    let files = std::fs::read_dir(support::folder()).expect("the folder is there");
    let fixtures: Vec<Fixture> = files.map(|file| Fixture::read(&file.expect("readable").path())).collect();
    assert!(fixtures.len() > 30, "only {} fixtures", fixtures.len());
    for Fixture { name, about, samples, .. } in fixtures {
        assert!(about.ends_with('.'), "{name}: `about` is no sentence");
        let valid = samples.get("valid").and_then(|valid| valid.as_array()).map_or(0, Vec::len);
        assert!(valid > 0, "{name}: no valid samples");
    }
}

/// A snapshot outlives its fixture otherwise.
#[test]
fn every_snapshot_has_a_fixture() {
    let snapshots = support::folder().with_file_name("snapshots");
    for file in std::fs::read_dir(snapshots).expect("the folder is there") {
        let name = file.expect("readable").file_name().to_string_lossy().into_owned();
        if let Some(fixture) = name.strip_prefix("constructs__").and_then(|name| name.split('.').next()) {
            let path = support::folder().join(fixture).with_extension("json");
            assert!(path.exists(), "{name} is the snapshot of no fixture; remove it");
        }
    }
}

/// The files that the fixture is about, without what every file opens with.
fn specific(fixture: &Fixture, output: &Output) -> String {
    let has_types = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.ends_with(".rs") && !BOILERPLATE.contains(&name) && !path.contains("/setters/")
    };
    let mut missing: Vec<&String> = fixture.files.iter().collect();
    let mut out = String::new();
    for (path, bytes) in &output.files {
        let listed = missing.iter().position(|file| *file == path).map(|index| missing.remove(index));
        if listed.is_some() || fixture.files.is_empty() && has_types(path) {
            let text = String::from_utf8(bytes.clone()).expect("generated files are text");
            out.push_str(&format!("// {path}\n\n{}\n", body(&text)));
        }
    }
    assert!(missing.is_empty(), "{}: these files are not generated: {missing:?}", fixture.name);
    out
}

/// A file without its header (whose hash and version change), its own docs and the import all files have.
fn body(text: &str) -> String {
    let lines = text.lines().skip_while(|line| {
        line.is_empty()
            || line.starts_with("// ")
            || line.starts_with("//!")
            || *line == "#[allow(unused_imports)]"
            || *line == "use crate::prelude::*;"
    });
    lines.map(|line| format!("{line}\n")).collect()
}
