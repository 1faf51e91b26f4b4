//! The reviewed tables beside the schema: what it cannot say, and our own words.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::boxes::Boxes;
use crate::decision::{Decision, Open};
use crate::error::{Error, Result};
use crate::history::History;
use crate::load::{Schema, Source};
use crate::model::Model;
use crate::rows::{Docs, Overrides, Typify};

/// Everything that codegen reads beside the schema. Empty tables are fine for a schema of your own.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    pub(crate) overrides: Overrides,
    pub(crate) docs: Docs,
    pub(crate) typify: Typify,
    pub(crate) extra: BTreeMap<String, Value>,
    pub(crate) history: Option<History>,
    pub(crate) boxes: Boxes,
    /// Values that are still to be filled in.
    pub(crate) unfinished: Vec<Decision>,
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
            overrides: sources.overrides.toml()?,
            docs: sources.docs.toml()?,
            typify: sources.typify.toml()?,
            extra: extra.definitions,
            history: None,
            boxes: Boxes::default(),
            unfinished: [sources.overrides, sources.docs, sources.typify]
                .iter()
                .flat_map(unfinished)
                .collect(),
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

    /// The model of a schema with the rows of these tables applied. The second value lists what a person has to decide.
    pub(crate) fn model(&self, schema: &Schema) -> Result<(Model, Open)> {
        Model::build(schema, &self.overrides, &self.extra, &self.boxes)
    }
}

/// The lines that a decision proposed and that still say `…`.
fn unfinished(source: &Source<'_>) -> Vec<Decision> {
    let text = String::from_utf8_lossy(source.bytes);
    let lines = text.lines().enumerate().filter(|(_, line)| line.trim_end().ends_with("\"…\""));
    lines
        .map(|(index, _)| {
            let place = format!("{}:{}", source.name, index + 1);
            Decision::new(&place, "`…` stands for what a person has to write; write it")
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Extra {
    definitions: BTreeMap<String, Value>,
}
