//! What the server asks of the client: who answers, and what becomes of it if nobody does.

mod context;
mod decline;
mod handlers;
mod incoming;
mod responder;

pub use context::RequestContext;
pub(crate) use handlers::{Handlers, Hook};
pub(crate) use incoming::Incoming;
pub use responder::RequestResponder;
