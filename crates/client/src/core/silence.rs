//! Keep-alive: how long the server has sent nothing, and when it is asked for a sign of life.

use std::time::{Duration, Instant};

use codex_appserver_requests::method::ThreadLoadedList;
use codex_appserver_wire::Request;

/// The id of the request that asks for a sign of life. The client's own calls have numbers.
pub(crate) const PROBE: &str = "keep-alive";

/// In how many parts the allowed time of silence is looked at.
const PARTS: u32 = 4;

/// What is to be done about a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Nothing yet.
    Short,
    /// The server is asked for a sign of life.
    Probe,
    /// The server is taken for gone, after this much time.
    Gone(Duration),
}

/// The silence of a server, counted in looks that are each a part of the allowed time apart.
#[derive(Debug)]
pub(crate) struct Listener {
    heard_at: Instant,
    /// The looks since anything was heard, while something waits for it.
    silent: u32,
}

impl Listener {
    pub(crate) fn new(now: Instant) -> Self {
        Self { heard_at: now, silent: 0 }
    }

    /// How long to wait between two looks.
    pub(crate) fn pause(allowed: Duration) -> Duration {
        (allowed / PARTS).max(Duration::from_millis(1))
    }

    /// Looks once: whether anything was heard since the last look, and whether anything waits for the server.
    pub(crate) fn look(&mut self, heard: bool, is_awaited: bool, now: Instant) -> Silence {
        if heard || !is_awaited {
            *self = Self::new(now);
            return Silence::Short;
        }
        self.silent += 1;
        match self.silent {
            PARTS => Silence::Probe,
            silent if silent >= 2 * PARTS => Silence::Gone(now.saturating_duration_since(self.heard_at)),
            _ => Silence::Short,
        }
    }
}

/// Writes the request, which is cheap to answer. An error is a sign of life as well.
pub(super) fn write_probe(out: &mut Vec<u8>) {
    let method = ThreadLoadedList::METHOD;
    out.extend_from_slice(
        format!("{{\"method\":\"{method}\",\"id\":\"{PROBE}\",\"params\":{{\"limit\":1}}}}\n").as_bytes(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: Duration = Duration::from_secs(40);

    /// Looks so often; `heard` says at which looks something was heard.
    fn looks(count: u32, heard: &[u32], is_awaited: bool) -> Vec<(u32, Silence)> {
        let begin = Instant::now();
        let mut listener = Listener::new(begin);
        let look = |at: u32| {
            let now = begin + Listener::pause(ALLOWED) * at;
            (at, listener.look(heard.contains(&at), is_awaited, now))
        };
        (1..=count).map(look).filter(|(_, silence)| *silence != Silence::Short).collect()
    }

    #[test]
    fn a_silent_server_is_asked_once_and_then_gone() {
        let gone = Silence::Gone(2 * ALLOWED);
        assert_eq!(looks(8, &[], true), [(4, Silence::Probe), (8, gone)]);
    }

    #[test]
    fn a_sign_of_life_begins_the_count_anew() {
        assert_eq!(looks(9, &[5], true), [(4, Silence::Probe), (9, Silence::Probe)]);
        assert_eq!(looks(7, &[3], true), [(7, Silence::Probe)]);
    }

    #[test]
    fn a_server_for_which_nothing_waits_may_be_silent() {
        assert_eq!(looks(20, &[], false), []);
    }
}
