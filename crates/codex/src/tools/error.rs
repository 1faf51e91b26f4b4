//! Why tools are not offered to the agent.

use crate::schema::SchemaError;

/// Why tools are not offered to the agent. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// A tool or a namespace has a name that codex refuses.
    #[error("failed to offer the {kind} {name:?}: its name {problem}; choose another name")]
    Name {
        /// `tool` or `namespace`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with the name.
        problem: &'static str,
    },

    /// Two tools of one namespace, or two namespaces, have the same name.
    #[error("failed to offer the {kind} {name:?}: there are two of that name; rename one")]
    Twice {
        /// `tool` or `namespace`.
        kind: &'static str,
        /// The name of both.
        name: String,
    },

    /// A tool or a namespace is not as codex wants it.
    #[error("failed to offer the {kind} {name:?}: {problem}")]
    Unfit {
        /// `tool` or `namespace`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// The arguments of a tool are of a type that codex cannot tell the model about.
    #[error(
        "failed to offer the tool {name:?}: its arguments have no JSON Schema that codex passes on; make them a struct \
         with named fields"
    )]
    Schema {
        /// The name of the tool.
        name: String,
        /// What is wrong with the type of its arguments.
        source: SchemaError,
    },

    /// The connection did not ask for the experimental API, and tools are part of that.
    #[error(
        "failed to offer tools: they are experimental, and the connection did not ask for that part of the API; set \
         `experimental_api(true)` of the `CodexBuilder`"
    )]
    ExperimentalApi,

    /// Calls of tools do not come to the SDK.
    #[error(
        "failed to offer tools: the connection is closed, or the client has a handler of its own that claims \
         `item/tool/call`; connect again, or remove that `on_if` from the builder"
    )]
    NotServed,
}
