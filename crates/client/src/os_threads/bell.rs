//! Wakes a thread that waits for descriptors.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU8, Ordering};

/// A pipe that is polled beside other descriptors. It is written to only while a thread polls it.
pub(super) struct Bell {
    state: AtomicU8,
    hears: PipeReader,
    rings: PipeWriter,
}

const QUIET: u8 = 0;
/// A thread polls, or is about to.
const POLLED: u8 = 1;
/// It was rung since it was last polled.
const RUNG: u8 = 2;

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        let (hears, rings) = io::pipe()?;
        Ok(Self { state: AtomicU8::new(QUIET), hears, rings })
    }

    /// Ends the poll of now, or else the next one before it begins.
    pub(super) fn ring(&self) {
        if self.state.swap(RUNG, Ordering::AcqRel) == POLLED {
            // One byte into an empty pipe; the reading half is open as long as this is.
            let _ = (&self.rings).write_all(&[0]);
        }
    }

    /// Runs `poll`, which is to return when the descriptor is readable, unless the bell was rung before.
    pub(super) fn while_quiet<T>(&self, poll: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T> {
        let quiet = self.state.compare_exchange(QUIET, POLLED, Ordering::AcqRel, Ordering::Acquire).is_ok();
        let polled = quiet.then(|| poll(self.hears.as_fd()));
        if self.state.swap(QUIET, Ordering::AcqRel) == RUNG && quiet {
            // The byte is there, or comes at once.
            let _ = (&self.hears).read_exact(&mut [0]);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    /// Whether the bell was heard, after so long at most.
    fn is_heard(bell: BorrowedFd<'_>, patience: Duration) -> bool {
        let patience = Timespec::try_from(patience).expect("a short time");
        let mut fds = [PollFd::from_borrowed_fd(bell, PollFlags::IN)];
        poll(&mut fds, Some(&patience)).expect("a pipe can be polled") == 1
    }

    #[test]
    fn a_ring_is_heard_once_whenever_it_comes() {
        let bell = Bell::new().expect("a pipe");
        let now = Duration::ZERO;
        for _ in 0..3 {
            bell.ring();
            bell.ring();
            assert_eq!(bell.while_quiet(|fd| is_heard(fd, now)), None, "rung before");
            assert_eq!(bell.while_quiet(|fd| is_heard(fd, now)), Some(false), "not rung since");
            let rung = bell.while_quiet(|fd| {
                bell.ring();
                bell.ring();
                is_heard(fd, now)
            });
            assert_eq!(rung, Some(true), "rung meanwhile");
            assert_eq!(bell.while_quiet(|fd| is_heard(fd, now)), Some(false), "not rung since");
        }
    }
}
