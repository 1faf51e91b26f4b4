//! Bytes in, lines to the link.

use std::sync::Arc;

use codex_appserver_wire::LineBuffer;

use crate::conn::Link;
use crate::core::Wakes;
use crate::preamble::Preamble;

/// Makes lines of what is read, and hands them to the link.
pub(crate) struct LineReader {
    link: Arc<Link>,
    lines: LineBuffer,
    /// Until the first message has come.
    preamble: Option<Preamble>,
    wakes: Wakes,
}

impl LineReader {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        let lines = LineBuffer::new(link.settings().line_limit);
        Self { link, lines, preamble: Some(Preamble::default()), wakes: Wakes::new() }
    }

    /// Takes in what was read.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.link.on_bytes();
        match &mut self.preamble {
            None => self.lines.push(chunk),
            Some(preamble) => {
                let is_over = preamble.push(chunk, &mut self.lines);
                self.link.set_unended(preamble.line());
                if is_over {
                    self.preamble = None;
                }
            }
        }
        while let Some(line) = self.lines.next_line() {
            self.link.receive(line.as_ref().map(|line| *line), &mut self.wakes);
        }
    }

    /// The stream is over: half a line may be left.
    pub(crate) fn finish(&mut self) {
        if let Some(preamble) = self.preamble.take() {
            self.lines.push(preamble.line());
            self.link.set_unended(&[]);
        }
        if let Some(line) = self.lines.finish() {
            self.link.receive(line.as_ref().map(|line| *line), &mut self.wakes);
        }
    }
}
