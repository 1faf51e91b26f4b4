//! Makes lines of the chunks, and rows of the lines.

use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use crate::redact::Redactor;
use crate::trace::{Content, Direction, Header, Row, Writer};

/// Longer lines are left out of the trace: a stream that never ends its line must not take all memory.
const LONGEST: usize = 1 << 30;

/// What the pumps tell.
pub(super) enum Event {
    /// Bytes were read, that long after the start.
    Chunk(Direction, Duration, Vec<u8>),
    /// A direction ended.
    End(Direction),
    /// Nothing more is of interest.
    Finish,
}

/// A line that is not complete yet.
#[derive(Default)]
struct Open {
    bytes: Vec<u8>,
    read: Duration,
    too_long: bool,
}

/// Writes the trace.
pub(super) struct Log<W: Write> {
    writer: Writer<BufWriter<W>>,
    header: Header,
    redactor: Option<Redactor>,
    client: Open,
    server: Open,
    failed: bool,
    incomplete: Option<String>,
}

impl<W: Write> Log<W> {
    pub(super) fn new(trace: W, codex: Option<String>, redactor: Option<Redactor>) -> Self {
        Self {
            writer: Writer::new(BufWriter::with_capacity(64 << 10, trace)),
            header: Header { v: Header::VERSION, codex },
            redactor,
            client: Open::default(),
            server: Open::default(),
            failed: false,
            incomplete: None,
        }
    }

    /// Writes until told to finish; returns why the trace is not complete. What was written is handed on
    /// whenever nothing waits, so that even a recorder that is killed leaves nearly all of it.
    pub(super) fn run(mut self, events: Receiver<Event>) -> Option<String> {
        let header = self.header.clone();
        self.write(|writer| writer.header(&header));
        loop {
            let event = match events.try_recv() {
                Ok(event) => event,
                Err(TryRecvError::Empty) => {
                    self.write(Writer::flush);
                    match events.recv() {
                        Ok(event) => event,
                        Err(_) => break,
                    }
                }
                Err(TryRecvError::Disconnected) => break,
            };
            match event {
                Event::Chunk(direction, read, bytes) => self.chunk(direction, read, &bytes),
                Event::End(direction) => self.end(direction),
                Event::Finish => break,
            }
        }
        self.end(Direction::ClientToServer);
        self.end(Direction::ServerToClient);
        self.write(Writer::flush);
        // What could not be written must not be tried again when the buffer is dropped: it could fill a
        // disk that has room by now with the middle of a line.
        let _ = self.writer.into_inner().into_parts();
        self.incomplete
    }

    fn open(&mut self, direction: Direction) -> &mut Open {
        match direction {
            Direction::ClientToServer => &mut self.client,
            Direction::ServerToClient => &mut self.server,
        }
    }

    fn chunk(&mut self, direction: Direction, read: Duration, mut bytes: &[u8]) {
        if self.failed {
            return;
        }
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.open(direction).add(&bytes[..end], read);
            self.line(direction, true);
            bytes = &bytes[end + 1..];
        }
        if !bytes.is_empty() {
            self.open(direction).add(bytes, read);
        }
    }

    /// A last line without `\n`.
    fn end(&mut self, direction: Direction) {
        let open = self.open(direction);
        let is_open = open.too_long || !open.bytes.is_empty();
        if is_open && !self.failed {
            self.line(direction, false);
        }
    }

    fn line(&mut self, direction: Direction, eol: bool) {
        let Open { bytes, read, too_long } = std::mem::take(self.open(direction));
        if too_long {
            self.warn(format!("a line of more than {LONGEST} bytes was left out"));
            return;
        }
        let content = Content::from(bytes);
        let content = match &self.redactor {
            Some(redactor) => redactor.content(content),
            None => content,
        };
        let t = Some(read.as_micros() as f64 / 1e6);
        let row = Row { t, conn: None, dir: direction, content };
        self.write(|writer| if eol { writer.row(&row) } else { writer.row_without_eol(&row) });
    }

    /// After a first failure nothing more is written: the trace ends there instead of having holes.
    fn write(&mut self, write: impl FnOnce(&mut Writer<BufWriter<W>>) -> io::Result<()>) {
        if self.failed {
            return;
        }
        if let Err(error) = write(&mut self.writer) {
            self.failed = true;
            self.client = Open::default();
            self.server = Open::default();
            self.warn(format!("it does not write ({error}); the traffic goes on unrecorded"));
        }
    }

    fn warn(&mut self, problem: String) {
        if self.incomplete.is_none() {
            // A closed standard error must not stop us either.
            let _ = writeln!(io::stderr(), "warning: the trace is not complete: {problem}");
            self.incomplete = Some(problem);
        }
    }
}

impl Open {
    fn add(&mut self, bytes: &[u8], read: Duration) {
        self.read = read;
        if self.too_long || self.bytes.len() + bytes.len() > LONGEST {
            self.too_long = true;
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A disk that is full for one write.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(usize, Vec<u8>)>>);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (writes, held) = &mut *self.0.lock().unwrap();
            *writes += 1;
            if *writes == 2 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            held.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_trace_that_failed_once_ends_there() {
        let disk = Disk::default();
        let log = Log::new(disk.clone(), None, None);
        let (tell, told) = mpsc::channel();
        for event in ["one\n", "two\n", "three\n"] {
            let bytes = event.repeat(100_000).into_bytes();
            tell.send(Event::Chunk(Direction::ClientToServer, Duration::ZERO, bytes)).unwrap();
        }
        drop(tell);
        let incomplete = log.run(told).expect("not complete");
        assert!(incomplete.contains("does not write"), "{incomplete}");
        let (writes, held) = &*disk.0.lock().unwrap();
        assert_eq!(*writes, 2, "it was written to again");
        assert!(held.starts_with(b"{\"v\":1}\n"), "{held:?}");
    }
}
