//! One call of a tool.

use std::sync::Weak;

use codex_appserver_client::RequestContext;
use codex_appserver_client::generic::Client;
use codex_appserver_methods::protocol::DynamicToolCallParams;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::result::ToolResult;
use crate::codex::{Codex, Shared};
use crate::runtime::Runtime;
use crate::thread::Thread;

/// One call of a tool: which one, where it came from, and whether its result is still wanted.
pub struct ToolCall<R: Runtime> {
    params: DynamicToolCallParams,
    context: RequestContext<Client<R>>,
    shared: Weak<Shared<R>>,
}

impl<R: Runtime> ToolCall<R> {
    pub(super) fn new(
        params: DynamicToolCallParams,
        context: RequestContext<Client<R>>,
        shared: Weak<Shared<R>>,
    ) -> Self {
        Self { params, context, shared }
    }

    /// The name of the tool.
    pub fn tool(&self) -> &str {
        &self.params.tool
    }

    /// The namespace of the tool, if it is in one.
    pub fn namespace(&self) -> Option<&str> {
        self.params.namespace.as_deref()
    }

    /// The arguments, as the model wrote them.
    pub fn arguments(&self) -> &Value {
        &self.params.arguments
    }

    /// The id of the call, which is the id of its item.
    pub fn call_id(&self) -> &str {
        &self.params.call_id
    }

    /// The thread whose agent calls; of a sub-agent its own.
    pub fn thread_id(&self) -> &str {
        &self.params.thread_id
    }

    /// The turn that calls; of a sub-agent its own.
    pub fn turn_id(&self) -> &str {
        &self.params.turn_id
    }

    /// Whether the result is not wanted any more: the turn has ended, or the connection is closed. With tokio the tool's
    /// future is dropped then. On threads nothing stops a tool, so one that works for long looks at this now and then,
    /// and returns.
    pub fn is_cancelled(&self) -> bool {
        !self.context.is_open()
    }

    /// The server that the call came from, to start threads and turns of one's own with; none once it is being dropped.
    ///
    /// Use this rather than a [`Codex`] that the tool holds, which would keep the connection open forever.
    pub fn codex(&self) -> Option<Codex<R>> {
        let (client, shared) = (self.context.client()?, self.shared.upgrade()?);
        Some(Codex { client, home: R::home(), shared })
    }

    /// The thread whose agent calls. A turn that is started on it joins the one that waits for this call.
    pub fn thread(&self) -> Option<Thread<R>> {
        Some(self.codex()?.thread(self.thread_id()))
    }

    /// The name of the tool, with its namespace.
    pub(super) fn path(&self) -> String {
        path(self.namespace(), self.tool())
    }

    /// The result of a call that panics.
    pub(crate) fn panicked(&self) -> ToolResult {
        ToolResult::failed(format!("failed to run the tool `{}`: it panicked", self.path()))
    }

    /// The arguments as a `T`.
    ///
    /// # Errors
    ///
    /// They do not fit: what the model is told.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, ToolResult> {
        decode(self.arguments()).map_err(|problem| {
            let path = self.path();
            ToolResult::failed(format!(
                "failed to read the arguments of the tool `{path}`: {problem}; call it again with arguments that fit \
                 its schema"
            ))
        })
    }
}

impl<R: Runtime> Clone for ToolCall<R> {
    fn clone(&self) -> Self {
        let (params, context) = (self.params.clone(), self.context.clone());
        Self { params, context, shared: self.shared.clone() }
    }
}

impl<R: Runtime> std::fmt::Debug for ToolCall<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (thread_id, call_id) = (self.thread_id(), self.call_id());
        f.debug_struct("ToolCall")
            .field("tool", &self.path())
            .field("thread_id", &thread_id)
            .field("call_id", &call_id)
            .finish_non_exhaustive()
    }
}

/// The name of a tool, with its namespace.
pub(super) fn path(namespace: Option<&str>, tool: &str) -> String {
    namespace.map_or_else(|| tool.to_owned(), |namespace| format!("{namespace}.{tool}"))
}

/// Reads arguments, which are an object. What is wrong is said with its JSON path.
fn decode<T: DeserializeOwned>(arguments: &Value) -> Result<T, String> {
    let Value::Object(members) = arguments else {
        return Err("they are no JSON object".into());
    };
    let error = match serde_path_to_error::deserialize(arguments) {
        Ok(arguments) => return Ok(arguments),
        Err(error) => error,
    };
    // A tool without arguments reads nothing, which is `null` to serde.
    let nothing = if members.is_empty() { T::deserialize(Value::Null).ok() } else { None };
    nothing.ok_or_else(|| {
        let path = error.path().to_string();
        let at = if path == "." { String::new() } else { format!("`{path}`: ") };
        format!("{at}{}", error.inner())
    })
}

#[cfg(test)]
mod tests {
    use serde_derive::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Trip {
        days: Vec<Day>,
        #[serde(default)]
        note: Option<String>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Day {
        city: String,
    }

    #[test]
    fn the_text_names_the_path_and_what_is_wrong() {
        for (arguments, expected) in [
            (json!({"days": [{"city": "Oslo"}, {"city": 7}]}), "`days[1].city`: invalid type: integer `7`"),
            (json!({"days": [{}]}), "`days[0]`: missing field `city`"),
            (json!({"note": "x"}), "missing field `days`"),
            (json!({"days": {}}), "`days`: invalid type: map, expected a sequence"),
            (json!({}), "missing field `days`"),
            (json!([[{"city": "Oslo"}]]), "they are no JSON object"),
            (json!(null), "they are no JSON object"),
        ] {
            let problem = decode::<Trip>(&arguments).expect_err(expected);
            assert!(problem.starts_with(expected), "{problem}");
        }
    }

    #[test]
    fn no_arguments_are_read_from_an_empty_object() {
        assert_eq!(decode::<()>(&json!({})), Ok(()));
        assert!(decode::<()>(&json!({"a": 1})).is_err());
        assert_eq!(decode::<Value>(&json!({})), Ok(json!({})));
    }
}
