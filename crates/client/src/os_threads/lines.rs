//! Lines over any pair of byte streams.

use std::io::{self, Read, Write};
use std::sync::Arc;

use super::driver::{Sink, Source};
use crate::conn::{CHUNK, Link};
use crate::lines::LineReader;

pub(super) struct LineSource<R> {
    stream: R,
    lines: LineReader,
    chunk: Vec<u8>,
}

impl<R> LineSource<R> {
    /// Hands the lines of the stream to the link.
    pub(super) fn new(stream: R, link: Arc<Link>) -> Self {
        Self { stream, lines: LineReader::new(link), chunk: vec![0; CHUNK] }
    }
}

impl<R: Read + Send + 'static> Source for LineSource<R> {
    fn read(&mut self) -> io::Result<bool> {
        match self.stream.read(&mut self.chunk) {
            Ok(0) => {
                self.lines.finish();
                return Ok(false);
            }
            Ok(length) => self.lines.push(&self.chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}

pub(super) struct LineSink<W>(pub(super) W);

impl<W: Write + Send + 'static> Sink for LineSink<W> {
    fn encode(&mut self, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    /// Dropping a pipe closes it.
    fn goodbye(&mut self, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(unix)]
mod polled {
    use std::io::{Read, Write};
    use std::os::fd::{AsFd, BorrowedFd};

    use super::{LineSink, LineSource};
    use crate::os_threads::polled::{PolledSink, PolledSource};

    impl<R: Read + AsFd + Send + 'static> PolledSource for LineSource<R> {
        fn fd(&self) -> BorrowedFd<'_> {
            self.stream.as_fd()
        }
    }

    impl<W: Write + AsFd + Send + 'static> PolledSink for LineSink<W> {
        fn fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }
}
