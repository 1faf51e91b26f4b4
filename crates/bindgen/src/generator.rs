//! The pipeline from end to end.

use sha2::{Digest, Sha256};

use crate::boxes::Boxes;
use crate::codecs::Codecs;
use crate::crosscheck;
use crate::decision::{Decision, Open};
use crate::emit;
use crate::emit::{Emission, Layout};
use crate::error::{Error, Result};
use crate::load::Schema;
use crate::lower::{self, Item, ItemKind, Lowered};
use crate::model::{Home, MethodKind, Model};
use crate::tables::Tables;

/// What a run says that was asked for descriptions of a schema without any.
const NO_PROSE: &str = "the schema has no descriptions, so that none are in the docs; give raw bundles as the schema, or a file that `schema sync --keep-descriptions` wrote";

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
    /// The schema's own descriptions go into the docs, where it has some: for a tree of your own.
    pub upstream_docs: bool,
    /// How the types get to and from JSON; anything but the default is for benches.
    pub codecs: Codecs,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tables: Tables::default(),
            layout: Layout::Workspace,
            strict: false,
            upstream_docs: false,
            codecs: Codecs::Written,
        }
    }
}

/// Generates the crates for one schema.
#[derive(Clone, Debug)]
pub struct Generator {
    config: Config,
    schema: Schema,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Output {
    /// Every file with its path below the output folder, sorted by path.
    pub files: Vec<(String, Vec<u8>)>,
    /// The protocol on one page: a line per method.
    pub index: String,
    /// What is boxed, for [`Tables::with_boxes`] of the next run.
    pub boxes: Boxes,
    /// What a strict run would refuse in this schema.
    pub warnings: Vec<String>,
    /// What a person has to decide before a strict run passes; a strict run returns an error instead.
    pub decisions: Vec<Decision>,
    /// The methods whose response type no rule and no row finds.
    pub without_response: Vec<String>,
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
    /// A generator for one schema.
    pub fn new(config: Config, schema: Schema) -> Self {
        Self { config, schema }
    }

    /// The model of the schema, before any Rust.
    pub fn model(&self) -> Result<Model> {
        self.strict_model().map_err(|error| self.placed(error))
    }

    fn strict_model(&self) -> Result<Model> {
        let (model, open) = self.config.tables.model(&self.schema)?;
        let decisions: Vec<Decision> = open.all().collect();
        if self.config.strict && !decisions.is_empty() {
            return Err(Error::Open(decisions));
        }
        Ok(model)
    }

    /// Runs the pipeline; nothing is written.
    pub fn run(self) -> Result<Output> {
        self.output().map_err(|error| self.placed(error))
    }

    /// The error with its place as the schema's file has it.
    fn placed(&self, error: Error) -> Error {
        error.in_defs(self.schema.defs)
    }

    fn output(&self) -> Result<Output> {
        let schema = &self.schema;
        let schema_sha256 = sha256(schema.to_canonical_json().as_bytes());
        let without_prose = (!self.config.upstream_docs).then(|| schema.without_prose());
        let lacks_prose = self.config.upstream_docs && !schema.has_prose();
        let schema = without_prose.as_ref().unwrap_or(schema);
        let tables = &self.config.tables;
        let (mut model, open) = tables.model(schema)?;
        let undated = date(&mut model, tables);
        let Lowered { items, boxes } = lower::items(&model, &tables.docs)?;
        let crosscheck = crosscheck::check(schema, &model, &items, &tables.typify);
        let (report, unread) = match crosscheck {
            Ok(report) => (report, None),
            Err(error) if self.config.strict => return Err(error),
            Err(error) => (crosscheck::Report::default(), Some(error)),
        };
        let unread = unread.map(|error| format!("typify could not read the schema: {error}"));
        let mut warnings = warnings(&open, undated.as_ref(), &report, unread.as_ref());
        warnings.extend(lacks_prose.then(|| NO_PROSE.to_owned()));
        let unread = unread.map(|problem| Decision::new("schema/typify.toml", problem));
        let undocumented = undocumented(&model, tables);
        let decisions: Vec<Decision> = open
            .all()
            .chain(tables.unfinished.iter().cloned())
            .chain(undated)
            .chain(undocumented)
            .chain(report.open.all())
            .chain(unread)
            .collect();
        if self.config.strict && !decisions.is_empty() {
            return Err(Error::Open(decisions));
        }
        let emission = Emission {
            model: &model,
            items: &items,
            boxes: &boxes,
            docs: &tables.docs,
            layout: &self.config.layout,
            codecs: self.config.codecs,
            schema_sha256,
        };
        let files = emission.files()?;
        let summary =
            Summary { crosschecked: report.compared_definitions, ..summary(&model, items.values()) };
        let without_response = model
            .methods
            .iter()
            .filter(|method| method.kind == MethodKind::ClientRequest && method.response.is_none())
            .map(|method| method.name.clone())
            .collect();
        let index = emit::index(&model);
        Ok(Output { files, index, boxes, warnings, decisions, without_response, summary })
    }
}

/// What a strict run refuses in the schema. Idle rows are left out: the tables belong to the pinned schema.
fn warnings(
    open: &Open,
    undated: Option<&Decision>,
    report: &crosscheck::Report,
    unread: Option<&String>,
) -> Vec<String> {
    let missing = open.missing.iter().chain(undated).map(|decision| decision.problem.clone());
    let differs = report.open.missing.iter().map(|found| format!("typify differs: {}", found.problem));
    missing.chain(differs).chain(unread.cloned()).collect()
}

/// Says of everything in the model since when it exists, or that the history does not know its release.
fn date(model: &mut Model, tables: &Tables) -> Option<Decision> {
    let history = tables.history.as_ref()?;
    let complaint = history.complaint(model);
    if complaint.is_none() {
        history.annotate(model);
    }
    complaint.map(|complaint| Decision::new("schema/history.json", complaint))
}

/// Methods without a summary, and summaries of what is no method or type.
fn undocumented(model: &Model, tables: &Tables) -> Vec<Decision> {
    const FILE: &str = "schema/docs.toml";
    let docs = &tables.docs;
    let is_method = |name: &str| model.methods.iter().any(|method| method.name == name);
    let mut missing: Vec<&str> = model.methods.iter().map(|method| method.name.as_str()).collect();
    missing.retain(|name| !docs.methods.contains_key(*name));
    missing.sort_unstable();
    let missing = missing.into_iter().map(|name| {
        Decision::new(FILE, format!("no summary for `{name}`; add a line to [methods]"))
            .row(format!("\"{name}\" = \"…\"\n"))
    });
    let stale = docs.methods.keys().filter(|name| !is_method(name)).map(|name| {
        Decision::new(FILE, format!("a summary for `{name}`, which is no method; remove the line"))
    });
    let stale_types = docs.types.keys().filter(|name| !model.definitions.contains_key(*name)).map(|name| {
        let problem =
            format!("a summary for `{name}`, which is no type that a method reaches; remove the line");
        Decision::new(FILE, problem)
    });
    missing.chain(stale).chain(stale_types).collect()
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
            ItemKind::StringEnum(_) | ItemKind::IntegerEnum(..) => summary.enums += 1,
            ItemKind::Struct(_) => summary.structs += 1,
            ItemKind::Union(_) => summary.unions += 1,
            ItemKind::Alias(_) => summary.aliases += 1,
        }
        debug_assert!(
            item.home != Home::Enums
                || matches!(item.kind, ItemKind::StringEnum(_) | ItemKind::IntegerEnum(..))
        );
    }
    summary
}

/// The SHA-256 of some bytes, in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
