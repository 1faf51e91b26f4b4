//! A front end whose answers are awaited.

use std::future::Future;
use std::sync::Arc;

use codex_appserver_client::wire::UnknownMethod;
use codex_appserver_client::{Context, HandlerError, Tokio, method};
use codex_appserver_methods::protocol::{
    AttestationGenerateParams, AttestationGenerateResponse, ChatgptAuthTokensRefreshParams,
    ChatgptAuthTokensRefreshResponse, McpServerElicitationAction, McpServerElicitationRequestParams,
    McpServerElicitationRequestResponse, ToolRequestUserInputParams, ToolRequestUserInputResponse,
    UrlMcpServerElicitationRequestParams,
};
use serde_json::Value;

use crate::approvals::{ApprovalRequest, Approvals, Decision};
use crate::builder::CodexBuilder;
use crate::elicitation::{Elicitation, Form, FormAnswer, answer_form};

/// Answers everything that a codex asks of the program it works for, a method for each kind of question.
///
/// Set it with [`CodexBuilder::front_end`](crate::generic::CodexBuilder::front_end). A method that you do not write leaves
/// the question unanswered ([`HandlerError::Unhandled`]): it is declined, or on a server that others use too left to them
/// where it is about their threads. An error of another kind, and a panic, decline as well.
///
/// Each question gets a task of its own, which may take hours. Several may be open at once. If a question is withdrawn, as
/// by an interrupt, the future is dropped; what you have started elsewhere, such as a dialog, can wait for
/// [`context.resolved()`](codex_appserver_client::RequestContext::resolved).
///
/// ```
/// use codex_appserver::client::{Context, HandlerError};
/// use codex_appserver::{ApprovalRequest, Decision, Form, FormAnswer, FrontEnd};
///
/// struct Cautious;
///
/// impl FrontEnd for Cautious {
///     async fn approve(&self, request: ApprovalRequest, _: Context) -> Result<Decision, HandlerError> {
///         Ok(match request.mcp_tool() {
///             Some(("calendar", "list_events")) => Decision::Accept,
///             _ => Decision::Decline,
///         })
///     }
///
///     async fn fill_form(&self, form: Form, _: Context) -> Result<FormAnswer, HandlerError> {
///         println!("{} asks: {}", form.server(), form.message());
///         Ok(FormAnswer::Decline)
///     }
/// }
/// ```
pub trait FrontEnd: Send + Sync {
    /// Decides what the agent may do, where neither the thread nor the turn has approvals of its own.
    fn approve(
        &self,
        request: ApprovalRequest,
        context: Context,
    ) -> impl Future<Output = Result<Decision, HandlerError>> + Send {
        let _ = (request, context);
        async { Err(HandlerError::Unhandled) }
    }

    /// Puts questions of a tool to the user (`item/tool/requestUserInput`). The answer has an entry for each question that
    /// the user answered, by its id.
    fn answer_questions(
        &self,
        request: ToolRequestUserInputParams,
        context: Context,
    ) -> impl Future<Output = Result<ToolRequestUserInputResponse, HandlerError>> + Send {
        let _ = (request, context);
        async { Err(HandlerError::Unhandled) }
    }

    /// Has the user fill in a form of an MCP server (`mcpServer/elicitation/request`, mode `form`).
    fn fill_form(
        &self,
        form: Form,
        context: Context,
    ) -> impl Future<Output = Result<FormAnswer, HandlerError>> + Send {
        let _ = (form, context);
        async { Err(HandlerError::Unhandled) }
    }

    /// Has the user open an address for an MCP server (`mcpServer/elicitation/request`, mode `url`). Accept says that the
    /// user agreed to open it, and not that anything was done there.
    fn open_url(
        &self,
        request: UrlMcpServerElicitationRequestParams,
        context: Context,
    ) -> impl Future<Output = Result<McpServerElicitationAction, HandlerError>> + Send {
        let _ = (request, context);
        async { Err(HandlerError::Unhandled) }
    }

    /// Answers an elicitation of any other mode, and an approval of a kind that the SDK does not know.
    fn elicit(
        &self,
        request: McpServerElicitationRequestParams,
        context: Context,
    ) -> impl Future<Output = Result<McpServerElicitationRequestResponse, HandlerError>> + Send {
        let _ = (request, context);
        async { Err(HandlerError::Unhandled) }
    }

    /// Brings new ChatGPT tokens, if the program has logged in with tokens of its own
    /// (`account/chatgptAuthTokens/refresh`).
    fn refresh_tokens(
        &self,
        request: ChatgptAuthTokensRefreshParams,
        context: Context,
    ) -> impl Future<Output = Result<ChatgptAuthTokensRefreshResponse, HandlerError>> + Send {
        let _ = (request, context);
        async { Err(HandlerError::Unhandled) }
    }

    /// Makes an attestation, if the program has said that it can (`attestation/generate`).
    fn attest(
        &self,
        request: AttestationGenerateParams,
        context: Context,
    ) -> impl Future<Output = Result<AttestationGenerateResponse, HandlerError>> + Send {
        let _ = (request, context);
        async { Err(HandlerError::Unhandled) }
    }

    /// Answers a question that these bindings do not know.
    fn unknown(
        &self,
        request: UnknownMethod,
        context: Context,
    ) -> impl Future<Output = Result<Value, HandlerError>> + Send {
        let _ = (request, context);
        async { Err(HandlerError::Unhandled) }
    }
}

/// On tokio.
impl CodexBuilder<Tokio> {
    /// Has a front end answer everything that the server asks; only calls of dynamic tools have a way of their own.
    ///
    /// It replaces [`approvals`](Self::approvals) and handlers of these questions that were set before, and what is set
    /// afterwards replaces its part. Do not keep a [`Codex`](crate::Codex), a thread or a turn in it: that would keep the
    /// connection open forever.
    pub fn front_end(self, front_end: impl FrontEnd + 'static) -> Self {
        let front_end = Arc::new(front_end);
        let (approves, questions, elicits) = (front_end.clone(), front_end.clone(), front_end.clone());
        let (refreshes, attests, unknown) = (front_end.clone(), front_end.clone(), front_end);
        let approvals = Approvals::new(move |request, context| {
            let front_end = approves.clone();
            Box::pin(async move { front_end.approve(request, context).await })
        });
        self.approvals(approvals).client(|client| {
            client
                .on_user_input(move |request, context| {
                    let front_end = questions.clone();
                    async move { front_end.answer_questions(request, context).await }
                })
                .on_elicitation(move |request, context| {
                    let front_end = elicits.clone();
                    async move { elicit(&*front_end, request, context).await }
                })
                .on::<method::AccountChatgptAuthTokensRefresh, _, _>(move |request, context| {
                    let front_end = refreshes.clone();
                    async move { front_end.refresh_tokens(request, context).await }
                })
                .on::<method::AttestationGenerate, _, _>(move |request, context| {
                    let front_end = attests.clone();
                    async move { front_end.attest(request, context).await }
                })
                .on_unknown(move |request, context| {
                    let front_end = unknown.clone();
                    async move { front_end.unknown(request, context).await }
                })
        })
    }
}

async fn elicit(
    front_end: &impl FrontEnd,
    request: McpServerElicitationRequestParams,
    context: Context,
) -> Result<McpServerElicitationRequestResponse, HandlerError> {
    match Elicitation::of(request) {
        Elicitation::Form(form) => {
            let answer = front_end.fill_form(form.clone(), context).await;
            answer_form(&form, answer)
        }
        Elicitation::Url(request) => {
            let action = front_end.open_url(*request, context).await?;
            Ok(McpServerElicitationRequestResponse::new(action))
        }
        Elicitation::Other(request) => front_end.elicit(*request, context).await,
    }
}
