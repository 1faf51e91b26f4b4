//! The protocol as the rest of the pipeline sees it: methods with their payloads, and definitions with
//! who uses them. Everything about a method is said here once.

mod apply;
mod methods;
mod usage;

use std::collections::BTreeMap;

use apply::Rows;
use serde_json::Value;

use crate::boxes::Boxes;
use crate::decision::Open;
use crate::error::Result;
use crate::load::Schema;
use crate::rows::Overrides;
use crate::shape::{Definition, Description};
use crate::since::Since;

pub use usage::{Home, Usage};

/// The methods and types of one codex version.
#[derive(Clone, Debug)]
pub struct Model {
    /// The codex version, where it is known.
    pub codex_version: String,
    /// Every method, sorted by kind and then by name.
    pub methods: Vec<Method>,
    /// The definitions that methods reach.
    pub definitions: BTreeMap<String, Definition>,
    /// Who uses each of them.
    pub usage: BTreeMap<String, Usage>,
    /// Definitions that no method reaches; nothing is generated for them.
    pub unused: Vec<String>,
    /// What an earlier run boxed.
    pub(crate) boxes: Boxes,
}

/// The four kinds of messages that carry a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MethodKind {
    /// Client to server, answered.
    ClientRequest,
    /// Server to client, answered.
    ServerRequest,
    /// Server to client.
    ServerNotification,
    /// Client to server.
    ClientNotification,
}

impl MethodKind {
    /// All kinds, in the order of the schema.
    pub const ALL: [Self; 4] =
        [Self::ClientRequest, Self::ServerRequest, Self::ServerNotification, Self::ClientNotification];

    /// The name of the union that lists the methods of this kind.
    pub fn union_name(self) -> &'static str {
        match self {
            Self::ClientRequest => "ClientRequest",
            Self::ServerRequest => "ServerRequest",
            Self::ServerNotification => "ServerNotification",
            Self::ClientNotification => "ClientNotification",
        }
    }

    /// Whether a message of this kind is answered.
    pub fn is_request(self) -> bool {
        matches!(self, Self::ClientRequest | Self::ServerRequest)
    }

    /// Whether the client sends it.
    pub fn from_client(self) -> bool {
        matches!(self, Self::ClientRequest | Self::ClientNotification)
    }
}

/// One method.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// The wire name.
    pub name: String,
    /// Who sends it, and whether it is answered.
    pub kind: MethodKind,
    /// The `params` member.
    pub params: Params,
    /// The definition of the answer; `None` for a notification, or where none is known.
    pub response: Option<String>,
    /// Only the experimental bundle has it.
    pub experimental: bool,
    /// Upstream advises against it.
    pub deprecated: bool,
    /// What upstream says about it.
    pub description: Description,
    /// When it came.
    pub since: Since,
}

/// The `params` member of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Params {
    /// There is none.
    None,
    /// A definition.
    Required(String),
    /// A definition, or nothing.
    Nullable(String),
}

impl Params {
    /// The definition, where there is one.
    pub fn definition(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Required(name) | Self::Nullable(name) => Some(name),
        }
    }
}

impl Model {
    /// Builds the model. The second value lists what a person has to decide.
    pub(crate) fn build(
        schema: &Schema,
        overrides: &Overrides,
        extra: &BTreeMap<String, Value>,
        boxes: &Boxes,
    ) -> Result<(Self, Open)> {
        let mut rows = Rows::new(overrides, extra);
        let schema = &rows.add_definitions(schema)?;
        let mut definitions = crate::normalise::definitions(schema)?;
        rows.rename_members(&mut definitions);
        rows.mark_distinct_nulls(&mut definitions);

        let mut methods = methods::read(schema, &mut rows)?;
        let missing = methods::find_responses(&mut methods, &definitions, &mut rows);
        methods.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        methods::check_names(&methods)?;

        let usage = usage::of(&methods, &definitions, &mut rows)?;
        let mut unused: Vec<String> =
            definitions.keys().filter(|name| !usage.contains_key(*name)).cloned().collect();
        unused.retain(|name| !is_envelope(name));
        definitions.retain(|name, _| usage.contains_key(name));

        let open = Open { missing, idle: rows.unused() };
        let codex_version = schema.codex_version.clone().unwrap_or_else(|| "unknown".to_owned());
        let boxes = boxes.clone();
        Ok((Self { codex_version, methods, definitions, usage, unused, boxes }, open))
    }

    /// The methods that the schema itself lists, without the tables and without responses.
    pub(crate) fn methods_of(schema: &Schema) -> Result<Vec<Method>> {
        methods::read(schema, &mut Rows::new(&Overrides::default(), &BTreeMap::new()))
    }

    /// The methods of one kind.
    pub fn of_kind(&self, kind: MethodKind) -> impl Iterator<Item = &Method> {
        self.methods.iter().filter(move |method| method.kind == kind)
    }
}

/// Definitions that `codex-appserver-wire` has by hand, with their name there.
pub(crate) const WIRE_TYPES: [(&str, &str); 7] = [
    ("JSONRPCError", "ErrorEnvelope"),
    ("JSONRPCErrorError", "RpcError"),
    ("JSONRPCMessage", "JsonRpcMessage"),
    ("JSONRPCNotification", "JsonRpcMessage"),
    ("JSONRPCRequest", "JsonRpcMessage"),
    ("RequestId", "RequestId"),
    ("W3cTraceContext", "TraceContext"),
];

/// Whether a definition is part of the JSON-RPC envelope.
pub(crate) fn is_envelope(name: &str) -> bool {
    name == "JSONRPCResponse" || WIRE_TYPES.iter().any(|(schema, _)| *schema == name)
}
