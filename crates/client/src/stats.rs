//! What a connection has seen, in numbers.

/// Counters of a connection since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls that were begun.
    pub calls: u64,
    /// Calls that are sent and not answered yet.
    pub in_flight: u64,
    /// Calls that wait for a place in the window.
    pub queued: u64,
    /// Answers that a call got, good or bad.
    pub answers: u64,
    /// Answers to calls that were given up before.
    pub late_answers: u64,
    /// Answers to calls that had theirs.
    pub duplicate_answers: u64,
    /// Answers to nothing this client asked.
    pub unknown_answers: u64,
    /// Notifications that came.
    pub notifications: u64,
    /// Requests of the server that came.
    pub server_requests: u64,
    /// Requests of the server that were refused because too many were open.
    pub refused_requests: u64,
    /// Lines that are no message, not UTF-8, or too long.
    pub unreadable_lines: u64,
    /// Events that subscriptions skipped, counted when each of them ends.
    pub skipped_events: u64,
}
