//! What the server asks of the client, as its handlers see it.

mod context;
mod responder;

pub use context::RequestContext;
pub use responder::RequestResponder;
