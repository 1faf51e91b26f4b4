//! What goes out: lines for the writer, and the times at which calls are due.

use std::task::{Poll, Waker};
use std::time::Instant;

use super::{Core, Wakes, silence};

/// What the writer has to do next.
pub(crate) enum Output {
    /// Write what is in the buffer.
    Bytes,
    /// All is written, and the connection is to be closed.
    End,
}

impl Core {
    /// Asks the server for a sign of life, whatever the window has room for.
    pub(crate) fn probe(&mut self, wakes: &mut Wakes) {
        silence::write_probe(&mut self.out);
        self.wake_writer(wakes);
    }

    /// Has the writer come by even if there is nothing of ours to write.
    pub(crate) fn nudge_writer(&mut self, wakes: &mut Wakes) {
        self.nudged = true;
        wakes.extend(self.writer.take());
    }

    /// Moves what is to be written into the empty buffer, or wakes when there is something.
    pub(crate) fn poll_output(&mut self, buffer: &mut Vec<u8>, waker: &Waker) -> Poll<Output> {
        let nudged = std::mem::take(&mut self.nudged);
        if (!self.out.is_empty() || nudged) && !self.hung_up {
            std::mem::swap(&mut self.out, buffer);
            return Poll::Ready(Output::Bytes);
        }
        if self.hung_up || self.is_stopping() {
            return Poll::Ready(Output::End);
        }
        self.writer = Some(waker.clone());
        Poll::Pending
    }

    /// Ends the calls that are due, and gives the time of the next deadline. Wakes when that gets earlier.
    #[cfg(feature = "async")]
    pub(crate) fn poll_clock(&mut self, now: Instant, waker: &Waker, wakes: &mut Wakes) -> Option<Instant> {
        self.calls.expire(now, &mut self.out, wakes);
        self.wake_writer(wakes);
        let next = self.calls.next_deadline();
        self.clock = Some((waker.clone(), next));
        next
    }

    /// Ends the calls that are due, without a clock to set.
    #[cfg(feature = "blocking")]
    pub(crate) fn expire(&mut self, now: Instant, wakes: &mut Wakes) {
        self.calls.expire(now, &mut self.out, wakes);
        self.wake_writer(wakes);
    }

    pub(super) fn wake_writer(&mut self, wakes: &mut Wakes) {
        if !self.out.is_empty() {
            wakes.extend(self.writer.take());
        }
    }

    pub(super) fn wake_clock(&mut self, wakes: &mut Wakes) {
        if let Some((_, set_for)) = &self.clock
            && let Some(next) = self.calls.next_deadline()
            && set_for.is_none_or(|set_for| next < set_for)
        {
            wakes.extend(self.clock.take().map(|(waker, _)| waker));
        }
    }
}
