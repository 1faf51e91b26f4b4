//! Lines over any pair of byte streams.

use std::io::{self, Read, Write};
use std::sync::Arc;

use super::driver::{Sink, Source};
use crate::conn::{CHUNK, Link};
use crate::lines::LineReader;

pub(super) struct LineSource<R>(pub(super) R);

impl<R: Read + Send + 'static> Source for LineSource<R> {
    fn read(&mut self, link: &Arc<Link>) -> io::Result<()> {
        let mut lines = LineReader::new(link.clone());
        let mut chunk = vec![0; CHUNK];
        loop {
            match self.0.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => lines.push(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        lines.finish();
        Ok(())
    }
}

pub(super) struct LineSink<W>(pub(super) W);

impl<W: Write + Send + 'static> Sink for LineSink<W> {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.0.write_all(lines)?;
        self.0.flush()
    }

    /// Dropping a pipe closes it.
    fn close(self) -> io::Result<()> {
        Ok(())
    }
}
