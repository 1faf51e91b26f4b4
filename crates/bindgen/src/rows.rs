//! The rows of the reviewed tables, as their files write them.

use std::collections::BTreeMap;

use serde::Deserialize;

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
