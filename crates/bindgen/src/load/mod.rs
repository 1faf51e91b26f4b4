//! From schema files to one canonical schema: flat definitions, no prose, stability as a fact.
//!
//! The input is what `codex app-server generate-json-schema` prints, with and without `--experimental`,
//! or a canonical file that came out of this module before.

mod dialect;
mod flatten;
mod merge;
mod parts;
mod prose;
mod refs;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result, step};

/// The unions that name the methods of the protocol.
pub(crate) const METHOD_UNIONS: [&str; 4] =
    ["ClientRequest", "ServerRequest", "ServerNotification", "ClientNotification"];

/// The member that marks whatever only the experimental bundle has.
pub(crate) const STABILITY: &str = "x-stability";
const VERSION: &str = "x-codex-version";
/// The member that stands for a description that was left out.
pub(crate) const DESCRIPTION: &str = "x-description";
/// The definition that holds more definitions, in upstream's bundles.
const NESTED: &str = "v2";

/// A canonical schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// The codex version, where the file says so.
    pub codex_version: Option<String>,
    pub(crate) definitions: BTreeMap<String, Value>,
    /// The file has its definitions under `$defs`, as errors about it should say.
    pub(crate) defs: bool,
}

/// What to do with upstream prose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prose {
    /// Leave it out; only the facts in it stay, and a mark that tells whether the text changed.
    #[default]
    Drop,
    /// Keep descriptions, for people who generate into a tree of their own.
    Keep,
}

impl Schema {
    /// Merges the stable bundle and, where there is one, the experimental bundle of one codex version.
    pub fn from_bundles(
        stable: &Source<'_>,
        experimental: Option<&Source<'_>>,
        prose: Prose,
    ) -> Result<Self> {
        let (stable, defs) = bundle(stable, prose)?;
        let definitions = match experimental {
            None => stable,
            Some(experimental) => merge::definitions(&stable, bundle(experimental, prose)?.0)
                .map_err(|error| error.in_defs(defs))?,
        };
        Ok(Self { codex_version: None, definitions, defs })
    }

    /// Reads a canonical file.
    pub fn from_canonical(source: &Source<'_>) -> Result<Self> {
        let root = parse(source)?;
        let codex_version = root.get(VERSION).and_then(Value::as_str).map(str::to_owned);
        let root = dialect::root(root)?;
        let definitions = parts::merge(definitions(&root, source)?.clone().into_iter().collect());
        refs::check(&definitions)?;
        Ok(Self { codex_version, definitions, defs: false })
    }

    /// Reads either kind: files written by [`Schema::to_canonical_json`] are known by their mark.
    pub fn from_any(source: &Source<'_>, experimental: Option<&Source<'_>>) -> Result<Self> {
        Self::from_any_with(source, experimental, Prose::Drop)
    }

    /// The same; descriptions of raw bundles are kept or left out. A canonical file keeps those that it has.
    pub fn from_any_with(
        source: &Source<'_>,
        experimental: Option<&Source<'_>>,
        prose: Prose,
    ) -> Result<Self> {
        let root = parse(source)?;
        match (root.get(VERSION).is_some(), experimental) {
            (true, None) => Self::from_canonical(source),
            (true, Some(second)) => Err(Error::NotASchema {
                file: second.name.to_owned(),
                reason: format!("{} is a canonical schema already and takes no second bundle", source.name),
            }),
            (false, _) => Self::from_bundles(source, experimental, prose),
        }
    }

    /// The schema without its descriptions.
    #[must_use]
    pub(crate) fn without_prose(&self) -> Self {
        let bare =
            |(name, schema): (&String, &Value)| (name.clone(), prose::to_facts(schema.clone(), Prose::Drop));
        Self { definitions: self.definitions.iter().map(bare).collect(), ..self.clone() }
    }

    /// Whether something in it has a description.
    pub fn has_prose(&self) -> bool {
        self.definitions.values().any(prose::has_description)
    }

    /// Sets the codex version the schema belongs to.
    #[must_use]
    pub fn with_codex_version(mut self, version: impl Into<String>) -> Self {
        self.codex_version = Some(version.into());
        self
    }

    /// The canonical file: keys sorted, two spaces of indent, a line break at the end.
    pub fn to_canonical_json(&self) -> String {
        let version = self.codex_version.as_deref().unwrap_or("unknown");
        let root = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            VERSION: version,
            "definitions": self.definitions,
        });
        let mut text = serde_json::to_string_pretty(&sorted(&root)).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The definitions by name, as canonical JSON Schema.
    pub fn definitions(&self) -> &BTreeMap<String, Value> {
        &self.definitions
    }
}

/// A schema file: a name for error texts, and its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What error texts call it.
    pub name: &'a str,
    /// The file.
    pub bytes: &'a [u8],
}

impl Source<'_> {
    /// The file as a TOML table; errors name the line.
    pub(crate) fn toml<T: for<'de> Deserialize<'de>>(&self) -> Result<T> {
        let text = std::str::from_utf8(self.bytes)
            .map_err(|error| Error::table(self.name, format!("not UTF-8: {error}")))?;
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            Error::table(&format!("{}:{line}", self.name), error.message().replace('\n', " "))
        })
    }
}

pub(crate) use parts::is_composite;
pub(crate) use prose::mark;

/// Every `$ref` has to name a definition.
pub(crate) fn check_refs(schema: &Schema) -> Result<()> {
    refs::check(&schema.definitions)
}

/// The definitions of a bundle, and whether it has them under `$defs`.
fn bundle(source: &Source<'_>, prose: Prose) -> Result<(BTreeMap<String, Value>, bool)> {
    let root = parse(source)?;
    let defs = root.contains_key(dialect::DEFS);
    let facts = facts(root, source, prose).map_err(|error| error.in_defs(defs))?;
    Ok((facts, defs))
}

fn facts(root: Map<String, Value>, source: &Source<'_>, prose: Prose) -> Result<BTreeMap<String, Value>> {
    let root = dialect::root(root)?;
    let flat = flatten::definitions(definitions(&root, source)?)?;
    let facts = flat.into_iter().map(|(name, schema)| (name, prose::to_facts(schema, prose))).collect();
    refs::check(&facts)?;
    Ok(parts::merge(facts))
}

fn parse(source: &Source<'_>) -> Result<Map<String, Value>> {
    let root: Value = serde_json::from_slice(source.bytes)
        .map_err(|error| Error::Json { file: source.name.to_owned(), error })?;
    match root {
        Value::Object(root) => Ok(root),
        _ => Err(not_a_schema(source, "the root is no object")),
    }
}

fn definitions<'r>(root: &'r Map<String, Value>, source: &Source<'_>) -> Result<&'r Map<String, Value>> {
    let definitions = root
        .get("definitions")
        .and_then(Value::as_object)
        .ok_or_else(|| not_a_schema(source, "there are no `definitions`"))?;
    match METHOD_UNIONS.iter().find(|name| !definitions.contains_key(**name)) {
        Some(missing) => Err(not_a_schema(source, &format!("there is no definition `{missing}`"))),
        None => Ok(definitions),
    }
}

fn not_a_schema(source: &Source<'_>, what: &str) -> Error {
    let reason = format!(
        "not an app-server schema: {what}; pass codex_app_server_protocol.schemas.json as written by `codex app-server generate-json-schema`"
    );
    Error::NotASchema { file: source.name.to_owned(), reason }
}

/// The same JSON, every object sorted by key, whatever map serde_json was built with.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<&String, &Value> = map.iter().collect();
            Value::Object(ordered.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// The pointer of a definition.
pub(crate) fn pointer(name: &str) -> String {
    step("#/definitions", name)
}

/// The members of a schema that hold one schema, and those that hold a list or a map of schemas.
const ONE: [&str; 3] = ["items", "additionalProperties", "not"];
const LIST: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const NAMED: [&str; 1] = ["properties"];

/// Calls `visit` on every schema directly below, with its pointer.
pub(crate) fn children<'s>(schema: &'s Value, at: &str, visit: &mut dyn FnMut(&'s Value, String)) {
    let Some(object) = schema.as_object() else { return };
    for (key, value) in object {
        let here = || step(at, key);
        match (key.as_str(), value) {
            (key, value) if ONE.contains(&key) => visit(value, here()),
            (key, Value::Array(items)) if LIST.contains(&key) => {
                items.iter().enumerate().for_each(|(index, item)| visit(item, step(&here(), index)));
            }
            (key, Value::Object(members)) if NAMED.contains(&key) => {
                members.iter().for_each(|(name, member)| visit(member, step(&here(), name)));
            }
            _ => {}
        }
    }
}

/// The same walk, changing what is found.
pub(crate) fn map_children(schema: Value, change: &mut dyn FnMut(Value) -> Value) -> Value {
    let Value::Object(object) = schema else { return schema };
    let changed = object.into_iter().map(|(key, value)| {
        let value = match value {
            value if ONE.contains(&key.as_str()) => change(value),
            Value::Array(items) if LIST.contains(&key.as_str()) => {
                Value::Array(items.into_iter().map(&mut *change).collect())
            }
            Value::Object(members) if NAMED.contains(&key.as_str()) => {
                Value::Object(members.into_iter().map(|(name, member)| (name, change(member))).collect())
            }
            other => other,
        };
        (key, value)
    });
    Value::Object(changed.collect())
}

/// The definition that a `$ref` names.
pub(crate) fn ref_name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/definitions/")
}
