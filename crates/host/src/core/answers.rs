//! What may answer each of the server's requests, and what declines it.

use codex_appserver_enums::{FileChangeApprovalDecision, McpServerElicitationAction};
use codex_appserver_requests::method::visit_server_request;
use codex_appserver_requests::{
    ApplyPatchApprovalResponse, CommandExecutionRequestApprovalResponse, DynamicToolCallResponse,
    ExecCommandApprovalResponse, FileChangeRequestApprovalResponse, McpServerElicitationRequestResponse,
    PermissionsRequestApprovalResponse, ToolRequestUserInputResponse, method,
};
use codex_appserver_types::{
    CommandExecutionApprovalDecision, DeniedReviewDecision, GrantedPermissionProfile,
    InputTextDynamicToolCallOutputContentItem,
};
use codex_appserver_wire::{Request, RequestVisitor, decode, is_secret_name};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::status::RequestKind;

/// The method of the host's own question whether a task goes on whose turn was lost. It is never sent to a server.
pub const RESUME_METHOD: &str = "host/resume";

/// An answer to a pending request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The `result` of the response.
    Result(Value),
    /// The `error` of the response: the server takes it as a refusal.
    Error {
        /// The JSON-RPC code.
        code: i64,
        /// What the server is told.
        message: String,
    },
}

/// Why an answer does not fit its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It does not have the shape that the method demands.
    Shape(String),
    /// The server offers other decisions.
    NotOffered { offered: Vec<String> },
}

/// What kind of question a request is.
pub(crate) fn kind(method: &str, params: &Value) -> RequestKind {
    match method {
        method::ItemCommandExecutionRequestApproval::METHOD | method::ExecCommandApproval::METHOD => {
            RequestKind::Command
        }
        method::ItemFileChangeRequestApproval::METHOD | method::ApplyPatchApproval::METHOD => {
            RequestKind::FileChange
        }
        method::ItemPermissionsRequestApproval::METHOD => RequestKind::Permissions,
        method::McpServerElicitationRequest::METHOD if is_mcp_tool(params) => RequestKind::McpTool,
        method::McpServerElicitationRequest::METHOD => RequestKind::Elicitation,
        method::ItemToolRequestUserInput::METHOD => RequestKind::UserInput,
        method::ItemToolCall::METHOD => RequestKind::ToolCall,
        RESUME_METHOD => RequestKind::Resume,
        _ => RequestKind::Other,
    }
}

/// An approval of a tool call arrives as a form whose `_meta` says what it is.
fn is_mcp_tool(params: &Value) -> bool {
    params["_meta"]["codex_approval_kind"] == "mcp_tool_call"
}

/// The answer that grants nothing.
pub(crate) fn decline(method: &str, why: &str) -> Answer {
    let declined = match method {
        method::ItemCommandExecutionRequestApproval::METHOD => {
            let decision = CommandExecutionApprovalDecision::Decline;
            serde_json::to_value(CommandExecutionRequestApprovalResponse::new(decision))
        }
        method::ItemFileChangeRequestApproval::METHOD => {
            serde_json::to_value(FileChangeRequestApprovalResponse::new(FileChangeApprovalDecision::Decline))
        }
        method::ItemPermissionsRequestApproval::METHOD => {
            serde_json::to_value(PermissionsRequestApprovalResponse::new(GrantedPermissionProfile::new()))
        }
        method::McpServerElicitationRequest::METHOD => serde_json::to_value(
            McpServerElicitationRequestResponse::new(McpServerElicitationAction::Decline),
        ),
        method::ItemToolRequestUserInput::METHOD => {
            serde_json::to_value(ToolRequestUserInputResponse::new(Default::default()))
        }
        method::ApplyPatchApproval::METHOD => {
            serde_json::to_value(ApplyPatchApprovalResponse::new(DeniedReviewDecision::new(why)))
        }
        method::ExecCommandApproval::METHOD => {
            serde_json::to_value(ExecCommandApprovalResponse::new(DeniedReviewDecision::new(why)))
        }
        // The model reads this text; of an error it would only learn that there was one.
        method::ItemToolCall::METHOD => {
            let text =
                InputTextDynamicToolCallOutputContentItem::new(format!("failed to run the tool: {why}"));
            serde_json::to_value(DynamicToolCallResponse::new([text.into()], false))
        }
        RESUME_METHOD => Ok(json!({"resume": false})),
        _ => return Answer::Error { code: -32601, message: format!("failed to answer `{method}`: {why}") },
    };
    match declined {
        Ok(result) => Answer::Result(result),
        Err(error) => Answer::Error { code: -32603, message: error.to_string() },
    }
}

/// Checks the shape of an answer and, unless it is forced, whether the server offers the decision.
pub(crate) fn check(method: &str, params: &Value, answer: &Answer, force: bool) -> Result<(), Misfit> {
    let Answer::Result(result) = answer else { return Ok(()) };
    if method == RESUME_METHOD {
        return match result.get("resume") {
            Some(Value::Bool(_)) => Ok(()),
            _ => Err(Misfit::Shape("resume: neither true nor false".to_owned())),
        };
    }
    let shape = visit_server_request(method, Shape(result));
    shape
        .unwrap_or_else(|| Err("the method is unknown, and only an error can answer it".to_owned()))
        .map_err(Misfit::Shape)?;
    if force { Ok(()) } else { offered(params, result) }
}

/// Reads a result as the response of its method.
struct Shape<'a>(&'a Value);

impl RequestVisitor for Shape<'_> {
    type Output = Result<(), String>;

    fn visit<R: Request>(self) -> Self::Output {
        let Ok(text) = serde_json::to_string(self.0) else { return Err("it is no JSON".to_owned()) };
        let response = decode::<R::Response>(&text).map_err(|error| error.to_string())?;
        // What these bindings do not know is kept whole by them, and refused by the server without a word.
        let known = format!("{response:?}").replace("\\\\", "").replace("\\\"", "");
        let is_known = !known.split('"').step_by(2).any(|code| code.contains("Unrecognized("));
        is_known.then_some(()).ok_or_else(|| "it has a value that the protocol does not know".to_owned())
    }
}

/// A server that lists decisions may take others as well; that is for the user to insist on.
fn offered(params: &Value, result: &Value) -> Result<(), Misfit> {
    let (Some(Value::Array(offered)), Some(decision)) =
        (params.get("availableDecisions"), result.get("decision"))
    else {
        return Ok(());
    };
    // To decline is always possible: nothing is granted.
    if offered.contains(decision) || decision == "decline" {
        return Ok(());
    }
    let word = |decision: &Value| match decision {
        Value::String(word) => word.clone(),
        other => other.to_string(),
    };
    Err(Misfit::NotOffered { offered: offered.iter().map(word).collect() })
}

/// Whether an answer interrupts the turn: it declines, and the agent shall not go on.
pub(crate) fn interrupts(answer: &Answer) -> bool {
    matches!(answer, Answer::Result(result) if result["decision"] == "cancel" || result["decision"] == "abort")
}

/// The answer as it is kept after it was sent: without the answers to secret questions, and the secret fields of forms.
pub(crate) fn without_secrets(params: &Value, answer: &Answer) -> Answer {
    let Answer::Result(result) = answer else { return answer.clone() };
    let mut result = result.clone();
    let secret = |question: &&Value| question["isSecret"] == true;
    for question in params["questions"].as_array().into_iter().flatten().filter(secret) {
        let id = question["id"].as_str().unwrap_or_default();
        if let Some(answer) = result.get_mut("answers").and_then(|answers| answers.get_mut(id)) {
            *answer = json!({"answers": ["[redacted]"]});
        }
    }
    if let Some(Value::Object(content)) = result.get_mut("content") {
        let properties = &params["requestedSchema"]["properties"];
        for (name, value) in content {
            let is_hidden = properties[name.as_str()]["format"] == "password";
            if is_hidden || is_secret_name(name) {
                *value = json!("[redacted]");
            }
        }
    }
    Answer::Result(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = method::ItemCommandExecutionRequestApproval::METHOD;

    fn result(value: Value) -> Answer {
        Answer::Result(value)
    }

    #[test]
    fn every_decline_has_the_shape_of_its_method() {
        for method in [
            COMMAND,
            method::ItemFileChangeRequestApproval::METHOD,
            method::ItemPermissionsRequestApproval::METHOD,
            method::McpServerElicitationRequest::METHOD,
            method::ItemToolRequestUserInput::METHOD,
            method::ApplyPatchApproval::METHOD,
            method::ExecCommandApproval::METHOD,
            method::ItemToolCall::METHOD,
            RESUME_METHOD,
        ] {
            let declined = decline(method, "no answer came");
            assert!(matches!(declined, Answer::Result(_)), "{method}: {declined:?}");
            assert_eq!(check(method, &Value::Null, &declined, false), Ok(()), "{method}");
        }
        let declined = decline(method::AttestationGenerate::METHOD, "no answer came");
        assert!(matches!(declined, Answer::Error { code: -32601, .. }), "{declined:?}");
    }

    #[test]
    fn answers_of_another_shape_are_refused() {
        for (method, answer) in [
            (COMMAND, json!({"decision": "yes"})),
            (COMMAND, json!("accept")),
            (COMMAND, json!({})),
            // It grants nothing there, and looks as if it did.
            (method::ItemPermissionsRequestApproval::METHOD, json!({"decision": "accept"})),
            (method::ItemToolRequestUserInput::METHOD, json!({"answers": {"q1": "yes"}})),
            (method::McpServerElicitationRequest::METHOD, json!({"action": "maybe"})),
            (method::ItemToolCall::METHOD, json!({"success": true})),
            (RESUME_METHOD, json!({"resume": "yes"})),
            ("new/method", json!({})),
        ] {
            let refused = check(method, &Value::Null, &result(answer.clone()), true);
            assert!(matches!(refused, Err(Misfit::Shape(_))), "{method}: {answer}: {refused:?}");
        }
    }

    #[test]
    fn decisions_that_are_not_offered_have_to_be_forced() {
        let params = json!({"availableDecisions": ["accept", {"acceptWithExecpolicyAmendment":
            {"execpolicy_amendment": ["ls"]}}, "cancel"]});
        let session = result(json!({"decision": "acceptForSession"}));
        let offered = vec![
            "accept".to_owned(),
            r#"{"acceptWithExecpolicyAmendment":{"execpolicy_amendment":["ls"]}}"#.to_owned(),
            "cancel".to_owned(),
        ];
        assert_eq!(check(COMMAND, &params, &session, false), Err(Misfit::NotOffered { offered }));
        assert_eq!(check(COMMAND, &params, &session, true), Ok(()));
        for decision in [json!("accept"), json!("decline"), params["availableDecisions"][1].clone()] {
            let answer = result(json!({ "decision": decision }));
            assert_eq!(check(COMMAND, &params, &answer, false), Ok(()), "{answer:?}");
        }
    }

    #[test]
    fn secret_answers_are_not_kept() {
        let params = json!({"questions": [{"id": "a", "isSecret": true}, {"id": "b", "isSecret": false}]});
        let answer = result(json!({"answers": {"a": {"answers": ["1234"]}, "b": {"answers": ["blue"]}}}));
        let kept = json!({"answers": {"a": {"answers": ["[redacted]"]}, "b": {"answers": ["blue"]}}});
        assert_eq!(without_secrets(&params, &answer), result(kept));

        let params = json!({"requestedSchema": {"properties": {"pin": {"format": "password"}}}});
        let answer = result(json!({"action": "accept", "content": {"pin": "1", "apiKey": "2", "name": "x"}}));
        let kept = json!({"pin": "[redacted]", "apiKey": "[redacted]", "name": "x"});
        assert_eq!(without_secrets(&params, &answer), result(json!({"action": "accept", "content": kept})));
    }

    #[test]
    fn an_approval_of_an_mcp_tool_is_told_by_its_meta() {
        let params = json!({"_meta": {"codex_approval_kind": "mcp_tool_call"}});
        let method = method::McpServerElicitationRequest::METHOD;
        assert_eq!(kind(method, &params), RequestKind::McpTool);
        assert_eq!(kind(method, &json!({"_meta": null})), RequestKind::Elicitation);
        assert_eq!(kind("new/method", &json!({})), RequestKind::Other);
    }
}
