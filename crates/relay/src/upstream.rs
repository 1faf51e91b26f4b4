//! The connection to the app-server, as those who write to it see it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use codex_appserver_client::blocking::websocket::{HangUp, Sender};

/// The writing half of the connection, which may be replaced by another one.
#[derive(Default)]
pub struct Upstream {
    slot: Mutex<Slot>,
    /// The slot has changed.
    changed: Condvar,
    hang_up: Mutex<Option<HangUp>>,
    /// Pings without an answer.
    pings: AtomicU32,
}

#[derive(Default)]
enum Slot {
    Open(Sender),
    /// There is no connection now.
    #[default]
    Between,
    /// There will be none any more.
    Over,
}

impl Upstream {
    /// There is a connection that can be ended, but not one to write to yet.
    pub fn connected(&self, hang_up: HangUp) {
        *lock(&self.hang_up) = Some(hang_up);
    }

    /// From now on messages are written here.
    pub fn open(&self, sender: Sender) {
        self.pings.store(0, Ordering::Release);
        let mut slot = lock(&self.slot);
        if !matches!(*slot, Slot::Over) {
            *slot = Slot::Open(sender);
        }
        self.changed.notify_all();
    }

    /// Writes, once there is a connection; `None`: there will be none any more. A failure is the end of the connection.
    pub fn write<T, E>(&self, write: impl FnOnce(&mut Sender) -> Result<T, E>) -> Option<Result<T, E>> {
        let mut slot = lock(&self.slot);
        loop {
            match &mut *slot {
                Slot::Over => return None,
                Slot::Between => slot = self.changed.wait(slot).unwrap_or_else(PoisonError::into_inner),
                Slot::Open(sender) => {
                    let written = write(sender);
                    if written.is_err() {
                        *slot = Slot::Between;
                        drop(slot);
                        self.hang_up();
                    }
                    return Some(written);
                }
            }
        }
    }

    /// Has a ping answered, by another thread: a reader that waited until it can write might wait for a server that
    /// waits until it is read.
    pub fn answer_ping(self: &Arc<Self>) {
        if self.pings.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let upstream = self.clone();
        let answer = move || {
            loop {
                let pings = upstream.pings.load(Ordering::Acquire);
                // Where there is no connection any more, there is no ping to answer.
                let flushed = match &mut *lock(&upstream.slot) {
                    Slot::Open(sender) => sender.flush(),
                    Slot::Between | Slot::Over => Ok(()),
                };
                let is_last =
                    upstream.pings.compare_exchange(pings, 0, Ordering::AcqRel, Ordering::Acquire).is_ok();
                if flushed.is_err() || is_last {
                    return;
                }
            }
        };
        if thread::Builder::new().name("ping".into()).spawn(answer).is_err() {
            // The answer goes with the next message, or the next ping.
            self.pings.store(0, Ordering::Release);
        }
    }

    /// The connection is gone; there may be another one.
    pub fn lose(&self) {
        // First, so that a write that waits gives the slot free.
        self.hang_up();
        let mut slot = lock(&self.slot);
        if matches!(*slot, Slot::Open(_)) {
            *slot = Slot::Between;
        }
    }

    /// Says goodbye, once a write that waits is done. No more connections follow.
    pub fn close(&self) {
        let mut slot = lock(&self.slot);
        if let Slot::Open(sender) = &mut *slot {
            // It fails where the server is gone, which is as good.
            let _ = sender.close();
        }
        *slot = Slot::Over;
        self.changed.notify_all();
    }

    /// Ends the connection whatever it is at.
    pub fn hang_up(&self) {
        if let Some(hang_up) = lock(&self.hang_up).take() {
            hang_up.hang_up();
        }
    }
}

/// What a panic has left is as good as what it had found.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
