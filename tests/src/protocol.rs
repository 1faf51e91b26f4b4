//! The protocol models that tests work from: the pinned one with its tables, and any fixture.

use std::path::Path;

use codex_appserver_bindgen::model::Model;
use codex_appserver_bindgen::{Config, Generator, Schema, Source, TableSources, Tables};

/// The bytes of a file of the repository.
pub fn read(path: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The model of the pinned schema.
pub fn pinned() -> Model {
    let files = ["overrides.toml", "docs.toml", "typify.toml", "extra.json"];
    let bytes = files.map(|name| read(&format!("schema/{name}")));
    let [overrides, docs, typify, extra] =
        [0, 1, 2, 3].map(|index| Source { name: files[index], bytes: &bytes[index] });
    let tables = Tables::parse(&TableSources { overrides, docs, typify, extra }).expect("the tables parse");
    model("schema/app-server.json", Config { tables, strict: true, ..Config::default() })
}

/// The model of a canonical file, without any tables.
pub fn plain(path: &str) -> Model {
    model(path, Config::default())
}

fn model(path: &str, config: Config) -> Model {
    let bytes = read(path);
    let schema = Schema::from_any(&Source { name: path, bytes: &bytes }, None).expect("a schema");
    Generator::new(config, schema).model().expect("a model")
}
