//! Streams that can be polled: whoever has something to say writes, and callers that wait read.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::thread;

use super::bell::Bell;
use super::driver::{Sink, Source, Told, Transport};
use super::reading::{Reading, Stream};
use super::writing::Writing;
use crate::conn::Link;

/// A reading half that can be polled.
pub(super) trait PolledSource: Source {
    fn fd(&self) -> BorrowedFd<'_>;
}

/// A writing half that can be polled.
pub(super) trait PolledSink: Sink {
    fn fd(&self) -> BorrowedFd<'_>;
}

/// Streams that can be polled.
pub(super) struct Polled<S, K, H> {
    pub(super) source: S,
    pub(super) sink: K,
    /// What else is to be done at the end.
    pub(super) hang_up: H,
}

impl<S: PolledSource, K: PolledSink, H: FnOnce() + Send + 'static> Transport for Polled<S, K, H> {
    fn start(self, link: &Arc<Link>, read: Told, written: Told) -> io::Result<Box<dyn FnOnce() + Send>> {
        let Self { source, sink, hang_up } = self;
        for fd in [source.fd(), sink.fd()] {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        let bell = Arc::new(Bell::new()?);
        let writing = Arc::new(Writing::new(link.clone(), Box::new(sink), written, bell.clone()));
        let reading = Arc::new(Reading::new(link.span().clone(), bell, writing.clone()));
        let serving = reading.clone();
        let stream = Stream { source: Box::new(source), told: read };
        let started = thread::Builder::new().name("codex read".into()).spawn(move || serving.serve(stream));
        if let Err(error) = started {
            reading.hang_up();
            return Err(error);
        }
        link.set_reading(reading.clone());
        // From now on whatever is to be written wakes it.
        writing.write();
        Ok(Box::new(move || {
            reading.hang_up();
            hang_up();
        }))
    }
}
