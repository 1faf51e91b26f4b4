//! Reads the fixtures under `constructs/`: each is one shape of the schema, and values of the types it becomes.
//!
//! A fixture defines its types and, where they matter, the payloads of the methods around them; every
//! method union that it does not bring itself is made from the [`bundle::SLOTS`] that it fills.

use std::path::{Path, PathBuf};

use codex_appserver_bindgen::{
    Config, Generator, Layout, Output, Prose, Schema, Source, TableSources, Tables,
};
use serde::Deserialize;
use serde_json::{Map, Value};

mod bundle;

use bundle::bundle;

/// One construct of the schema.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// The file's name without its extension, which is a Rust module name as well.
    #[serde(skip)]
    pub name: String,
    /// What is special about the shape.
    pub about: String,
    schema: Bundle,
    /// What only the experimental bundle has: replaces or joins the definitions of `schema`.
    experimental: Option<Bundle>,
    /// The lines of an `overrides.toml`.
    #[serde(default)]
    overrides: Vec<String>,
    /// The generated files that make up the snapshot; without it, those with the fixture's types.
    #[serde(default)]
    #[allow(dead_code, reason = "the other tests take no snapshots")]
    pub files: Vec<String>,
    /// Put the descriptions of the schema into the docs.
    #[serde(default, rename = "upstreamDocs")]
    pub upstream_docs: bool,
    /// Values, as `runner.rs` reads them.
    pub samples: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    #[serde(default)]
    definitions: Map<String, Value>,
    /// What JSON Schema 2020-12 calls them; instead of the other.
    #[serde(default, rename = "$defs")]
    defs: Map<String, Value>,
}

impl Bundle {
    fn text(&self) -> String {
        if self.defs.is_empty() {
            return bundle(&self.definitions);
        }
        let mut root: Value = serde_json::from_str(&bundle(&self.defs)).expect("a bundle is JSON");
        root["$defs"] = root["definitions"].take();
        root.as_object_mut().expect("a bundle is an object").remove("definitions");
        root.to_string()
    }
}

impl Fixture {
    /// Reads one file.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a fixture is a text file");
        let mut fixture: Self = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("{}: {error}", path.file_name().unwrap_or_default().to_string_lossy())
        });
        fixture.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        fixture
    }

    /// Generates the crates of the fixture.
    pub fn generate(&self, layout: Layout) -> Output {
        self.generate_with(Config { layout, ..Config::default() })
    }

    /// The same, but for the tables, which are the fixture's own.
    pub fn generate_with(&self, config: Config) -> Output {
        let config = Config { tables: self.tables(), upstream_docs: self.upstream_docs, ..config };
        Generator::new(config, self.schema())
            .run()
            .unwrap_or_else(|error| panic!("fixture `{}` does not generate: {error}", self.name))
    }

    fn schema(&self) -> Schema {
        let stable = self.schema.text();
        let experimental = self.experimental.as_ref().map(|more| {
            let mut all = self.schema.definitions.clone();
            all.extend(more.definitions.clone());
            bundle(&all)
        });
        let source = Source { name: "stable.json", bytes: stable.as_bytes() };
        let second =
            experimental.as_ref().map(|text| Source { name: "experimental.json", bytes: text.as_bytes() });
        let prose = if self.upstream_docs { Prose::Keep } else { Prose::Drop };
        Schema::from_any_with(&source, second.as_ref(), prose)
            .unwrap_or_else(|error| panic!("fixture `{}` does not load: {error}", self.name))
    }

    fn tables(&self) -> Tables {
        let overrides = self.overrides.join("\n");
        let source = |name, bytes| Source { name, bytes };
        Tables::parse(&TableSources {
            overrides: source("overrides.toml", overrides.as_bytes()),
            docs: source("docs.toml", b""),
            typify: source("typify.toml", b""),
            extra: source("extra.json", br#"{"definitions": {}}"#),
        })
        .unwrap_or_else(|error| panic!("fixture `{}`: {error}", self.name))
    }
}

/// The folder of the fixtures.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/constructs")
}
