//! What can be set about a connection.

use std::time::Duration;

use codex_appserver_requests::method::{CommandExec, Initialize, McpServerToolCall};
use codex_appserver_wire::Request;

/// What happens to a request of the server that no handler answers. It is never accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unhandled {
    /// It is declined at once where its method knows a decline, else answered with an error, and logged. The
    /// default on connections of our own: a child process, a pair of pipes.
    Decline,
    /// It is left to the other clients of the server, unless it is about a thread or a turn that this client
    /// started (or a sub-agent of one), which is declined. The default on shared sockets, where the first answer
    /// wins and a mere watcher must not answer for the editor of another user.
    LeaveToOthers,
}

/// What to do when the server's version is not the one the bindings were generated from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VersionCheck {
    /// Nothing.
    Ignore,
    /// A `tracing` warning.
    #[default]
    Warn,
    /// The connection is closed and connecting fails.
    Refuse,
}

/// What happens to a subscription that is full when an event comes that must not be lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The subscription ends with [`Error::Overrun`](crate::Error::Overrun) after what it holds.
    #[default]
    End,
    /// The event is skipped and counted like a best-effort one.
    Skip,
    /// The oldest events make room and are counted: the subscription holds what was said last.
    DropOldest,
}

/// How much may wait in a subscription, and what happens beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSettings {
    pub(crate) byte_cap: usize,
    pub(crate) overflow: Overflow,
    /// The only notifications and requests that are wanted, where not all are.
    pub(crate) methods: Option<&'static [&'static str]>,
    /// The only ones of them that are wanted of sub-agents, where not all are.
    pub(crate) agent_methods: Option<&'static [&'static str]>,
}

impl Default for EventSettings {
    /// 16 MiB, and a subscription that overflows ends.
    fn default() -> Self {
        Self { byte_cap: 16 << 20, overflow: Overflow::End, methods: None, agent_methods: None }
    }
}

impl EventSettings {
    /// How many bytes of events may wait, each counted as its line and 64 bytes. Best-effort events may take
    /// half of that.
    #[must_use]
    pub fn byte_cap(mut self, bytes: usize) -> Self {
        self.byte_cap = bytes;
        self
    }

    /// What happens when an event that must not be lost finds no room.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Only these notifications and requests, by their wire names; others cost such a subscription nothing. Lines that
    /// cannot be read come as well: each may have been one of them.
    #[must_use]
    pub fn methods(mut self, methods: &'static [&'static str]) -> Self {
        self.methods = Some(methods);
        self
    }

    /// Of sub-agents only these notifications and requests, by their wire names. It matters with
    /// [`Filter::Tree`](crate::Filter::Tree) and [`Filter::ThreadTree`](crate::Filter::ThreadTree), where the events of
    /// sub-agents would take the room of the others.
    #[must_use]
    pub fn agent_methods(mut self, methods: &'static [&'static str]) -> Self {
        self.agent_methods = Some(methods);
        self
    }
}

/// When and how often a call is made again that the server was too busy for: code -32001 with a message that says
/// "overloaded", for servers of tools have errors of that code as well.
///
/// Nothing else is ever tried again. The deadline of a call holds for each attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    max_attempts: u32,
    initial_delay: Duration,
    max_delay: Duration,
    jitter: f64,
}

impl Default for RetryPolicy {
    /// Three attempts; 250 ms before the second, doubled each time up to 2 s; jitter 0.2.
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_delay: Duration::from_millis(250),
            max_delay: Duration::from_secs(2),
            jitter: 0.2,
        }
    }
}

impl RetryPolicy {
    /// How often a call is made in all; 0 counts as 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// How long to wait before the second attempt; each further wait is twice as long.
    #[must_use]
    pub fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = delay;
        self
    }

    /// How long to wait at most.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// By which part of itself a wait may be shorter or longer, 0 to 1; spreads clients that were refused
    /// together.
    #[must_use]
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) };
        self
    }

    /// How long to wait after so many failed attempts; none when that was enough.
    pub fn delay_after(&self, attempts: u32) -> Option<Duration> {
        if attempts >= self.max_attempts {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let delay = self.initial_delay.saturating_mul(doubled).min(self.max_delay);
        let factor = 1.0 + self.jitter * (2.0 * fastrand::f64() - 1.0);
        let spread = Duration::try_from_secs_f64(delay.as_secs_f64() * factor);
        Some(spread.unwrap_or(self.max_delay).min(self.max_delay))
    }
}

/// How the calls of one handle to a client are made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallOptions {
    pub(crate) timeout: Timeout,
    pub(crate) retry: Option<RetryPolicy>,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Timeout {
    /// As the connection's settings say.
    #[default]
    Default,
    /// This long, or forever.
    Is(Option<Duration>),
}

/// The limits of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) window: usize,
    pub(crate) queue_limit: usize,
    pub(crate) line_limit: usize,
    pub(crate) timeout: Option<Duration>,
    pub(crate) initialize_timeout: Option<Duration>,
    pub(crate) keep_alive: Option<Duration>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) unhandled: Unhandled,
    pub(crate) version_check: VersionCheck,
    /// Whether the server was asked for its experimental API.
    pub(crate) experimental_api: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: 64,
            queue_limit: 1 << 16,
            line_limit: 64 << 20,
            timeout: Some(Duration::from_secs(60)),
            initialize_timeout: Some(Duration::from_secs(10)),
            keep_alive: Some(Duration::from_secs(120)),
            retry: None,
            unhandled: Unhandled::Decline,
            version_check: VersionCheck::default(),
            experimental_api: false,
        }
    }
}

/// How a server that listens is connected to.
#[derive(Clone)]
pub(crate) struct Dialling {
    /// For all of it: the socket or the program, TLS, and the handshake.
    pub(crate) timeout: Option<Duration>,
    pub(crate) bearer_token: Option<String>,
    pub(crate) allow_insecure_token: bool,
    /// Certificates that are trusted besides those of the system, as PEM.
    #[cfg(feature = "tls")]
    pub(crate) root_certificates: Vec<u8>,
}

impl Default for Dialling {
    fn default() -> Self {
        Self {
            timeout: Some(Duration::from_secs(10)),
            bearer_token: None,
            allow_insecure_token: false,
            #[cfg(feature = "tls")]
            root_certificates: Vec::new(),
        }
    }
}

/// Methods that answer only when something of the user's has ended, however long that takes: without a
/// deadline unless one is asked for.
const OPEN_ENDED: &[&str] = &[CommandExec::METHOD, McpServerToolCall::METHOD];

impl Settings {
    /// How long this call may take.
    pub(crate) fn timeout(&self, method: &str, timeout: Timeout) -> Option<Duration> {
        match timeout {
            Timeout::Is(timeout) => timeout,
            Timeout::Default if method == Initialize::METHOD => self.initialize_timeout,
            Timeout::Default if OPEN_ENDED.contains(&method) => None,
            Timeout::Default => self.timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_twice_as_long_each_time_and_then_gives_up() {
        let policy = RetryPolicy::default().max_attempts(6).jitter(0.0);
        let delays: Vec<_> = (1..=6).map(|attempts| policy.delay_after(attempts)).collect();
        let expected = [Some(250), Some(500), Some(1000), Some(2000), Some(2000), None];
        assert_eq!(delays, expected.map(|delay| delay.map(Duration::from_millis)));
        assert_eq!(RetryPolicy::default().max_attempts(0).delay_after(1), None);
        assert!(RetryPolicy::default().max_attempts(u32::MAX).delay_after(u32::MAX - 1).is_some());
    }

    #[test]
    fn spreads_the_waits() {
        let policy = RetryPolicy::default().jitter(0.5);
        for _ in 0..100 {
            let delay = policy.delay_after(1).expect("another attempt").as_millis();
            assert!((125..=375).contains(&delay), "{delay}");
        }
    }
}
