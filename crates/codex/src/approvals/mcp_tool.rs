//! A tool call of an MCP server that needs leave. It arrives as a form without fields, whose `_meta` says what it is.

use codex_appserver_client::HandlerError;
use codex_appserver_methods::protocol::{
    FormMcpServerElicitationRequestParams, McpServerElicitationAction, McpServerElicitationRequestParams,
    McpServerElicitationRequestResponse,
};
use serde_json::{Map, Value, json};

use super::Decision;
use super::request::warn_of;

/// The member of `_meta` that says of which kind an approval is, and the kind that is known here.
pub(crate) const KIND: &str = "codex_approval_kind";
const TOOL_CALL: &str = "mcp_tool_call";

/// The member of `_meta` that says what may be remembered, and in an answer what is.
const PERSIST: &str = "persist";

/// The agent wants to call a tool of an MCP server (`mcpServer/elicitation/request` with the approval kind
/// `mcp_tool_call`).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct McpToolApproval {
    /// The thread; of a sub-agent its own.
    pub thread_id: String,
    /// The turn, if the server knows it.
    pub turn_id: Option<String>,
    /// The item of the call that is asked about, if it was announced to this client. Without it the question may be one
    /// that the MCP server has made up: codex passes the words of a server on as they are, `_meta` included.
    pub item_id: Option<String>,
    /// The MCP server, by its name in codex's configuration.
    pub server: String,
    /// The name of the tool.
    pub tool: String,
    /// The title of the tool, in the words of the MCP server.
    pub title: Option<String>,
    /// What the tool does, in the words of the MCP server.
    pub description: Option<String>,
    /// The arguments of the call.
    pub params: Option<Value>,
    /// What the MCP server says about its tool.
    pub annotations: McpToolAnnotations,
    /// The question as codex words it.
    pub message: String,
    /// Whether the server offers to remember a yes for the session.
    pub can_remember_for_session: bool,
    /// Whether the server offers to remember a yes always, in codex's configuration.
    pub can_remember_always: bool,
    /// All of `_meta`.
    pub meta: Map<String, Value>,
}

/// What an MCP server says about a tool. These are hints, and a server may lie; what it does not say is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct McpToolAnnotations {
    /// The tool changes nothing.
    pub read_only: Option<bool>,
    /// The tool may destroy something.
    pub destructive: Option<bool>,
    /// To call the tool again with the same arguments changes nothing more.
    pub idempotent: Option<bool>,
    /// The tool reaches beyond the MCP server, as a search of the web does.
    pub open_world: Option<bool>,
}

impl McpToolApproval {
    /// The approval that an elicitation asks for; none if it is anything else, or of a kind that is not known here.
    pub(crate) fn of(request: &McpServerElicitationRequestParams) -> Option<Self> {
        let McpServerElicitationRequestParams::Form(form) = request else { return None };
        let meta = form.meta.as_ref()?.as_object()?;
        let text = |name: &str| meta.get(name).and_then(Value::as_str);
        let tool = text("tool_name").filter(|tool| !tool.is_empty())?;
        if text(KIND) != Some(TOOL_CALL) || !form.requested_schema.properties.is_empty() {
            return None;
        }
        Some(Self {
            thread_id: form.thread_id.clone(),
            turn_id: form.turn_id.clone(),
            item_id: None,
            server: form.server_name.clone(),
            tool: tool.to_owned(),
            title: text("tool_title").map(str::to_owned),
            description: text("tool_description").map(str::to_owned),
            params: meta.get("tool_params").filter(|params| !params.is_null()).cloned(),
            annotations: McpToolAnnotations::of(meta.get("tool_annotations")),
            message: form.message.clone(),
            can_remember_for_session: offers(meta, "session"),
            can_remember_always: offers(meta, "always"),
            meta: meta.clone(),
        })
    }
}

impl McpToolAnnotations {
    fn of(annotations: Option<&Value>) -> Self {
        let hint = |name: &str| annotations?.get(name)?.as_bool();
        Self {
            read_only: hint("readOnlyHint"),
            destructive: hint("destructiveHint"),
            idempotent: hint("idempotentHint"),
            open_world: hint("openWorldHint"),
        }
    }
}

/// Whether the server offers to remember a yes this long. It names one way or lists several.
fn offers(meta: &Map<String, Value>, way: &str) -> bool {
    match meta.get(PERSIST) {
        Some(Value::String(one)) => one == way,
        Some(Value::Array(several)) => several.iter().any(|offered| offered == way),
        _ => false,
    }
}

/// The kind of approval that an elicitation claims to be, known here or not.
pub(crate) fn approval_kind(request: &FormMcpServerElicitationRequestParams) -> Option<&Value> {
    request.meta.as_ref()?.get(KIND)
}

impl Decision {
    /// The answer about a tool call. What is not offered is not remembered: the call is accepted for less.
    pub(crate) fn for_mcp_tool(
        decision: Result<Self, HandlerError>,
        asked: &McpToolApproval,
    ) -> Result<McpServerElicitationRequestResponse, HandlerError> {
        use McpServerElicitationAction as Word;
        let session = asked.can_remember_for_session.then_some("session");
        let remembered = match decision? {
            Self::Accept => None,
            Self::AcceptForSession => session,
            Self::AcceptAlways => asked.can_remember_always.then_some("always").or(session),
            Self::Cancel => return Ok(McpServerElicitationRequestResponse::new(Word::Cancel)),
            Self::Decline => return Ok(McpServerElicitationRequestResponse::new(Word::Decline)),
            other @ (Self::Command(_) | Self::Permissions(_)) => {
                warn_of(&other, "a tool call");
                return Ok(McpServerElicitationRequestResponse::new(Word::Decline));
            }
        };
        let accepted = McpServerElicitationRequestResponse::new(Word::Accept).content(json!({}));
        Ok(match remembered {
            Some(way) => accepted.meta(json!({ PERSIST: way })),
            None => accepted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(mode: &str, schema: &Value, meta: &Value) -> McpServerElicitationRequestParams {
        let request = json!({
            "threadId": "T", "turnId": null, "serverName": "files", "mode": mode, "message": "May it?",
            "requestedSchema": schema, "_meta": meta,
        });
        serde_json::from_value(request).expect("a request")
    }

    fn plain(meta: &Value) -> Option<McpToolApproval> {
        McpToolApproval::of(&request("form", &json!({"type": "object", "properties": {}}), meta))
    }

    #[test]
    fn only_the_known_kind_is_an_approval() {
        let known = json!({"codex_approval_kind": "mcp_tool_call", "tool_name": "erase"});
        assert!(plain(&known).is_some());
        for meta in [
            Value::Null,
            json!([]),
            json!("mcp_tool_call"),
            json!({"tool_name": "erase"}),
            json!({"codex_approval_kind": "tool_suggestion", "tool_name": "erase"}),
            json!({"codex_approval_kind": ["mcp_tool_call"], "tool_name": "erase"}),
            json!({"codex_approval_kind": "mcp_tool_call"}),
            json!({"codex_approval_kind": "mcp_tool_call", "tool_name": ""}),
            json!({"codex_approval_kind": "mcp_tool_call", "tool_name": 5}),
        ] {
            assert_eq!(plain(&meta), None, "{meta}");
        }
        // What has fields wants to know something.
        let fields = json!({"type": "object", "properties": {"password": {"type": "string"}}});
        assert_eq!(McpToolApproval::of(&request("form", &fields, &known)), None);
        assert_eq!(McpToolApproval::of(&request("openai/form", &fields, &known)), None);
    }

    #[test]
    fn members_of_other_types_say_nothing() {
        let approval = plain(&json!({
            "codex_approval_kind": "mcp_tool_call", "tool_name": "erase", "tool_title": 5,
            "tool_description": null, "tool_params": null, "persist": {"session": true},
            "tool_annotations": {"readOnlyHint": "yes", "destructiveHint": false},
        }));
        let approval = approval.expect("an approval");
        assert_eq!((approval.title, approval.description, approval.params), (None, None, None));
        let hints = McpToolAnnotations { destructive: Some(false), ..McpToolAnnotations::default() };
        assert_eq!(approval.annotations, hints);
        assert!(!approval.can_remember_for_session && !approval.can_remember_always);
    }

    #[test]
    fn a_yes_is_remembered_as_offered() {
        let (once, session, always) =
            (Value::Null, json!({"persist": "session"}), json!({"persist": "always"}));
        for (offered, for_session, forever) in [
            (json!(null), &once, &once),
            (json!("session"), &session, &session),
            (json!("always"), &once, &always),
            (json!(["session", "always"]), &session, &always),
            (json!(["until-friday"]), &once, &once),
        ] {
            let meta = json!({
                "codex_approval_kind": "mcp_tool_call", "tool_name": "erase", "persist": offered,
            });
            let asked = plain(&meta).expect("an approval");
            for (decision, remembered) in [
                (Decision::Accept, &once),
                (Decision::AcceptForSession, for_session),
                (Decision::AcceptAlways, forever),
            ] {
                let answer = Decision::for_mcp_tool(Ok(decision), &asked).expect("an answer");
                let answer = serde_json::to_value(answer).expect("JSON");
                assert_eq!((&answer["action"], &answer["content"]), (&json!("accept"), &json!({})));
                assert_eq!(&answer["_meta"], remembered, "{offered}");
            }
        }
    }
}
