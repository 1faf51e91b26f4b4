//! What an MCP server wants of the user, apart from leave: forms and addresses.

mod field;
mod form;

use codex_appserver_client::HandlerError;
use codex_appserver_methods::protocol::{
    McpServerElicitationAction, McpServerElicitationRequestParams, McpServerElicitationRequestResponse,
    UrlMcpServerElicitationRequestParams,
};

pub use field::{Choice, Field, FieldKind};
pub use form::{Form, FormAnswer, FormError};

/// An elicitation by what a front end does with it.
pub(crate) enum Elicitation {
    Form(Form),
    Url(Box<UrlMcpServerElicitationRequestParams>),
    /// Of a mode that the SDK has no answers for, or an approval of a kind that it does not know.
    Other(Box<McpServerElicitationRequestParams>),
}

impl Elicitation {
    pub(crate) fn of(request: McpServerElicitationRequestParams) -> Self {
        match request {
            McpServerElicitationRequestParams::Form(form) => match crate::approvals::approval_kind(&form) {
                // An approval in the shape of a form without fields is no form: to hand it in would be to agree.
                Some(kind) if !kind.is_null() => {
                    Self::Other(Box::new(McpServerElicitationRequestParams::Form(form)))
                }
                _ => Self::Form(Form::new(form)),
            },
            McpServerElicitationRequestParams::Url(url) => Self::Url(url),
            other => Self::Other(Box::new(other)),
        }
    }
}

/// The answer to a form.
pub(crate) fn answer_form(
    form: &Form,
    answer: Result<FormAnswer, HandlerError>,
) -> Result<McpServerElicitationRequestResponse, HandlerError> {
    use McpServerElicitationAction as Word;
    Ok(match answer? {
        FormAnswer::Submit(content) => match form.check(&content) {
            Ok(()) => McpServerElicitationRequestResponse::new(Word::Accept).content(content),
            Err(error) => {
                tracing::warn!(server = form.server(), %error, "a form was not filled in as it asks, and is declined");
                McpServerElicitationRequestResponse::new(Word::Decline)
            }
        },
        FormAnswer::Decline => McpServerElicitationRequestResponse::new(Word::Decline),
        FormAnswer::Cancel => McpServerElicitationRequestResponse::new(Word::Cancel),
    })
}
