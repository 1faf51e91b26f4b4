//! The front end: questions of the agent on their way to the user, and answers on their way back.
//!
//! The front end only passes questions on. One task shows them one after the other, however many turns ask at once, and
//! reads the answers: it alone reads what the user types.

use codex_appserver::client::wire::UnknownMethod;
use codex_appserver::client::{Context, HandlerError};
use codex_appserver::protocol::{
    McpServerElicitationAction, McpServerElicitationRequestParams, McpServerElicitationRequestResponse,
    ToolRequestUserInputParams, ToolRequestUserInputResponse, UrlMcpServerElicitationRequestParams,
};
use codex_appserver::{ApprovalRequest, Decision, Form, FormAnswer, FrontEnd};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

/// Where the questions come out.
pub type Questions = mpsc::UnboundedReceiver<Question>;

/// Where the answer to a question goes. Dropping it declines. It is closed once no answer is wanted any more.
pub type Reply<T> = oneshot::Sender<T>;

/// A question of the agent, or of an MCP server.
pub enum Question {
    Approval(ApprovalRequest, Reply<Decision>),
    Questions(ToolRequestUserInputParams, Reply<ToolRequestUserInputResponse>),
    Form(Form, Reply<FormAnswer>),
    Url(UrlMcpServerElicitationRequestParams, Reply<McpServerElicitationAction>),
    /// A question that this program does not understand, by its name. It was declined.
    Declined(String),
}

impl Question {
    /// The thread that it is about; of a sub-agent its own.
    pub fn thread_id(&self) -> Option<&str> {
        match self {
            Self::Approval(request, _) => Some(request.thread_id()),
            Self::Questions(request, _) => Some(&request.thread_id),
            Self::Form(form, _) => Some(&form.request().thread_id),
            Self::Url(request, _) => Some(&request.thread_id),
            Self::Declined(_) => None,
        }
    }
}

/// A front end, and the questions that are put to it.
pub fn front_end() -> (Desk, Questions) {
    let (ask, questions) = mpsc::unbounded_channel();
    (Desk(ask), questions)
}

/// Passes questions on.
pub struct Desk(mpsc::UnboundedSender<Question>);

impl Desk {
    /// The answer to a question. If the future is dropped, the question knows that it is withdrawn.
    async fn put<T>(&self, question: impl FnOnce(Reply<T>) -> Question) -> Result<T, HandlerError> {
        let (reply, answer) = oneshot::channel();
        // If no task is there to take it, it is dropped, which declines.
        let _ = self.0.send(question(reply));
        answer.await.map_err(|_| HandlerError::Unhandled)
    }

    fn decline(&self, name: String) -> HandlerError {
        let _ = self.0.send(Question::Declined(name));
        HandlerError::Unhandled
    }
}

impl FrontEnd for Desk {
    async fn approve(&self, request: ApprovalRequest, _: Context) -> Result<Decision, HandlerError> {
        self.put(|reply| Question::Approval(request, reply)).await
    }

    async fn answer_questions(
        &self,
        request: ToolRequestUserInputParams,
        _: Context,
    ) -> Result<ToolRequestUserInputResponse, HandlerError> {
        self.put(|reply| Question::Questions(request, reply)).await
    }

    async fn fill_form(&self, form: Form, _: Context) -> Result<FormAnswer, HandlerError> {
        self.put(|reply| Question::Form(form, reply)).await
    }

    async fn open_url(
        &self,
        request: UrlMcpServerElicitationRequestParams,
        _: Context,
    ) -> Result<McpServerElicitationAction, HandlerError> {
        self.put(|reply| Question::Url(request, reply)).await
    }

    async fn elicit(
        &self,
        request: McpServerElicitationRequestParams,
        _: Context,
    ) -> Result<McpServerElicitationRequestResponse, HandlerError> {
        Err(self.decline(format!("an elicitation of the mode {}", request.tag())))
    }

    async fn unknown(&self, request: UnknownMethod, _: Context) -> Result<Value, HandlerError> {
        Err(self.decline(request.method))
    }
}
