//! What sort of trouble an error of the server tells of.

use crate::RpcError;

/// What sort of trouble an [`RpcError`] tells of, by its code and, where the code says little, by its message.
///
/// codex answers with code -32600 to most of what can go wrong. Messages are read in the words of that
/// version; where a later one says it in others, the kind is [`InvalidRequest`](Self::InvalidRequest) or
/// [`Other`](Self::Other). Match with a wildcard, and decide nothing dangerous by a kind being absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RpcErrorKind {
    /// What was sent is no JSON (code -32700).
    Parse,
    /// The request cannot be served as it is (code -32600): params that are missing or of the wrong type, or that
    /// do not fit the state of the server.
    InvalidRequest,
    /// A request came before `initialize`.
    NotInitialized,
    /// `initialize` came twice.
    AlreadyInitialized,
    /// The server does not know the thread, or has it on disk only: `thread/resume` loads it.
    ThreadNotFound,
    /// The turn that was to be interrupted or steered is not the one at work: not yet, or not any more.
    NoActiveTurn,
    /// The method or one of its members is experimental, and `initialize` did not ask for those.
    NeedsExperimentalApi,
    /// The peer does not know or not support the method: code -32601, or -32600 with codex's list of the methods
    /// that it does know.
    MethodNotFound,
    /// Params that decode and are refused all the same (code -32602); `data` often tells why.
    InvalidParams,
    /// The server failed itself (code -32603).
    Internal,
    /// The server has too much to do and did not look at the request (code -32001). Send it again later.
    Overloaded,
    /// Any other code. Errors of MCP servers keep their codes.
    Other,
}

impl RpcErrorKind {
    /// True where the same request may go well later and was not acted upon: [`Overloaded`](Self::Overloaded)
    /// alone.
    pub fn is_retryable(self) -> bool {
        self == Self::Overloaded
    }
}

impl RpcError {
    /// What sort of trouble this is.
    pub fn kind(&self) -> RpcErrorKind {
        match self.code {
            -32700 => RpcErrorKind::Parse,
            -32600 => of_invalid_request(&self.message),
            -32601 => RpcErrorKind::MethodNotFound,
            -32602 => RpcErrorKind::InvalidParams,
            // Some methods put another sentence before that of the thread store.
            -32603 if self.message.contains(NO_ROLLOUT) => RpcErrorKind::ThreadNotFound,
            -32603 => RpcErrorKind::Internal,
            // An MCP server may mean something else by this code, such as a tool that took too long; sending that
            // again would run the tool twice.
            -32001 if self.message.to_ascii_lowercase().contains("overloaded") => RpcErrorKind::Overloaded,
            _ => RpcErrorKind::Other,
        }
    }

    /// True where the same request may go well later and was not acted upon.
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }
}

/// A rollout is the file of a thread. That there is no archived one says nothing of the thread itself.
const NO_ROLLOUT: &str = "no rollout found for thread id ";

fn of_invalid_request(message: &str) -> RpcErrorKind {
    match message {
        "Not initialized" => RpcErrorKind::NotInitialized,
        "Already initialized" => RpcErrorKind::AlreadyInitialized,
        _ if ["thread not found: ", "thread not loaded: ", NO_ROLLOUT]
            .iter()
            .any(|beginning| message.starts_with(beginning)) =>
        {
            RpcErrorKind::ThreadNotFound
        }
        _ if ["no active turn to ", "expected active turn id "]
            .iter()
            .any(|beginning| message.starts_with(beginning)) =>
        {
            RpcErrorKind::NoActiveTurn
        }
        _ if message.ends_with(" requires experimentalApi capability") => RpcErrorKind::NeedsExperimentalApi,
        // The same sentence comes for an unknown value of an enum; the list of methods opens with this one.
        _ if message.starts_with("Invalid request: unknown variant `")
            && message.contains("`, expected one of `initialize`, ") =>
        {
            RpcErrorKind::MethodNotFound
        }
        _ => RpcErrorKind::InvalidRequest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RpcErrorKind::*;

    /// Answers of codex, word for word but for the ids and the end of the list of methods.
    const REAL: &[(i64, &str, RpcErrorKind)] = &[
        (-32600, "Not initialized", NotInitialized),
        (-32600, "Already initialized", AlreadyInitialized),
        (-32600, "thread not found: 0199a2b4-0000-7000-8000-000000000000", ThreadNotFound),
        (-32600, "thread not loaded: 0199a2b4-0000-7000-8000-000000000000", ThreadNotFound),
        (-32600, "no rollout found for thread id 0199a2b4-0000-7000-8000-000000000000", ThreadNotFound),
        (
            -32603,
            "failed to read thread: invalid thread-store request: no rollout found for thread id \
             0199a2b4-0000-7000-8000-000000000000",
            ThreadNotFound,
        ),
        (
            -32600,
            "no archived rollout found for thread id 0199a2b4-0000-7000-8000-000000000000",
            InvalidRequest,
        ),
        (-32600, "thread/settings/update requires experimentalApi capability", NeedsExperimentalApi),
        (
            -32600,
            "thread/start.experimentalRawEvents requires experimentalApi capability",
            NeedsExperimentalApi,
        ),
        (
            -32600,
            "Invalid request: unknown variant `no/such/method`, expected one of `initialize`, \
             `server/diagnostics`, `userVerification/status`",
            MethodNotFound,
        ),
        (
            -32600,
            "Invalid request: unknown variant `nope`, expected one of `read-only`, `workspace-write`, \
             `danger-full-access`",
            InvalidRequest,
        ),
        (-32600, "Invalid request: missing field `params`", InvalidRequest),
        (-32600, "Invalid request: invalid type: integer `5`, expected a string", InvalidRequest),
        (-32600, "no active turn to interrupt", NoActiveTurn),
        (-32600, "no active turn to steer", NoActiveTurn),
        (
            -32600,
            "expected active turn id 0199a2b4-0000-7000-8000-000000000000 but found \
             0199a2b4-0000-7000-8000-000000000001",
            NoActiveTurn,
        ),
        (
            -32600,
            "invalid thread id: invalid character: expected an optional prefix of `urn:uuid:` followed by \
             [0-9a-fA-F-], found `n` at 1",
            InvalidRequest,
        ),
        (-32600, "failed to compute git diff to remote for cwd: \"/nonexistent\"", InvalidRequest),
        (-32601, "thread/items/list is not supported yet", MethodNotFound),
        (-32602, "Input exceeds the maximum length of 1048576 characters.", InvalidParams),
        (-32603, "No such file or directory (os error 2)", Internal),
        (-32001, "Server overloaded; retry later.", Overloaded),
    ];

    #[test]
    fn the_answers_of_the_real_server_are_recognised() {
        for (code, message, kind) in REAL {
            assert_eq!(RpcError::new(*code, *message).kind(), *kind, "{message}");
        }
    }

    #[test]
    fn codes_alone_decide_where_the_message_says_nothing() {
        let kinds =
            [(-32700, Parse), (-32600, InvalidRequest), (-32601, MethodNotFound), (-32602, InvalidParams)];
        for (code, kind) in
            kinds.into_iter().chain([(-32603, Internal), (-32000, Other), (0, Other), (7, Other)])
        {
            assert_eq!(RpcError::new(code, "").kind(), kind, "{code}");
        }
    }

    /// What a message says counts only beside the code that it comes with.
    #[test]
    fn the_words_of_another_server_are_not_taken_for_those_of_codex() {
        for message in ["Not initialized", "thread not found: 1", "Server overloaded; retry later."] {
            assert_eq!(RpcError::new(-32000, message).kind(), Other, "{message}");
        }
        assert_eq!(RpcError::new(-32001, "Request timed out").kind(), Other);
    }

    #[test]
    fn only_an_overloaded_server_is_asked_again() {
        for (code, message, kind) in REAL {
            assert_eq!(RpcError::new(*code, *message).is_retryable(), *kind == Overloaded, "{message}");
        }
    }
}
