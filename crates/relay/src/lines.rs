//! The lines of a client, with their numbers.

use codex_appserver_wire::{LineBuffer, LineError};

/// One line, without its line break.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Text(&'a str),
    /// It cannot be sent.
    Refused {
        problem: String,
        /// How it begins.
        head: Box<str>,
    },
}

/// Makes lines of bytes. A line beyond the limit takes no memory, and the next one is read.
pub struct Lines {
    buffer: LineBuffer,
    limit: usize,
    number: u64,
    /// The head of a line beyond the limit whose length is still to be told.
    overlong: Option<Box<str>>,
    /// The last line has not come to its end.
    has_rest: bool,
}

impl Lines {
    pub fn new(limit: usize) -> Self {
        Self { buffer: LineBuffer::new(limit), limit, number: 0, overlong: None, has_rest: false }
    }

    /// Takes in what was read.
    pub fn push(&mut self, chunk: &[u8]) {
        self.has_rest = chunk.last().map_or(self.has_rest, |byte| *byte != b'\n');
        self.buffer.push(chunk);
    }

    /// Whether a last line without a line break is left at the end.
    pub fn has_rest(&self) -> bool {
        self.has_rest
    }

    /// Hands on the next line with its number, from 1; `None` until more is pushed.
    pub fn next<R>(&mut self, take: impl FnOnce(u64, Line<'_>) -> R) -> Option<R> {
        if self.overlong.is_none() {
            let line = self.buffer.next_line()?;
            self.number += 1;
            match line {
                Ok(text) => return Some(take(self.number, Line::Text(text))),
                Err(LineError::TooLong { head, .. }) => self.overlong = Some(head),
                Err(error) => return Some(take(self.number, refused(error))),
            }
        }
        let (bytes, has_ended) = self.buffer.refused();
        let head = self.overlong.take_if(|_| has_ended)?;
        Some(take(self.number, too_long(bytes, self.limit, head)))
    }

    /// Hands on what is left at the end: a last line without a line break.
    pub fn finish<R>(&mut self, take: impl FnOnce(u64, Line<'_>) -> R) -> Option<R> {
        if let Some(head) = self.overlong.take() {
            return Some(take(self.number, too_long(self.buffer.refused().0, self.limit, head)));
        }
        let line = self.buffer.finish()?;
        self.number += 1;
        Some(match line {
            Ok(text) => take(self.number, Line::Text(text)),
            Err(LineError::TooLong { head, .. }) => {
                take(self.number, too_long(self.buffer.refused().0, self.limit, head))
            }
            Err(error) => take(self.number, refused(error)),
        })
    }
}

fn too_long(bytes: u64, limit: usize, head: Box<str>) -> Line<'static> {
    let problem = format!("has {bytes} bytes, more than {limit}; raise the limit with --max-line");
    Line::Refused { problem, head }
}

fn refused(error: LineError) -> Line<'static> {
    match error {
        LineError::NotUtf8 { source, head } => {
            let problem = format!("is not UTF-8: {source}; the server would end the connection over it");
            Line::Refused { problem, head }
        }
        other => Line::Refused { problem: format!("cannot be read: {other}"), head: Box::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out of the bytes, read in chunks of a size.
    fn read(bytes: &[u8], size: usize, limit: usize) -> Vec<String> {
        let mut lines = Lines::new(limit);
        let mut out = Vec::new();
        let mut take = |number, line: Line<'_>| {
            out.push(match line {
                Line::Text(text) => format!("{number} {text}"),
                Line::Refused { problem, head } => format!("{number} {problem} ({head})"),
            });
        };
        for chunk in bytes.chunks(size) {
            lines.push(chunk);
            while lines.next(&mut take).is_some() {}
        }
        lines.finish(&mut take);
        out
    }

    #[test]
    fn lines_have_numbers_and_refused_ones_their_length() {
        let long = "x".repeat(1000);
        let bytes = format!("one\r\n\n{long}\nsecond \u{2028} line\n{long}{long}\nlast");
        for size in [1, 3, 64, bytes.len()] {
            let out = read(bytes.as_bytes(), size, 300);
            assert_eq!(out[..2], ["1 one", "2 "], "{size}");
            assert!(out[2].starts_with("3 has 1000 bytes, more than 300; "), "{size}: {}", out[2]);
            assert_eq!(out[3], "4 second \u{2028} line");
            assert!(out[4].starts_with("5 has 2000 bytes, "), "{size}: {}", out[4]);
            assert_eq!(out[5..], ["6 last"]);
        }
    }

    #[test]
    fn bytes_that_are_no_text_spoil_their_line_alone() {
        for last in [&b"\n"[..], b""] {
            let bytes = [b"a\n{\"id\":1}\xff", last].concat();
            let out = read(&bytes, 4, 100);
            assert!(out[1].starts_with("2 is not UTF-8: ") && out[1].contains("{\"id\":1}"), "{out:?}");
        }
    }

    #[test]
    fn a_line_that_ends_with_the_stream_has_a_length_as_well() {
        for size in [1, 400, 1000] {
            let out = read("y".repeat(400).as_bytes(), size, 300);
            assert!(out.len() == 1 && out[0].starts_with("1 has 400 bytes, "), "{size}: {out:?}");
        }
    }
}
