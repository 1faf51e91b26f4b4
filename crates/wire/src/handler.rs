//! How a handler of requests says that it does not answer.

use crate::{DecodeError, RpcError};

/// Why a handler has no response to a request.
///
/// There are two cases and there will be no third: nobody decided, or somebody decided against it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HandlerError {
    /// This handler does not answer the request.
    ///
    /// What the peer gets is up to whoever runs the handler: a client that is told so declines the request, or
    /// leaves it to other clients of the same thread. It never becomes an acceptance.
    #[error("failed to answer the request: nobody handles it")]
    Unhandled,
    /// The handler answers with this error. The peer gets it as it is.
    #[error(transparent)]
    Rpc(#[from] RpcError),
}

/// Params that do not decode are invalid params (code -32602), an answer like any other error.
impl From<DecodeError> for HandlerError {
    fn from(error: DecodeError) -> Self {
        Self::Rpc(error.into())
    }
}
