//! Writes on whatever thread has something to say, without waiting for the stream.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::bell::Bell;
use super::driver::Told;
use super::polled::PolledSink;
use crate::conn::{KEPT_BUFFER, Link};
use crate::core::Output;

/// The writing half of a stream that can be polled.
///
/// It is the waker by which the core calls for its writer: waking it writes what is there. What the stream does not take
/// at once is written by the thread that polls for it.
pub(super) struct Writing {
    /// None once nothing more is to be written.
    open: Mutex<Option<Open>>,
    /// Polls for the rest of what was not taken at once.
    bell: Arc<Bell>,
}

struct Open {
    link: Arc<Link>,
    sink: Box<dyn PolledSink>,
    told: Told,
    bytes: Vec<u8>,
    written: usize,
    /// These bytes are the last ones.
    ending: bool,
    /// The stream takes no more for now.
    stuck: bool,
}

impl Writing {
    pub(super) fn new(link: Arc<Link>, sink: Box<dyn PolledSink>, told: Told, bell: Arc<Bell>) -> Self {
        let (bytes, written) = (Vec::new(), 0);
        let open = Open { link, sink, told, bytes, written, ending: false, stuck: false };
        Self { open: Mutex::new(Some(open)), bell }
    }

    /// Writes what there is, and has itself woken when there is more.
    pub(super) fn write(self: &Arc<Self>) {
        let mut open = self.lock();
        let Some(writer) = &mut *open else { return };
        let outcome = writer.write(&Waker::from(self.clone()));
        let rings = writer.stuck;
        let ended = match outcome {
            Poll::Pending => None,
            Poll::Ready(outcome) => open.take().map(|writer| (writer, outcome)),
        };
        drop(open);
        if let Some((writer, outcome)) = ended {
            writer.end(outcome);
        } else if rings {
            self.bell.ring();
        }
    }

    /// What to poll until the stream takes more, if it is stuck. A copy, as the stream may be closed meanwhile.
    pub(super) fn stuck(&self) -> io::Result<Option<OwnedFd>> {
        match &*self.lock() {
            Some(writer) if writer.stuck => writer.sink.fd().try_clone_to_owned().map(Some),
            _ => Ok(None),
        }
    }

    /// Closes the stream, whatever is left to write.
    pub(super) fn hang_up(&self) {
        let open = self.lock().take();
        if let Some(writer) = open {
            writer.end(Ok(()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Writing {
    fn wake(self: Arc<Self>) {
        self.write();
    }
}

impl Open {
    /// Ready once all is written, or can't be.
    fn write(&mut self, waker: &Waker) -> Poll<io::Result<()>> {
        loop {
            while self.written < self.bytes.len() {
                match self.sink.write(&self.bytes[self.written..]) {
                    Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Ok(length) => self.written += length,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.stuck = true;
                        return Poll::Pending;
                    }
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            if self.ending {
                return Poll::Ready(Ok(()));
            }
            (self.stuck, self.written) = (false, 0);
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BUFFER);
            let made = match self.link.poll_output(&mut self.bytes, &Context::from_waker(waker)) {
                Poll::Ready(Output::Bytes) => self.sink.encode(&mut self.bytes),
                Poll::Ready(Output::End) => {
                    self.ending = true;
                    self.sink.goodbye(&mut self.bytes)
                }
                Poll::Pending => return Poll::Pending,
            };
            if let Err(error) = made {
                return Poll::Ready(Err(error));
            }
        }
    }

    /// Closes the stream before it tells so.
    fn end(self, outcome: io::Result<()>) {
        let Self { sink, told, .. } = self;
        drop(sink);
        told.tell(outcome);
    }
}
