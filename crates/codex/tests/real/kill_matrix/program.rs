//! A program that runs a turn on a supervised codex, for both runtimes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use codex_appserver::client::wire::RpcErrorKind;
use codex_appserver::protocol::{SortDirection, ThreadTurnsListResponse};
use codex_appserver::{ClientError, Decision, Error, Event, Process, Supervision, TurnResult};

/// What the user says, and says next.
pub const PROMPT: &str = "Make the file.";
pub const NEXT: &str = "And now?";

/// How the program reaches the server.
pub struct Reach {
    pub process: Process,
    /// The home of a shared server.
    pub shared: Option<PathBuf>,
    /// A server that is silent for so long is asked for a sign of life. Where it is short, a server that is merely slow to
    /// start is taken for one that was stopped.
    pub silence: Option<Duration>,
}

/// What the program has learned.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    pub thread: String,
    /// How the turn ended.
    pub end: String,
    /// How often its stream said that the connection was made again.
    pub reconnected: usize,
    /// What the agent said at last.
    pub text: String,
    /// How often the program was asked to approve.
    pub asked: usize,
    /// How the next turn of the same thread ended.
    pub next: String,
    pub next_id: Option<String>,
}

/// Connects again soon.
fn policy() -> Supervision {
    Supervision::default().first_delay(Duration::from_millis(20)).longest_delay(Duration::from_millis(500))
}

/// There is no such turn.
pub const NONE: &str = "none";

/// The end of a turn in a word, and what the agent said.
fn outcome(result: Result<TurnResult, Error>) -> (String, String) {
    match result {
        Ok(result) => (result.status.to_string(), result.text().to_owned()),
        // The server knows no such turn.
        Err(Error::Lost { .. }) => (NONE.to_owned(), String::new()),
        Err(error) => (format!("error: {error}"), String::new()),
    }
}

/// How the turn stands that is not the `other` one, by the records of a server. A server that has no record of the thread
/// does not know it.
fn recorded(page: Result<ThreadTurnsListResponse, ClientError>, other: Option<&str>) -> String {
    use RpcErrorKind::{NotRecorded, ThreadNotFound};
    match page {
        Ok(page) => {
            let turn = page.data.into_iter().find(|turn| Some(&*turn.id) != other);
            turn.map_or(NONE.to_owned(), |turn| turn.status.to_string())
        }
        Err(error) if matches!(error.kind(), Some(NotRecorded | ThreadNotFound)) => NONE.to_owned(),
        Err(error) => format!("error: {error}"),
    }
}

macro_rules! program {
    (($($asynchronous:tt)?), ($($wait:tt)*), ($($call:tt)*), $accept:expr) => {
        /// Runs a turn, and then another one on the same thread. `arm` is called before the first one.
        pub $($asynchronous)? fn run(reach: Reach, arm: impl FnOnce()) -> Result<Learned, Error> {
            let asked = Arc::new(AtomicUsize::new(0));
            let count = asked.clone();
            let approvals = Approvals::ask(move |_| {
                count.fetch_add(1, Ordering::Relaxed);
                $accept
            });
            let mut builder = Codex::builder().supervised(policy()).approvals(approvals);
            if let Some(silence) = reach.silence {
                builder = builder.client(|client| client.keep_alive(silence));
            }
            let codex = match reach.shared {
                None => builder.process(|_| reach.process).start() $($wait)* ?,
                Some(home) => {
                    let mut server = SharedServer::for_home(home).process(|_| reach.process);
                    if let Some(silence) = reach.silence {
                        server = server.answer_timeout(silence);
                    }
                    builder.connect_shared(&server.start() $($wait)* ?) $($wait)* ?
                }
            };
            let thread = codex.thread_start() $($call)* ?;
            arm();
            let mut reconnected = 0;
            let (end, text) = match thread.turn(PROMPT) $($call)* {
                Ok(turn) => {
                    let mut stream = turn.stream();
                    let failed = loop {
                        match stream.next() $($wait)* {
                            Some(Ok(Event::Reconnected { .. })) => reconnected += 1,
                            Some(Ok(_)) => {}
                            Some(Err(error)) => break Some(error),
                            None => break None,
                        }
                    };
                    outcome(failed.map_or_else(|| stream.into_result(), Err))
                }
                // The server refuses.
                Err(error) if error.rpc().is_some() => (format!("error: {error}"), String::new()),
                // No answer came: the records say whether there is a turn.
                Err(_) => match thread.turns().sort_direction(SortDirection::Asc) $($call)* {
                    Ok(page) if !page.data.is_empty() => outcome(thread.follow(&page.data[0].id).run() $($wait)*),
                    page => (recorded(page, None), String::new()),
                },
            };
            let mut next = thread.run(NEXT) $($wait)*;
            // The server may have been hit just now. The records say whether it has begun the turn.
            if let Err(error) = &next
                && error.rpc().is_none()
            {
                next = match thread.turns() $($call)* {
                    Ok(page) if page.data.len() > 1 => thread.follow(&page.data[0].id).run() $($wait)*,
                    _ => thread.run(NEXT) $($wait)*,
                };
            }
            let next_id = next.as_ref().ok().map(|next| next.turn_id.clone());
            let next = outcome(next).0;
            let thread = thread.id().to_owned();
            codex.close() $($wait)*;
            let asked = asked.load(Ordering::Relaxed);
            Ok(Learned { thread, end, reconnected, text, asked, next, next_id })
        }
    };
}

pub mod tasks {
    use codex_appserver::{Approvals, Codex, SharedServer};

    use super::*;

    program!((async), (.await), (.await), async { Decision::Accept });

    /// How the first turn ended, by the records that a fresh server reads.
    pub async fn truth(process: Process, learned: &Learned) -> String {
        let codex = Codex::builder().process(|_| process).start().await.expect("a codex");
        let turns = codex.thread(&learned.thread).turns().sort_direction(SortDirection::Asc).await;
        codex.close().await;
        recorded(turns, learned.next_id.as_deref())
    }
}

pub mod threads {
    use codex_appserver::blocking::{Approvals, Codex, SharedServer};

    use super::*;

    program!((), (), (.call()), Decision::Accept);
}
