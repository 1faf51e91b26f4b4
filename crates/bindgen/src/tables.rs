//! The reviewed tables beside the schema: what it cannot say, and our own words.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::boxes::Boxes;
use crate::error::{Error, Result};
use crate::history::History;
use crate::load::Source;

/// Everything that codegen reads beside the schema. Empty tables are fine for a schema of your own.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    pub(crate) overrides: Overrides,
    pub(crate) docs: Docs,
    pub(crate) typify: Typify,
    pub(crate) extra: BTreeMap<String, Value>,
    pub(crate) history: Option<History>,
    pub(crate) boxes: Boxes,
}

/// The table files.
#[derive(Clone, Copy, Debug)]
pub struct TableSources<'a> {
    /// `overrides.toml`
    pub overrides: Source<'a>,
    /// `docs.toml`
    pub docs: Source<'a>,
    /// `typify.toml`
    pub typify: Source<'a>,
    /// `extra.json`
    pub extra: Source<'a>,
}

impl Tables {
    /// Reads the four files.
    pub fn parse(sources: &TableSources<'_>) -> Result<Self> {
        let extra: Extra = serde_json::from_slice(sources.extra.bytes)
            .map_err(|error| Error::Json { file: sources.extra.name.to_owned(), error })?;
        Ok(Self {
            overrides: toml(&sources.overrides)?,
            docs: toml(&sources.docs)?,
            typify: toml(&sources.typify)?,
            extra: extra.definitions,
            history: None,
            boxes: Boxes::default(),
        })
    }

    /// The tables with the history of the protocol, which dates methods, types and their parts.
    #[must_use]
    pub fn with_history(self, history: History) -> Self {
        Self { history: Some(history), ..self }
    }

    /// The tables with what an earlier run boxed, which stays as it is.
    #[must_use]
    pub fn with_boxes(self, boxes: Boxes) -> Self {
        Self { boxes, ..self }
    }
}

pub(crate) fn toml<T: for<'de> Deserialize<'de>>(source: &Source<'_>) -> Result<T> {
    let text = std::str::from_utf8(source.bytes)
        .map_err(|error| Error::table(source.name, format!("not UTF-8: {error}")))?;
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        Error::table(&format!("{}:{line}", source.name), error.message().replace('\n', " "))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Extra {
    definitions: BTreeMap<String, Value>,
}

/// `overrides.toml`: what the schema cannot say. Every row says why.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Overrides {
    #[serde(default)]
    pub(crate) response: Vec<ResponseRow>,
    #[serde(default)]
    pub(crate) method: Vec<MethodRow>,
    #[serde(default)]
    pub(crate) wire_name: Vec<WireNameRow>,
    #[serde(default)]
    pub(crate) distinct_null: Vec<DistinctNullRow>,
    #[serde(default)]
    pub(crate) root: Vec<RootRow>,
    #[serde(default)]
    pub(crate) typescript: Vec<TypeScriptRow>,
}

/// The response type of a method that no rule finds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResponseRow {
    pub(crate) method: String,
    #[serde(rename = "type")]
    pub(crate) response: String,
    #[allow(dead_code, reason = "the reason is for the reader of the table")]
    pub(crate) why: String,
}

/// A method that the server has and the bundle lacks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodRow {
    pub(crate) union: String,
    pub(crate) method: String,
    pub(crate) params: String,
    pub(crate) experimental: bool,
    #[allow(dead_code, reason = "the reason is for the reader of the table")]
    pub(crate) why: String,
}

/// A member whose name on the wire differs from the schema.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WireNameRow {
    #[serde(rename = "type")]
    pub(crate) definition: String,
    pub(crate) members: BTreeMap<String, String>,
    #[allow(dead_code, reason = "the reason is for the reader of the table")]
    pub(crate) why: String,
}

/// Members for which absent and `null` mean different things.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DistinctNullRow {
    #[serde(rename = "type")]
    pub(crate) definition: String,
    pub(crate) members: Vec<String>,
    #[allow(dead_code, reason = "the reason is for the reader of the table")]
    pub(crate) why: String,
}

/// A definition to generate although no method names it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RootRow {
    #[serde(rename = "type")]
    pub(crate) definition: String,
    #[allow(dead_code, reason = "the reason is for the reader of the table")]
    pub(crate) why: String,
}

/// A place where the server's TypeScript differs from its JSON Schema and the schema is right.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypeScriptRow {
    /// `Type.member`, `Type.arm.member`, or the union and name of a method.
    pub(crate) place: String,
    /// What the schema says.
    pub(crate) schema: String,
    /// What TypeScript says.
    pub(crate) typescript: String,
    #[allow(dead_code, reason = "the reason is for the reader of the table")]
    pub(crate) why: String,
}

/// `docs.toml`: one line about each method, and about the types people meet first.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Docs {
    #[serde(default)]
    pub(crate) methods: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) types: BTreeMap<String, String>,
}

/// `typify.toml`: where the second lowering may differ, and why.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Typify {
    #[serde(default)]
    pub(crate) differs: Vec<DiffersRow>,
}

/// One place, or one kind of place, where the second lowering differs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffersRow {
    /// `Type.member`.
    pub(crate) place: String,
    /// What ours is.
    pub(crate) ours: String,
    /// What typify makes of it.
    pub(crate) typify: String,
    #[allow(dead_code, reason = "the reason is for the reader of the table")]
    pub(crate) why: String,
}
