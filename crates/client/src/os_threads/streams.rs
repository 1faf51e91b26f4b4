//! Any pair of streams: a thread reads, another one writes.

use std::io;
use std::sync::Arc;
use std::thread;

use super::block_on;
use super::driver::{Sink, Source, Told, Transport};
use crate::conn::{KEPT_BUFFER, Link};
use crate::core::Output;

/// Streams that can only be waited for.
pub(super) struct Streams<S, K, H> {
    pub(super) source: S,
    pub(super) sink: K,
    /// Has a read and a write that wait give up, as far as that can be done.
    pub(super) hang_up: H,
}

impl<S: Source, K: Sink, H: FnOnce() + Send + 'static> Transport for Streams<S, K, H> {
    fn start(self, link: &Arc<Link>, read: Told, written: Told) -> io::Result<Box<dyn FnOnce() + Send>> {
        let Self { mut source, mut sink, hang_up } = self;
        let reading = link.clone();
        thread::Builder::new().name("codex read".into()).spawn(move || {
            let _entered = reading.span().enter();
            read.tell(read_all(&mut source));
        })?;
        let writing = link.clone();
        thread::Builder::new().name("codex write".into()).spawn(move || {
            let _entered = writing.span().enter();
            let outcome = write_all(&writing, &mut sink);
            drop(sink);
            written.tell(outcome);
        })?;
        Ok(Box::new(hang_up))
    }
}

fn read_all(source: &mut impl Source) -> io::Result<()> {
    let mut open = source.start()?;
    while open {
        open = source.read()?;
    }
    Ok(())
}

fn write_all(link: &Link, sink: &mut impl Sink) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let output = block_on(|context| link.poll_output(&mut bytes, context));
        match output {
            Output::Bytes => sink.encode(&mut bytes)?,
            Output::End => sink.goodbye(&mut bytes)?,
        }
        let mut left = &bytes[..];
        while !left.is_empty() {
            match sink.write(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => left = &left[length..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        sink.flush()?;
        if matches!(output, Output::End) {
            return Ok(());
        }
        bytes.clear();
        bytes.shrink_to(KEPT_BUFFER);
    }
}
