//! The two threads of a scripted server: one reads, one writes and keeps the time. The one that reads writes
//! short answers itself while the other has nothing to do: that is quicker than to wake it.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use codex_appserver_wire::LineBuffer;

use super::core::Core;
use super::ends::ROOM;
use super::faults::Faults;
use super::log::Ended;
use super::plan::Effect;

/// How much is read at a time.
const CHUNK: usize = 256 << 10;
/// Nothing is read while more than this waits for the client to read it.
const BACKLOG: usize = 4 << 20;
/// More than this is written by the thread that writes, while the other one reads on.
const AT_ONCE: usize = 16 << 10;
/// A server that has to end does not wait longer for a client that does not read.
const GRACE: Duration = Duration::from_secs(2);

/// What the threads and the handle share.
pub(super) struct Shared {
    core: Mutex<Core>,
    /// There is something to write, or to stop for.
    work: Condvar,
    /// Something was received, written or ended.
    news: Condvar,
}

impl Shared {
    pub(super) fn new(core: Core) -> Self {
        Self { core: Mutex::new(core), work: Condvar::new(), news: Condvar::new() }
    }

    /// The state is in order even if a thread panicked: nothing in it is half done for long.
    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and lets all threads see it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let result = change(&mut self.lock());
        self.work.notify_all();
        self.news.notify_all();
        result
    }

    /// Waits until the state is so, or the time is up; tells which.
    pub(super) fn wait(&self, timeout: Duration, mut is_so: impl FnMut(&Core) -> bool) -> bool {
        let waited = self.news.wait_timeout_while(self.lock(), timeout, |core| !is_so(core));
        let (core, _) = waited.unwrap_or_else(PoisonError::into_inner);
        is_so(&core)
    }

    /// Ends.
    pub(super) fn end(&self, why: Ended) {
        self.change(|core| {
            core.ended.get_or_insert(why);
        });
    }

    /// Waits for the end, and no longer than a server that has to end may take.
    pub(super) fn wait_for_end(&self) -> Ended {
        let mut core = self.lock();
        loop {
            if let Some(ended) = core.ended {
                return ended;
            }
            let Some(closing) = core.closing.filter(|closing| !closing.drain) else {
                core = self.news.wait(core).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = (closing.at + GRACE).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return *core.ended.insert(closing.why);
            }
            core = self.news.wait_timeout(core, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Reads until the input ends or nobody wants to hear more. The pen is gone when nothing more is written.
    pub(super) fn read<O: Write, E: Write>(
        &self,
        mut input: impl Read,
        line_limit: usize,
        pen: &Weak<Mutex<Pen<O, E>>>,
    ) {
        let mut lines = LineBuffer::new(line_limit);
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = match input.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            let mut core = self.lock();
            if core.deaf || core.ended.is_some() {
                // The input is kept open: the client is to see no end of it.
                let until_end = |core: &mut Core| core.ended.is_none();
                drop(self.news.wait_while(core, until_end));
                return;
            }
            lines.push(&chunk[..length]);
            while let Some(line) = lines.next_line() {
                take(&mut core, line.ok());
                if core.deaf {
                    break;
                }
            }
            if let Some(pen) = pen.upgrade() {
                write_at_once(&mut core, &pen);
            }
            // A list may have to go on before the other thread would look again.
            if core.has_work() || core.next_due().is_some() {
                self.work.notify_one();
            }
            self.news.notify_all();
            let is_full = |core: &mut Core| core.out.len() > BACKLOG && !core.mute && core.ended.is_none();
            drop(self.news.wait_while(core, is_full));
        }
        self.change(|core| {
            if let Some(line) = lines.finish() {
                take(core, line.ok());
            }
            core.close(Ended::Eof, Instant::now());
        });
    }

    /// Writes until the end.
    pub(super) fn write<O: Write, E: Write>(&self, pen: &Mutex<Pen<O, E>>) {
        let mut bytes = Vec::new();
        while let Some((effect, mut pen)) = self.work(&mut bytes, pen) {
            let mut kept = pen.write(&bytes);
            match effect {
                None => {}
                Some(Effect::LongLine(length)) => kept = kept.and_then(|()| pen.long_line(length)),
                Some(Effect::Stderr(text)) => pen.stderr(text.as_bytes()),
                Some(Effect::StderrFlood(length)) => pen.stderr_flood(length),
                Some(Effect::CloseStdout) => pen.output = None,
                // The state says so already.
                Some(Effect::StopWriting | Effect::StopReading) => {}
                Some(Effect::Exit(code)) => self.end(Ended::Exit(code)),
                Some(Effect::Abort) => self.end(Ended::Abort),
            }
            if kept.is_err() {
                // The client is gone or reads no more; what it sends is taken all the same.
                self.change(|core| core.mute = true);
            }
        }
    }

    /// Waits for something to do, and takes it with the pen; none at the end.
    fn work<'a, P>(
        &self,
        bytes: &mut Vec<u8>,
        pen: &'a Mutex<P>,
    ) -> Option<(Option<Effect>, MutexGuard<'a, P>)> {
        bytes.clear();
        let mut core = self.lock();
        loop {
            let now = Instant::now();
            let closing = core.closing.filter(|closing| closing.drain || closing.at <= now);
            if core.ended.is_some() {
                return None;
            }
            if closing.is_none_or(|closing| closing.drain) {
                core.advance(now);
            }
            if core.mute {
                core.out.clear();
            } else if let Some(cut) = core.cut.take() {
                core.out.truncate(cut);
                core.mute = true;
            }
            if !core.out.is_empty() || core.effect.is_some() {
                std::mem::swap(bytes, &mut core.out);
                // Settled now: once the bytes are out the client may send more before we look again.
                core.log.pending -= std::mem::take(&mut core.settled);
                self.news.notify_all();
                // Taken before the state is let go: nobody writes between these bytes and those before them.
                return Some((core.effect.take(), pen.lock().unwrap_or_else(PoisonError::into_inner)));
            }
            if let Some(closing) = closing.filter(|closing| !closing.drain || core.is_idle()) {
                core.ended = Some(closing.why);
                self.news.notify_all();
                return None;
            }
            let ending = core.closing.filter(|closing| !closing.drain).map(|closing| closing.at);
            core = match core.next_due().into_iter().chain(ending).min() {
                None => self.work.wait(core).unwrap_or_else(PoisonError::into_inner),
                Some(due) => {
                    let left = due.saturating_duration_since(Instant::now());
                    self.work.wait_timeout(core, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

fn take(core: &mut Core, line: Option<&str>) {
    match line {
        Some(line) => core.line(line),
        // Too long or no text: there is nothing to keep.
        None => {
            core.log.received += 1;
            core.log.malformed += 1;
        }
    }
}

/// Writes what waits to be written, as far as that does not block and nothing else is to come first. What is
/// left is for the thread that writes, as is an error: it meets the same one.
fn write_at_once<O: Write, E: Write>(core: &mut Core, pen: &Mutex<Pen<O, E>>) {
    if core.out.is_empty() || core.out.len() > AT_ONCE || core.effect.is_some() || core.mute {
        return;
    }
    let Ok(mut pen) = pen.try_lock() else { return };
    let written = pen.write_at_once(&core.out);
    if written > 0 {
        core.out.drain(..written);
        core.log.pending -= std::mem::take(&mut core.settled);
    }
}

/// Writes bytes, in pieces where the scenario wants that. Who holds the lock on the state may try to lock the
/// pen as well, and the thread that writes may wait for it; no other way round.
pub(super) struct Pen<O, E> {
    output: Option<O>,
    has_room: fn(&O) -> bool,
    stderr: E,
    split: usize,
    rng: fastrand::Rng,
}

impl<O: Write, E: Write> Pen<O, E> {
    /// `has_room` tells whether a write of [`ROOM`] bytes is sure not to block.
    pub(super) fn new(output: O, has_room: fn(&O) -> bool, stderr: E, faults: &Faults) -> Self {
        // Apart from the one for answers, so that neither depends on when the other is asked.
        let rng = fastrand::Rng::with_seed(!faults.seed);
        let split = usize::try_from(faults.split_writes).unwrap_or(usize::MAX);
        Self { output: Some(output), has_room, stderr, split, rng }
    }

    /// Writes as much as is sure not to block; tells how much that was.
    fn write_at_once(&mut self, bytes: &[u8]) -> usize {
        let Some(output) = self.output.as_mut().filter(|_| self.split == 0) else { return 0 };
        let mut written = 0;
        while written < bytes.len() && (self.has_room)(output) {
            let piece = &bytes[written..bytes.len().min(written + ROOM)];
            match output.write(piece) {
                Ok(length) if length > 0 => written += length,
                _ => break,
            }
        }
        written
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let Some(output) = &mut self.output else { return Ok(()) };
        while self.split > 0 && !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(self.rng.usize(1..=self.split).min(bytes.len()));
            output.write_all(piece)?;
            output.flush()?;
            bytes = rest;
        }
        output.write_all(bytes)?;
        output.flush()
    }

    /// A notification of about this many bytes, made as it is written.
    fn long_line(&mut self, length: u64) -> io::Result<()> {
        const HEAD: &[u8] = br#"{"method":"test/longLine","params":{"text":""#;
        const TAIL: &[u8] = b"\"}}\n";
        self.write(HEAD)?;
        let mut left = length.saturating_sub((HEAD.len() + TAIL.len()) as u64);
        let filling = [b'x'; 64 << 10];
        while left > 0 {
            let piece = left.min(filling.len() as u64);
            self.write(&filling[..piece as usize])?;
            left -= piece;
        }
        self.write(TAIL)
    }

    fn stderr(&mut self, bytes: &[u8]) {
        // A client that does not care for our standard error is not at fault.
        let _ = self.stderr.write_all(bytes).and_then(|()| self.stderr.flush());
    }

    fn stderr_flood(&mut self, mut left: u64) {
        let block =
            "2027-01-15T08:00:00.000000Z  WARN scripted_app_server: a line of log for nobody to read\n"
                .repeat(1 << 12);
        while left > 0 {
            let piece = left.min(block.len() as u64);
            self.stderr(&block.as_bytes()[..piece as usize]);
            left -= piece;
        }
    }
}
