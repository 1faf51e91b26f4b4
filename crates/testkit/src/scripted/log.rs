//! What the scripted server has seen.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The lines kept have at most this many bytes in all.
const KEEP_BYTES: usize = 64 << 20;

/// What a client answered to a request of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClientAnswer {
    /// The id, as the client wrote it.
    pub id: Value,
    /// The method of the request; none where no such request was open.
    pub method: Option<String>,
    /// The result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// The error, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// Why a scripted server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ended {
    /// Its input ended.
    Eof,
    /// It was told to terminate.
    Sigterm,
    /// The scenario made it exit with this code.
    Exit(i32),
    /// The scenario made it crash.
    Abort,
    /// The test closed it.
    Closed,
}

/// What a scripted server has seen so far; the program writes it as JSON with `--report`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// How many lines it received.
    pub lines: u64,
    /// How many of these were no message.
    pub malformed: u64,
    /// How many requests and notifications it received, by method.
    pub methods: BTreeMap<String, u64>,
    /// The highest number of requests that were unanswered at once.
    pub max_pending: u64,
    /// How many requests are unanswered now.
    pub pending: u64,
    /// What the client answered to requests of the server.
    pub answers: Vec<ClientAnswer>,
    /// Why it ended; none where it did not.
    pub ended: Option<Ended>,
}

/// Counts, and the last lines.
#[derive(Debug)]
pub(super) struct Log {
    lines: VecDeque<String>,
    bytes: usize,
    keep: usize,
    pub received: u64,
    pub malformed: u64,
    pub pending: u64,
    pub max_pending: u64,
    pub answers: Vec<ClientAnswer>,
}

impl Log {
    pub(super) fn new(keep: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            bytes: 0,
            keep,
            received: 0,
            malformed: 0,
            pending: 0,
            max_pending: 0,
            answers: Vec::new(),
        }
    }

    /// Keeps a line, in the memory of the one that it drives out where there is one.
    pub(super) fn line(&mut self, line: &str) {
        self.received += 1;
        let mut kept = String::new();
        while self.lines.len() >= self.keep || self.bytes + line.len() > KEEP_BYTES {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.bytes -= oldest.len();
            kept = oldest;
        }
        if kept.capacity() > 2 * line.len() + 256 {
            kept = String::new();
        }
        kept.clear();
        kept.push_str(line);
        self.bytes += line.len();
        self.lines.push_back(kept);
    }

    /// A request came.
    pub(super) fn request(&mut self) {
        self.pending += 1;
        self.max_pending = self.max_pending.max(self.pending);
    }

    /// The lines kept, oldest first; what is no JSON is a string.
    pub(super) fn values(&self) -> Vec<Value> {
        let value =
            |line: &String| serde_json::from_str(line).unwrap_or_else(|_| Value::String(line.clone()));
        self.lines.iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Log;

    #[test]
    fn the_last_lines_are_kept() {
        let mut log = Log::new(2);
        for line in ["1", "no JSON", "[3]"] {
            log.line(line);
        }
        assert_eq!(log.values(), [serde_json::json!("no JSON"), serde_json::json!([3])]);
        assert_eq!(log.received, 3);
        let mut none = Log::new(0);
        none.line("1");
        assert_eq!((none.values().len(), none.received), (0, 1));
    }
}
