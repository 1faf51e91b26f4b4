//! The pipeline from end to end.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::codecs::Codecs;
use crate::crosscheck;
use crate::emit;
use crate::emit::{Emission, Layout};
use crate::error::{Error, Result};
use crate::load::Schema;
use crate::lower::{self, Item, ItemKind};
use crate::model::{Home, MethodKind, Model, Strictness};
use crate::tables::Tables;

/// How to generate.
#[derive(Clone, Debug)]
pub struct Config {
    /// The reviewed tables beside the schema.
    pub tables: Tables,
    /// Where the crates will stand.
    pub layout: Layout,
    /// The schema is the pinned one: a method without a response type or a summary, an unused response
    /// type and a table row of no use are errors instead of warnings.
    pub strict: bool,
    /// How the types get to and from JSON; anything but the default is for benches.
    pub codecs: Codecs,
}

impl Default for Config {
    fn default() -> Self {
        Self { tables: Tables::default(), layout: Layout::Workspace, strict: false, codecs: Codecs::Written }
    }
}

/// Generates the crates for one schema.
#[derive(Clone, Debug)]
pub struct Generator {
    config: Config,
    schema: Option<Schema>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Output {
    /// Every file with its path below the output folder, sorted by path.
    pub files: Vec<(String, Vec<u8>)>,
    /// The protocol on one page: a line per method.
    pub index: String,
    /// What a strict run would refuse.
    pub warnings: Vec<String>,
    /// How much there is of everything.
    pub summary: Summary,
}

/// How much there is of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Summary {
    pub codex_version: String,
    pub stable_requests: usize,
    pub experimental_requests: usize,
    pub stable_server_requests: usize,
    pub experimental_server_requests: usize,
    pub notifications: usize,
    pub client_notifications: usize,
    pub enums: usize,
    pub structs: usize,
    pub unions: usize,
    pub aliases: usize,
    /// Plain definitions that typify lowered as well.
    pub crosschecked: usize,
    /// Definitions that no method reaches; nothing is generated for them.
    pub unused: Vec<String>,
}

impl Generator {
    /// A generator without a schema yet.
    pub fn new(config: Config) -> Self {
        Self { config, schema: None }
    }

    /// Sets the schema.
    #[must_use]
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// The model of the schema, before any Rust.
    pub fn model(&self) -> Result<Model> {
        self.build_model().map(|(model, _)| model)
    }

    fn build_model(&self) -> Result<(Model, Vec<String>)> {
        Model::build(self.required_schema()?, &self.config.tables, Strictness { strict: self.config.strict })
    }

    fn required_schema(&self) -> Result<&Schema> {
        self.schema.as_ref().ok_or_else(|| Error::NotASchema {
            file: "Generator".into(),
            reason: "no schema was given; call `schema` before `run`".into(),
        })
    }

    /// Runs the pipeline; nothing is written.
    pub fn run(self) -> Result<Output> {
        let schema = self.required_schema()?;
        let (model, mut warnings) = self.build_model()?;
        let tables = &self.config.tables;
        if self.config.strict {
            check_docs(&model, tables)?;
        }
        let items = lower::items(&model, &tables.docs)?;
        let crosschecked = self.crosscheck(schema, &model, &items, &mut warnings)?;
        let emission = Emission {
            model: &model,
            items: &items,
            docs: &tables.docs,
            layout: &self.config.layout,
            codecs: self.config.codecs,
            schema_sha256: sha256(schema.to_canonical_json().as_bytes()),
        };
        let files = emission.files()?;
        let summary = Summary { crosschecked, ..summary(&model, items.values()) };
        Ok(Output { files, index: emit::index(&model), warnings, summary })
    }
}

impl Generator {
    /// Asks the second lowering. For the pinned schema it has to agree, but for the rows of the list; for
    /// any other one a disagreement is worth a warning. Returns how many definitions were compared.
    fn crosscheck(
        &self,
        schema: &Schema,
        model: &Model,
        items: &BTreeMap<String, Item>,
        warnings: &mut Vec<String>,
    ) -> Result<usize> {
        let result = crosscheck::check(schema, model, items, &self.config.tables.typify);
        if !self.config.strict {
            return Ok(match result {
                Ok(report) => {
                    warnings.extend(
                        report.disagreements.into_iter().map(|text| format!("typify differs: {text}")),
                    );
                    report.compared_definitions
                }
                Err(error) => {
                    warnings.push(format!("typify could not read the schema: {error}"));
                    0
                }
            });
        }
        let report = result?;
        if !report.disagreements.is_empty() {
            return Err(Error::Disagreement(report.disagreements));
        }
        match report.unused_rows.is_empty() {
            true => Ok(report.compared_definitions),
            false => Err(Error::table("schema/typify.toml", report.unused_rows.join("; "))),
        }
    }
}

/// Every method has a summary, and every summary a method or type.
fn check_docs(model: &Model, tables: &Tables) -> Result<()> {
    let docs = &tables.docs;
    let is_method = |name: &str| model.methods.iter().any(|method| method.name == name);
    let missing = model
        .methods
        .iter()
        .filter(|method| !docs.methods.contains_key(&method.name))
        .map(|method| format!("no summary for `{}`; add a line to [methods]", method.name));
    let stale = docs
        .methods
        .keys()
        .filter(|name| !is_method(name))
        .map(|name| format!("a summary for `{name}`, which is no method; remove the line"));
    let stale_types = docs.types.keys().filter(|name| !model.definitions.contains_key(*name)).map(|name| {
        format!("a summary for `{name}`, which is no type that a method reaches; remove the line")
    });
    let problems: Vec<String> = missing.chain(stale).chain(stale_types).collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::table("schema/docs.toml", problems.join("; "))),
    }
}

fn summary<'i>(model: &Model, items: impl Iterator<Item = &'i Item>) -> Summary {
    let count = |kind: MethodKind, experimental: bool| {
        model.of_kind(kind).filter(|method| method.experimental == experimental).count()
    };
    let mut summary = Summary {
        codex_version: model.codex_version.clone(),
        stable_requests: count(MethodKind::ClientRequest, false),
        experimental_requests: count(MethodKind::ClientRequest, true),
        stable_server_requests: count(MethodKind::ServerRequest, false),
        experimental_server_requests: count(MethodKind::ServerRequest, true),
        notifications: model.of_kind(MethodKind::ServerNotification).count(),
        client_notifications: model.of_kind(MethodKind::ClientNotification).count(),
        unused: model.unused.clone(),
        ..Summary::default()
    };
    for item in items {
        match &item.kind {
            ItemKind::StringEnum(_) => summary.enums += 1,
            ItemKind::Struct(_) => summary.structs += 1,
            ItemKind::Union(_) => summary.unions += 1,
            ItemKind::Alias(_) => summary.aliases += 1,
        }
        debug_assert!(item.home != Home::Enums || matches!(item.kind, ItemKind::StringEnum(_)));
    }
    summary
}

/// The SHA-256 of some bytes, in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
