//! The limits and times of a host. Every one has a default.

use std::time::Duration;

use codex_appserver_record::Redactor;

use crate::core::status::RequestKind;

/// How a host keeps its tasks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// How long a worker owns a task without renewing its lease. Default: 30 seconds. After that another worker may take
    /// the task; a third of it is a good interval for renewals.
    pub lease: Duration,
    /// How long the store may be busy before an operation fails. Default: 5 seconds.
    pub busy_timeout: Duration,
    /// How many connections to PostgreSQL there are at most, and how many to SQLite that read. Default: 8. Operations
    /// beyond wait, and fail after `busy_timeout`.
    pub connections: u32,
    /// How large the file of SQLite may become, in bytes. Default: no limit but the disk. Beyond it, writes fail as on a
    /// full disk.
    pub max_file_bytes: Option<u64>,
    /// How large the payload of an event may be, in bytes. Default: 64 KiB. Of a larger one the start is kept, as text,
    /// and the event says that it is clipped.
    pub payload_bytes: usize,
    /// How many events of a task are kept. Default: 20 000. Beyond it the oldest are deleted, and a reader that asks for
    /// them gets a snapshot.
    pub events_per_task: u32,
    /// How many events a writer stores in one transaction. Default: 1 000.
    pub batch_events: usize,
    /// How long an event waits for others before it is stored. Default: 250 milliseconds. What changes the status of
    /// a task does not wait.
    pub batch_delay: Duration,
    /// How many bytes of events a writer keeps in memory while the store cannot take them. Default: 64 MiB. Beyond it,
    /// events are dropped and counted; what changes the status of a task is always kept.
    pub waiting_bytes: usize,
    /// How long a final error waits for the end of its turn before the task fails. Default: 3 seconds.
    pub settle: Duration,
    /// How long requests wait for an answer before they are declined.
    pub deadlines: Deadlines,
    /// How often the delivery of a notification is tried before it counts as failed. Default: 10.
    pub delivery_attempts: u32,
    /// How long a notifier owns a delivery. Default: 60 seconds. After that another one tries again.
    pub delivery_claim: Duration,
    /// From how many waiting notifications for one target on they become one digest. Default: 5.
    pub digest_from: usize,
    /// How often a subscription looks into the store for what other processes wrote. Default: 250 milliseconds on SQLite;
    /// PostgreSQL tells, and is asked at a twentieth of that rate.
    pub poll: Duration,
    /// What is masked in events, errors, requests and notifications. Default: the recorder's rules, without home folders.
    pub redactor: Redactor,
}

/// How long requests of each kind wait for an answer. After that they are declined in the name of `deadline`. `None`: they
/// wait until the task ends.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Deadlines {
    /// Approvals of commands, file changes, permissions and MCP tools. Default: 3 days.
    pub approvals: Option<Duration>,
    /// Questions of the agent and of MCP servers. Default: 3 days.
    pub questions: Option<Duration>,
    /// Calls of tools that this host does not have. Default: 10 minutes.
    pub tool_calls: Option<Duration>,
    /// Requests of any other kind, which only an error can answer. Default: 1 minute.
    pub others: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            busy_timeout: Duration::from_secs(5),
            connections: 8,
            max_file_bytes: None,
            payload_bytes: 64 << 10,
            events_per_task: 20_000,
            batch_events: 1_000,
            batch_delay: Duration::from_millis(250),
            waiting_bytes: 64 << 20,
            settle: Duration::from_secs(3),
            deadlines: Deadlines::default(),
            delivery_attempts: 10,
            delivery_claim: Duration::from_secs(60),
            digest_from: 5,
            poll: Duration::from_millis(250),
            redactor: Redactor::new(),
        }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        let days = |days: u64| Some(Duration::from_secs(days * 24 * 60 * 60));
        Self {
            approvals: days(3),
            questions: days(3),
            tool_calls: Some(Duration::from_secs(600)),
            others: Some(Duration::from_secs(60)),
        }
    }
}

impl Deadlines {
    pub(crate) fn of(&self, kind: RequestKind) -> Option<Duration> {
        match kind {
            RequestKind::Command
            | RequestKind::FileChange
            | RequestKind::Permissions
            | RequestKind::McpTool => self.approvals,
            RequestKind::Elicitation | RequestKind::UserInput | RequestKind::Resume => self.questions,
            RequestKind::ToolCall => self.tool_calls,
            RequestKind::Other => self.others,
        }
    }
}

/// Milliseconds, as the store counts.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
