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
    /// The server has not loaded the thread. If there is a record of it, `thread/resume` loads it.
    ThreadNotFound,
    /// The server has no record of the thread: it has had no turn yet, it is ephemeral, or there is no such thread. A
    /// thread is recorded from its first turn on, and can be resumed from then on.
    NotRecorded,
    /// The thread keeps its history in pages, and what was called does not support such a thread, as `thread/read` with
    /// `includeTurns` in codex 0.145: `thread/turns/list` and `thread/items/list` read it.
    PaginatedThread,
    /// Another codex process has the thread open, so that this one cannot write to it. Connect to that process, or end it.
    ActiveWriter,
    /// A configuration file, of the user or of the project, cannot be loaded. The message names the file and the place.
    BrokenConfig,
    /// The thread has no turn at work that could be interrupted or steered: not yet, or not any more.
    NoActiveTurn,
    /// Another turn than the one that was to be interrupted or steered is at work: see
    /// [`RpcError::active_turn_id`].
    OtherTurn,
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
            // What reads turns, where there is no record to read them from.
            -32601 if NO_PAGES.contains(&&*self.message) => RpcErrorKind::NotRecorded,
            -32601 => RpcErrorKind::MethodNotFound,
            -32602 => RpcErrorKind::InvalidParams,
            // Some methods put another sentence before that of the thread store.
            -32603 if self.message.contains(NO_ROLLOUT) || is_of_empty_rollout(&self.message) => {
                RpcErrorKind::NotRecorded
            }
            -32603 if has_beginning(&self.message, BROKEN_CONFIG) => RpcErrorKind::BrokenConfig,
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

    /// The turn that is at work, where that is not the one that the request names
    /// ([`OtherTurn`](RpcErrorKind::OtherTurn)).
    pub fn active_turn_id(&self) -> Option<&str> {
        let (_, found) = self.message.strip_prefix(OTHER_TURN)?.split_once(" but found ")?;
        Some(found.trim_matches('`')).filter(|id| self.code == -32600 && !id.is_empty())
    }
}

/// A rollout is the file of a thread. That there is no archived one says nothing of the thread itself.
const NO_ROLLOUT: &str = "no rollout found for thread id ";

const NO_RECORDS: &[&str] = &[NO_ROLLOUT, "ephemeral threads do not support "];

/// What the server says of the turns and of the items of a thread that it has no record of.
const NO_PAGES: &[&str] = &["list_turns is not supported yet", "thread/items/list is not supported yet"];

const BROKEN_CONFIG: &[&str] =
    &["failed to load configuration: ", "failed to read configuration layers: ", "invalid configuration: "];

/// The ids that follow stand within backticks for some methods.
const OTHER_TURN: &str = "expected active turn id ";

fn has_beginning(message: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| message.starts_with(beginning))
}

/// Whether the file of a thread is empty: its server died between creating the file and writing to it.
fn is_of_empty_rollout(message: &str) -> bool {
    message.contains(": rollout at ") && message.ends_with(" is empty")
}

fn of_invalid_request(message: &str) -> RpcErrorKind {
    match message {
        "Not initialized" => RpcErrorKind::NotInitialized,
        "Already initialized" => RpcErrorKind::AlreadyInitialized,
        _ if has_beginning(message, &["thread not found: ", "thread not loaded: "]) => {
            RpcErrorKind::ThreadNotFound
        }
        _ if has_beginning(message, NO_RECORDS) || message.contains(" is not materialized yet; ") => {
            RpcErrorKind::NotRecorded
        }
        _ if message.ends_with(" already has an active writer") => RpcErrorKind::ActiveWriter,
        _ if has_beginning(message, BROKEN_CONFIG) => RpcErrorKind::BrokenConfig,
        _ if message.starts_with("no active turn to ") => RpcErrorKind::NoActiveTurn,
        _ if message.starts_with(OTHER_TURN) => RpcErrorKind::OtherTurn,
        _ if message.ends_with(" requires experimentalApi capability") => RpcErrorKind::NeedsExperimentalApi,
        _ if message.starts_with("paginated threads do not support ") => RpcErrorKind::PaginatedThread,
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
        (-32600, "no rollout found for thread id 0199a2b4-0000-7000-8000-000000000000", NotRecorded),
        (
            -32600,
            "thread 0199a2b4-0000-7000-8000-000000000000 is not materialized yet; thread/turns/list is unavailable \
             before first user message",
            NotRecorded,
        ),
        (-32601, "list_turns is not supported yet", NotRecorded),
        (-32600, "ephemeral threads do not support includeTurns", NotRecorded),
        (-32600, "ephemeral threads do not support thread/turns/list", NotRecorded),
        (-32600, "thread 0199a2b4-0000-7000-8000-000000000000 already has an active writer", ActiveWriter),
        (
            -32600,
            "failed to load configuration: /home/me/project/.codex/config.toml:1:9: invalid type: integer `5`, \
             expected a string",
            BrokenConfig,
        ),
        (
            -32603,
            "failed to read configuration layers: Error parsing project config file \
             /home/me/project/.codex/config.toml: TOML parse error at line 1, column 9",
            BrokenConfig,
        ),
        (-32603, "invalid configuration: invalid transport\nin `mcp_servers.x`\n", BrokenConfig),
        (
            -32603,
            "failed to read thread: invalid thread-store request: no rollout found for thread id \
             0199a2b4-0000-7000-8000-000000000000",
            NotRecorded,
        ),
        (
            -32603,
            "failed to read thread: thread-store internal error: failed to read session metadata \
             /home/me/.codex/sessions/2026/11/28/rollout-1.jsonl: rollout at \
             /home/me/.codex/sessions/2026/11/28/rollout-1.jsonl is empty",
            NotRecorded,
        ),
        (-32603, "failed to read thread: the disk is empty", Internal),
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
            OtherTurn,
        ),
        (
            -32600,
            "expected active turn id `0199a2b4-0000-7000-8000-000000000000` but found \
             `0199a2b4-0000-7000-8000-000000000001`",
            OtherTurn,
        ),
        (
            -32600,
            "invalid thread id: invalid character: expected an optional prefix of `urn:uuid:` followed by \
             [0-9a-fA-F-], found `n` at 1",
            InvalidRequest,
        ),
        (-32600, "failed to compute git diff to remote for cwd: \"/nonexistent\"", InvalidRequest),
        (-32601, "thread/items/list is not supported yet", NotRecorded),
        (-32600, "paginated threads do not support thread/read(includeTurns=true)", PaginatedThread),
        (
            -32600,
            "thread 0199a2b4-0000-7000-8000-000000000000 is not materialized yet; includeTurns is unavailable before \
             first user message",
            NotRecorded,
        ),
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
    fn the_turn_at_work_is_named() {
        let others = REAL.iter().filter(|(.., kind)| *kind == OtherTurn);
        let ids: Vec<_> = others
            .map(|(code, message, _)| RpcError::new(*code, *message).active_turn_id().map(str::to_owned))
            .collect();
        assert_eq!(ids, vec![Some("0199a2b4-0000-7000-8000-000000000001".to_owned()); 2]);
        for (code, message, kind) in REAL {
            let names = RpcError::new(*code, *message).active_turn_id().is_some();
            assert_eq!(names, *kind == OtherTurn, "{message}");
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
