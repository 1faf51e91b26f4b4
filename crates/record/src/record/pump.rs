//! Passes the bytes of one direction on.

use std::io::{ErrorKind, PipeReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::log::Event;
use super::platform::{Input, Output, Ready, ready, write_all};
use crate::trace::Direction;

/// As much as a pipe holds on Linux.
const CHUNK: usize = 64 << 10;

/// Where the copies go.
pub(super) struct Copy {
    pub(super) events: Sender<Event>,
    pub(super) start: Instant,
    pub(super) direction: Direction,
    /// How many bytes the peer took.
    pub(super) taken: Arc<AtomicU64>,
}

/// Passes bytes on until the input ends, the output is gone, or the command has ended and left nothing. Both
/// ends are closed then, so that each peer sees what the other one did.
pub(super) fn run(mut input: Input, mut output: Output, ended: Option<PipeReader>, copy: &Copy) {
    let mut chunk = vec![0; CHUNK];
    while ready(&input, &output, ended.as_ref()) == Ready::Read {
        let length = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => continue,
            Err(_) => break,
        };
        let bytes = &chunk[..length];
        // The log being gone is no reason to stop; it says itself what is wrong.
        let _ = copy.events.send(Event::Chunk(copy.direction, copy.start.elapsed(), bytes.to_vec()));
        if write_all(&mut output, bytes).is_err() {
            break;
        }
        copy.taken.fetch_add(length as u64, Ordering::Relaxed);
    }
    let _ = copy.events.send(Event::End(copy.direction));
}
