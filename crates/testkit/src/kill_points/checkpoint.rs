//! Where every message gets its number, is noted, and may bring the hit.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::folder::{Fired, Folder};
use super::journal::Journal;
use super::name::{Named, Requests};
use super::passed::{Direction, Passed, name};
use super::point::{Hit, Moment, Order, Point};
use super::server::Server;
use crate::model::lock;

/// How long a hit waits for messages with lower numbers that are being written: their peers may not read.
const EARLIER: Duration = Duration::from_secs(1);

/// Where all messages of a server process pass.
pub(super) struct Checkpoint {
    folder: Folder,
    run: usize,
    journal: Journal,
    server: Server,
    turnstile: Mutex<Turnstile>,
    writing: Arc<Count>,
}

#[derive(Default)]
struct Turnstile {
    passed: usize,
    names: HashMap<String, usize>,
    requests: Requests,
}

impl Checkpoint {
    pub(super) fn new(folder: Folder, run: usize, journal: Journal, server: Server) -> Self {
        let (turnstile, writing) = Default::default();
        Self { folder, run, journal, server, turnstile, writing }
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// Numbers a message, notes it, delivers it, and hits the server if it is the point. Does not return after SIGKILL.
    pub(super) fn pass(
        &self,
        connection: usize,
        direction: Direction,
        text: &[u8],
        deliver: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let mut turnstile = lock(&self.turnstile);
        let (passed, nth) = turnstile.next(self.run, connection, direction, text);
        let number = passed.number;
        let order = self.order_for(&passed, nth);
        noted(self.journal.passed(passed));
        if let Some(order) = order.as_ref().filter(|order| order.moment == Moment::Before) {
            self.fire(order, number);
        }
        let order = order.filter(|order| order.moment == Moment::After);
        // Others may pass while this one is written: a client may write before it reads. But nothing passes between a
        // message and the hit after it.
        let held = order.is_some().then_some(turnstile);
        let writing = self.writing.enter();
        deliver()?;
        noted(self.journal.delivered(number));
        drop(writing);
        if let Some(order) = order {
            self.fire(&order, number);
        }
        drop(held);
        Ok(())
    }

    /// Passes what has no number.
    pub(super) fn pass_unnumbered(&self, deliver: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        drop(lock(&self.turnstile));
        deliver()
    }

    /// Lets nothing pass any more: the server has ended.
    pub(super) fn close(&self) {
        std::mem::forget(lock(&self.turnstile));
    }

    /// The order that names this message and was not carried out yet.
    fn order_for(&self, passed: &Passed, nth: usize) -> Option<Order> {
        let order = self.folder.newest_order()?;
        let is_meant = match &order.point {
            Point::Number(number) => *number == passed.number,
            Point::Named { name, nth: wanted } => *wanted == nth && *name == passed.name(),
        };
        (is_meant && self.folder.fired(order.number).is_none()).then_some(order)
    }

    fn fire(&self, order: &Order, number: usize) {
        self.writing.wait_for_none(EARLIER);
        if noted(self.folder.fire(order.number, &Fired { run: self.run, number })) {
            match order.hit {
                Hit::Kill => self.server.kill(),
                Hit::Stop => self.server.stop(),
            }
        }
    }
}

/// Without its notes the test knows nothing: the stand-in gives up, and its watcher kills codex.
fn noted<T>(noted: io::Result<T>) -> T {
    noted.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "error: failed to note a message: {error}");
        std::process::exit(1)
    })
}

impl Turnstile {
    /// The next message, and which of its name it is.
    fn next(&mut self, run: usize, connection: usize, direction: Direction, text: &[u8]) -> (Passed, usize) {
        let Named { kind, method, id } = self.requests.name(connection, direction, text);
        self.passed += 1;
        let nth = self.names.entry(name(kind, method.as_deref())).or_default();
        *nth += 1;
        let number = self.passed;
        (Passed { run, number, connection, direction, kind, method, id, delivered: false }, *nth)
    }
}

/// How many are at something.
#[derive(Default)]
pub(super) struct Count {
    count: Mutex<usize>,
    none: Condvar,
}

/// One that is at it, until dropped.
pub(super) struct Counted(Arc<Count>);

impl Count {
    pub(super) fn enter(self: &Arc<Self>) -> Counted {
        *lock(&self.count) += 1;
        Counted(self.clone())
    }

    /// Waits this long until none is.
    pub(super) fn wait_for_none(&self, patience: Duration) {
        let count = lock(&self.count);
        let waited = self.none.wait_timeout_while(count, patience, |count| *count > 0);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *lock(&self.0.count) -= 1;
        self.0.none.notify_all();
    }
}
