//! Lets a caller that waits for an answer read the stream itself.
//!
//! If one thread reads for all others, each call costs two switches of threads. So a caller that waits takes the stream
//! and reads itself until it has what it waits for, as long as no other does: one leads, the others follow. The thread
//! of the connection reads while no caller waits, and while more than one does. It steps back for a caller that waits
//! alone, and takes the stream again when no caller has used it for a moment.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing::Span;

use super::bell::Bell;
use super::driver::Told;
use super::polled::PolledSource;
use super::wait::{park, time_left, with_waker};
use super::writing::Writing;

/// How long the stream may lie unread after a caller has left it: callers often come back at once.
const LINGER: Duration = Duration::from_millis(1);

/// The reading half of a stream that can be polled, shared by those who may read it. Waking it ends the wait of
/// whoever reads.
pub(crate) struct Reading {
    state: Mutex<State>,
    /// Wakes the thread of the connection, while it does not read.
    recall: Condvar,
    /// The span of the connection, for whoever reads.
    span: Span,
    bell: Arc<Bell>,
    writing: Arc<Writing>,
}

struct State {
    seat: Seat,
    /// Callers that wait while another thread reads.
    followers: Vec<Thread>,
    /// How often callers have taken the stream.
    taken: u64,
    /// The thread of the connection waits for the stream to be free.
    is_awaited: bool,
    /// The thread of the connection is to read although callers wait.
    is_recalled: bool,
    hung_up: bool,
}

/// Where the stream is.
enum Seat {
    Free(Stream),
    Taken,
    /// It has ended.
    Over,
}

/// The stream, and the channel on which its end is told.
pub(super) struct Stream {
    pub(super) source: Box<dyn PolledSource>,
    pub(super) told: Told,
}

impl Stream {
    /// Closes the stream before it tells so.
    fn end(self, outcome: io::Result<()>) {
        let Self { source, told } = self;
        drop(source);
        told.tell(outcome);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// The thread of the connection.
    Thread,
    Caller,
}

impl Reading {
    /// The thread of the connection is to call [`serve`](Self::serve) with the stream.
    pub(super) fn new(span: Span, bell: Arc<Bell>, writing: Arc<Writing>) -> Self {
        let state = State {
            seat: Seat::Taken,
            followers: Vec::new(),
            taken: 0,
            is_awaited: false,
            is_recalled: false,
            hung_up: false,
        };
        Self { state: Mutex::new(state), recall: Condvar::new(), span, bell, writing }
    }

    /// Reads to the end of the stream where no caller does.
    pub(super) fn serve(&self, stream: Stream) {
        let mut turn = self.turn(Reader::Thread, stream);
        let mut open = turn.start();
        while open {
            if let Some(caller) = self.lone_follower() {
                drop(turn);
                caller.unpark();
                match self.reclaim() {
                    Some(next) => turn = next,
                    None => return,
                }
            }
            open = turn.read(None);
        }
    }

    /// Polls until it is ready or the deadline has passed, and reads in between, or parks while another thread reads.
    pub(crate) fn wait<T>(
        self: &Arc<Self>,
        deadline: Option<Instant>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        with_waker(|waker| {
            let mut follower = Follower { reading: self, is_listed: false };
            let mut context = Context::from_waker(waker);
            loop {
                let left = time_left(deadline);
                if let Poll::Ready(value) = poll(&mut context) {
                    return Poll::Ready(value);
                }
                if left.is_some_and(|left| left.is_zero()) {
                    return Poll::Pending;
                }
                match follower.take_turn() {
                    Some(turn) => {
                        if let Some(polled) = self.lead(turn, deadline, &mut poll) {
                            return polled;
                        }
                    }
                    None => park(left),
                }
            }
        })
    }

    /// As [`wait`](Self::wait), with the stream in hand. None if that ends first.
    fn lead<T>(
        self: &Arc<Self>,
        mut turn: Turn<'_>,
        deadline: Option<Instant>,
        poll: &mut impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Option<Poll<T>> {
        let waker = Waker::from(self.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            let left = time_left(deadline);
            if let Poll::Ready(value) = poll(&mut context) {
                return Some(Poll::Ready(value));
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Some(Poll::Pending);
            }
            if !turn.read(left) {
                return None;
            }
        }
    }

    /// Has the stream dropped by whoever has it, and closes the writing half.
    pub(super) fn hang_up(&self) {
        let mut state = self.lock();
        state.hung_up = true;
        let stream = state.take();
        if stream.is_some() {
            state.seat = Seat::Over;
        }
        drop(state);
        if let Some(stream) = stream {
            stream.end(Ok(()));
        }
        self.recall.notify_one();
        self.bell.ring();
        self.writing.hang_up();
    }

    fn turn(&self, reader: Reader, stream: Stream) -> Turn<'_> {
        Turn { reading: self, reader, stream: Some(stream) }
    }

    /// The caller to step back for.
    fn lone_follower(&self) -> Option<Thread> {
        match &self.lock().followers[..] {
            [caller] => Some(caller.clone()),
            _ => None,
        }
    }

    /// Waits until the stream is free and either callers need it read, or none has taken it for a moment. None once it
    /// is over.
    fn reclaim(&self) -> Option<Turn<'_>> {
        let mut state = self.lock();
        loop {
            match state.seat {
                Seat::Over => return None,
                Seat::Taken => {
                    state.is_awaited = true;
                    state = self.recall.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                Seat::Free(_) if state.is_recalled => {
                    state.is_recalled = false;
                    return state.take().map(|stream| self.turn(Reader::Thread, stream));
                }
                Seat::Free(_) => {
                    let taken = state.taken;
                    let waited = self.recall.wait_timeout(state, LINGER);
                    let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                    state = guard;
                    if timeout.timed_out() && state.taken == taken {
                        state.is_recalled = true;
                    }
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Reading {
    fn wake(self: Arc<Self>) {
        self.bell.ring();
    }
}

impl State {
    /// Takes the stream, if it is free.
    fn take(&mut self) -> Option<Stream> {
        match std::mem::replace(&mut self.seat, Seat::Taken) {
            Seat::Free(stream) => Some(stream),
            seat => {
                self.seat = seat;
                None
            }
        }
    }
}

/// A caller that waits.
struct Follower<'a> {
    reading: &'a Reading,
    is_listed: bool,
}

impl<'a> Follower<'a> {
    /// Takes the stream, or follows the thread that has it.
    fn take_turn(&mut self) -> Option<Turn<'a>> {
        let mut state = self.reading.lock();
        let stream = state.take();
        if stream.is_some() {
            state.taken += 1;
            self.unlist(&mut state);
        } else if !self.is_listed {
            self.is_listed = true;
            state.followers.push(thread::current());
        }
        stream.map(|stream| self.reading.turn(Reader::Caller, stream))
    }

    fn unlist(&mut self, state: &mut State) {
        if !std::mem::take(&mut self.is_listed) {
            return;
        }
        let this = thread::current().id();
        if let Some(place) = state.followers.iter().position(|follower| follower.id() == this) {
            state.followers.swap_remove(place);
        }
    }
}

impl Drop for Follower<'_> {
    fn drop(&mut self) {
        if self.is_listed {
            self.unlist(&mut self.reading.lock());
        }
    }
}

/// The time in which one thread has the stream. Dropping it makes the stream free.
struct Turn<'a> {
    reading: &'a Reading,
    reader: Reader,
    /// None once it has ended.
    stream: Option<Stream>,
}

impl Turn<'_> {
    /// Hands on what came before there was a stream to read. Tells whether more may come.
    fn start(&mut self) -> bool {
        let Self { reading, stream, .. } = self;
        let started =
            stream.as_mut().map_or(Ok(false), |stream| reading.span.in_scope(|| stream.source.start()));
        self.go_on(started)
    }

    /// Waits for bytes to read, for a ring, or so long, and reads them. Tells whether more may come.
    fn read(&mut self, patience: Option<Duration>) -> bool {
        let read = self.poll_and_read(patience);
        self.go_on(read)
    }

    fn poll_and_read(&mut self, patience: Option<Duration>) -> io::Result<bool> {
        let Self { reading, stream: Some(stream), .. } = self else { return Ok(false) };
        let stuck = reading.writing.stuck()?;
        let (source, sink) = (stream.source.fd(), stuck.as_ref().map(AsFd::as_fd));
        let readable = reading.bell.while_quiet(|bell| is_readable(source, bell, sink, patience));
        if stuck.is_some() {
            reading.writing.write();
        }
        if readable.transpose()? != Some(true) {
            return Ok(true);
        }
        match reading.span.in_scope(|| stream.source.read()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            read => read,
        }
    }

    /// Ends the stream unless more may come.
    fn go_on(&mut self, outcome: io::Result<bool>) -> bool {
        let outcome = match outcome {
            Ok(true) if !self.reading.lock().hung_up => return true,
            outcome => outcome.map(|_| ()),
        };
        if let Some(stream) = self.stream.take() {
            stream.end(outcome);
        }
        false
    }
}

/// Waits until there is something to read, the bell rings, there is room to write, or so long. Tells whether there is
/// something to read.
fn is_readable(
    source: BorrowedFd<'_>,
    bell: BorrowedFd<'_>,
    sink: Option<BorrowedFd<'_>>,
    patience: Option<Duration>,
) -> io::Result<bool> {
    let mut fds = [
        PollFd::from_borrowed_fd(source, PollFlags::IN),
        PollFd::from_borrowed_fd(bell, PollFlags::IN),
        PollFd::from_borrowed_fd(sink.unwrap_or(bell), PollFlags::OUT),
    ];
    let polled = if sink.is_some() { &mut fds[..] } else { &mut fds[..2] };
    let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
    match poll(polled, patience.as_ref()) {
        Ok(_) => Ok(!fds[0].revents().is_empty()),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Self { reading, reader, stream } = self;
        // What a panic has left half done is not read on: it is dropped before it can tell of an end.
        let stream = stream.take().filter(|_| !thread::panicking());
        let mut state = reading.lock();
        let (seat, hung_up) = match stream {
            Some(stream) if state.hung_up => (Seat::Over, Some(stream)),
            Some(stream) => (Seat::Free(stream), None),
            None => (Seat::Over, None),
        };
        state.seat = seat;
        let recalls = *reader == Reader::Caller && !state.followers.is_empty();
        state.is_recalled |= recalls;
        let notifies = std::mem::take(&mut state.is_awaited) || recalls;
        drop(state);
        if let Some(stream) = hung_up {
            stream.end(Ok(()));
        }
        if notifies {
            reading.recall.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
