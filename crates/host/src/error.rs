//! What an operation of the host fails with.

use std::path::PathBuf;

use crate::core::status::{RequestStatus, Status};
use crate::ids::{PendingId, TaskId, WorkerId};

/// The `Result` of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of an error, from a library below.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of the store is none that is known.
    #[error("read the address of the store: {reason}; use `sqlite:PATH` or `postgres://…`")]
    Location {
        /// What is wrong with it. The address itself may hold a password and is not shown.
        reason: String,
    },
    /// No folder for the default store can be found.
    #[error("find the folder for the store: {reason}; set XDG_STATE_HOME or name a store with `sqlite:PATH`")]
    NoFolder {
        /// What is missing.
        reason: String,
    },
    /// The file of the store, or its folder, cannot be created or protected.
    #[error("prepare `{}` for the store", path.display())]
    Prepare {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The store was written by a later version of this library.
    #[error(
        "open the store: it has version {found} and this program knows versions up to {known}; \
         use the newer program that wrote it"
    )]
    NewerStore {
        /// The version of the store.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// The database holds something else.
    #[error("open the store: the database has tables of another program; name a database of its own")]
    ForeignDatabase,
    /// A new task is refused.
    #[error("create the task: {0}")]
    InvalidTask(#[from] InvalidTask),
    /// The idempotency key was used for a task with other content.
    #[error(
        "create the task: the idempotency key `{key}` belongs to task {task}, which differs in {differs}; \
         use another key"
    )]
    KeyReused {
        /// The key.
        key: String,
        /// The task that has it.
        task: TaskId,
        /// The first member that differs.
        differs: &'static str,
    },
    /// There is no task with this id.
    #[error("find task {0}: there is none; it may have been pruned")]
    NoTask(TaskId),
    /// There is no pending request with this id.
    #[error("find request {0}: there is none; it may have been pruned with its task")]
    NoRequest(PendingId),
    /// The task has ended already.
    #[error("change task {task}: it is {status}")]
    TaskEnded {
        /// The task.
        task: TaskId,
        /// How it ended.
        status: Status,
    },
    /// The task has not ended yet.
    #[error("start task {task} again: it is {status}; interrupt it first")]
    TaskNotEnded {
        /// The task.
        task: TaskId,
        /// How it stands.
        status: Status,
    },
    /// The lease is not the caller's any more: another worker owns the task, or it has ended. Nothing was written. The
    /// turn has to be interrupted, unless the task has ended.
    #[error("write to task {task}: its lease {held} was taken over by {current}; stop this turn")]
    Fenced {
        /// The task.
        task: TaskId,
        /// The fencing number of the caller.
        held: i64,
        /// The fencing number that counts now.
        current: i64,
    },
    /// The worker is not registered any more.
    #[error("renew the leases of worker {0}: it is not registered; register it again")]
    NoWorker(WorkerId),
    /// The thread is in use by another task.
    #[error(
        "begin the turn of task {task}: another task runs on thread {thread}; release it and try again later"
    )]
    ThreadBusy {
        /// The task.
        task: TaskId,
        /// The thread.
        thread: String,
    },
    /// An answer is refused. It was not stored and will not be sent.
    #[error("answer request {request}: {refusal}")]
    Answer {
        /// The request.
        request: PendingId,
        /// Why.
        refusal: Refusal,
    },
    /// What waited for the store in memory was dropped, since its writer has ended.
    #[error("store events: their writer has ended")]
    WriterEnded,
    /// The row of the store has a value that this version cannot read.
    #[error("read `{column}` of the store")]
    Row {
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        #[source]
        source: Cause,
    },
    /// The database refused an operation, or is away.
    #[error("{doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// Whether the same may work later: the database is busy, full or away.
        passing: bool,
        /// What the database says.
        #[source]
        source: Cause,
    },
}

impl Error {
    /// Whether the same operation may work later: the database is busy, full or away.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Database { passing: true, .. })
    }

    pub(crate) fn row(column: &'static str, source: impl Into<Cause>) -> Self {
        Self::Row { column, source: source.into() }
    }
}

/// Why a new task is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTask {
    /// The prompt has no text.
    #[error("the prompt is empty; say what the task is")]
    EmptyPrompt,
    /// The prompt is longer than the server takes.
    #[error("the prompt has {chars} characters, and the server takes {limit}; put the rest into a file")]
    LongPrompt {
        /// Its length.
        chars: usize,
        /// The limit.
        limit: usize,
    },
    /// The working directory is relative.
    #[error("the working directory `{0}` is relative; give the whole path")]
    RelativeCwd(String),
    /// The working directory does not exist or is no directory.
    #[error("the working directory `{0}` does not exist, or is no directory; create it first")]
    MissingCwd(String),
    /// Full access is never given to a task that runs unattended.
    #[error("the sandbox `{0}` is not for unattended tasks; use `read-only` or `workspace-write`")]
    Sandbox(String),
    /// A task that never asks is never given.
    #[error("the approval policy `{0}` is not for unattended tasks; use `untrusted` or `on-request`")]
    ApprovalPolicy(String),
    /// A text has a character that a database does not take.
    #[error("the {0} has a NUL character; remove it")]
    Nul(&'static str),
    /// A short text is empty or too long.
    #[error("the {what} is empty or longer than {limit} bytes")]
    Length {
        /// Which text.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// Why an answer to a pending request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Another answer won.
    #[error("it was already answered by {by}")]
    AlreadyAnswered {
        /// Who gave the answer.
        by: String,
        /// When, in milliseconds since 1970.
        at: i64,
    },
    /// Another client of the server has answered.
    #[error("another client of the server has answered it")]
    AnsweredElsewhere,
    /// The server that asked is gone.
    #[error("the server that asked is gone; the task goes on as its policy for lost turns says")]
    ServerGone,
    /// The task has ended.
    #[error("its task has ended")]
    TaskEnded,
    /// The request is closed for another reason.
    #[error("it is {0}")]
    Closed(RequestStatus),
    /// The answer does not have the shape that the method demands.
    #[error("the answer does not fit: {0}")]
    Shape(String),
    /// The server does not offer the decision.
    #[error("the server offers {}; force the answer to send it all the same", offered.join(", "))]
    NotOffered {
        /// What it offers.
        offered: Vec<String>,
    },
}
