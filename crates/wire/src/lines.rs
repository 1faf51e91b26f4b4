//! Bytes in, lines out: the framing of the stdio transport, without any input or output of its own.

use std::str::Utf8Error;

use memchr::memchr;

/// As many bytes of a refused line as its error keeps: the app-server writes the `id` of a request and of a
/// result before what may be long.
const HEAD: usize = 256;

/// Collects bytes as they come and gives out the lines among them.
///
/// A line beyond the limit is refused as soon as that is known, only its head is kept, and the lines after
/// it are read as if nothing had happened. Where lines are taken as they come, memory stays below twice the
/// limit plus the largest chunk pushed; lines that nobody takes are kept.
///
/// ```
/// use codex_appserver_wire::LineBuffer;
///
/// let mut lines = LineBuffer::new(1 << 20);
/// lines.push(b"{\"method\":\"initialized\"}\n{\"met");
/// assert_eq!(lines.next_line(), Some(Ok("{\"method\":\"initialized\"}")));
/// assert_eq!(lines.next_line(), None);
/// ```
#[derive(Debug)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// Where the line that is given out next begins.
    start: usize,
    /// Up to where there is no line break, lest a long line be searched again for every chunk.
    searched: usize,
    limit: usize,
    /// The rest of a line that was refused is passed over.
    skipping: bool,
    /// How long the line is that was refused last, as far as it has come.
    refused: u64,
}

/// A line that cannot be given out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// It is longer than the limit.
    #[error("read a line of more than {limit} bytes; raise the limit or ask the peer for less")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
        /// The first 256 bytes of it, or as many as the limit: enough to tell which message it is. Bytes that
        /// are no UTF-8 are replaced.
        head: Box<str>,
    },
    /// It is not UTF-8.
    #[error("read a line that is not UTF-8: {source}")]
    NotUtf8 {
        /// Where it stops to be.
        source: Utf8Error,
        /// The first 256 bytes of it, as of a line that is too long.
        head: Box<str>,
    },
}

impl LineBuffer {
    /// A buffer that refuses lines of more than `limit` bytes, `\n` or `\r\n` not counted.
    pub fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, searched: 0, limit, skipping: false, refused: 0 }
    }

    /// Adds what was read.
    pub fn push(&mut self, mut chunk: &[u8]) {
        if self.skipping {
            match memchr(b'\n', chunk) {
                Some(end) => {
                    self.refused += end as u64;
                    chunk = &chunk[end + 1..];
                }
                None => {
                    self.refused += chunk.len() as u64;
                    return;
                }
            }
            self.skipping = false;
        }
        // What was given out goes when it is more than what is left, so that no byte is moved often.
        if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(chunk);
    }

    /// The next line, without `\n` or `\r\n`; none until more is pushed.
    pub fn next_line(&mut self) -> Option<Result<&str, LineError>> {
        let Some(length) = memchr(b'\n', &self.bytes[self.searched..]) else {
            self.searched = self.bytes.len();
            // A `\r` may yet turn out to belong to the line break.
            let length = self.bytes.len() - self.start;
            if length <= self.limit || (length == self.limit + 1 && self.bytes.ends_with(b"\r")) {
                return None;
            }
            let refused = self.refuse(self.start, self.bytes.len());
            self.skipping = true;
            self.forget();
            return Some(Err(refused));
        };
        let (start, end) = (self.start, self.searched + length);
        (self.start, self.searched) = (end + 1, end + 1);
        Some(self.line(start, end))
    }

    /// What is left when the peer has closed: a last line without a line break.
    pub fn finish(&mut self) -> Option<Result<&str, LineError>> {
        let (start, end) = (self.start, self.bytes.len());
        (self.start, self.searched) = (end, end);
        (start < end).then(|| self.line(start, end))
    }

    /// How many bytes the line has that was refused last for its length, and whether it has come to its end.
    pub fn refused(&self) -> (u64, bool) {
        (self.refused, !self.skipping)
    }

    fn line(&mut self, start: usize, end: usize) -> Result<&str, LineError> {
        let line = &self.bytes[start..end];
        let end = end - usize::from(line.ends_with(b"\r"));
        if end - start > self.limit {
            return Err(self.refuse(start, end));
        }
        let line = &self.bytes[start..end];
        std::str::from_utf8(line)
            .map_err(|source| LineError::NotUtf8 { source, head: text(&line[..line.len().min(HEAD)]) })
    }

    /// The error for a line that begins like this, with more bytes than the limit: the same one however much
    /// of the line is there.
    #[cold]
    fn refuse(&mut self, start: usize, end: usize) -> LineError {
        let line = &self.bytes[start..end];
        self.refused = line.len() as u64;
        LineError::TooLong { limit: self.limit, head: text(&line[..line.len().min(HEAD).min(self.limit)]) }
    }

    /// Gives the memory of a refused line back.
    fn forget(&mut self) {
        self.bytes = Vec::new();
        (self.start, self.searched) = (0, 0);
    }
}

/// Bytes as text. A character that the end of the bytes cuts in two is left out.
fn text(bytes: &[u8]) -> Box<str> {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    };
    String::from_utf8_lossy(whole).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that comes out of the chunks, line by line.
    fn lines(limit: usize, chunks: &[&[u8]]) -> Vec<Result<String, LineError>> {
        let mut buffer = LineBuffer::new(limit);
        let mut out = Vec::new();
        for chunk in chunks {
            buffer.push(chunk);
            while let Some(line) = buffer.next_line() {
                out.push(line.map(str::to_owned));
            }
        }
        out.extend(buffer.finish().map(|line| line.map(str::to_owned)));
        out
    }

    fn ok(lines: &[&str]) -> Vec<Result<String, LineError>> {
        lines.iter().map(|line| Ok((*line).to_owned())).collect()
    }

    #[test]
    fn chunks_do_not_matter() {
        let text = "one\n\ntwo €\r\nlast".as_bytes();
        let expected = ok(&["one", "", "two €", "last"]);
        assert_eq!(lines(100, &[text]), expected);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(lines(100, &bytes), expected);
    }

    #[test]
    fn a_line_beyond_the_limit_is_refused_once_and_the_next_is_read() {
        let refused = || Err(LineError::TooLong { limit: 3, head: "abc".into() });
        let mut expected = vec![refused()];
        expected.extend(ok(&["abc"]));
        assert_eq!(lines(3, &[b"abcd\nabc\n"]), expected);
        assert_eq!(lines(3, &[b"ab", b"cd", b"efg", b"h\nab", b"c\n"]), expected);
        assert_eq!(lines(3, &[b"abcd"]), [refused()]);
        assert_eq!(lines(3, &[b"abc\r\nabc\r", b"\nab"]), ok(&["abc", "abc", "ab"]));
    }

    #[test]
    fn the_head_of_a_refused_line_does_not_depend_on_the_chunks() {
        let line =
            [br#"{"id":7,"result":""#.as_slice(), "é".repeat(1000).as_bytes(), b"\"}\nnext\n"].concat();
        // 18 bytes and 119 characters: the limit of the head is at a whole one, with a byte more it is not.
        for before in [&b""[..], b" "] {
            let line = [before, &line].concat();
            let mut seen = Vec::new();
            for size in [1, 7, 300, line.len()] {
                let chunks: Vec<&[u8]> = line.chunks(size).collect();
                seen.push(lines(600, &chunks));
            }
            let [Err(LineError::TooLong { limit: 600, head }), Ok(next)] = &seen[0][..] else {
                panic!("{seen:?}")
            };
            assert!(head.trim_start().starts_with(r#"{"id":7,"result":"é"#) && head.ends_with('é'), "{head}");
            assert_eq!((head.len(), next.as_str()), (256 - before.len(), "next"));
            assert!(seen.iter().all(|lines| *lines == seen[0]), "{seen:?}");
        }
    }

    #[test]
    fn the_head_of_a_line_that_is_no_text_is_text() {
        let out = lines(4, &[b"next\n\xff{}}}\n"]);
        let refused = Err(LineError::TooLong { limit: 4, head: "\u{fffd}{}}".into() });
        assert_eq!(out, [Ok("next".to_owned()), refused]);
    }

    #[test]
    fn what_is_refused_is_not_kept() {
        let mut buffer = LineBuffer::new(1 << 10);
        let chunk = [b'x'; 1 << 12];
        for _ in 0..25_000 {
            buffer.push(&chunk);
            while buffer.next_line().is_some() {}
            assert!(buffer.bytes.capacity() <= (1 << 10) + 2 * chunk.len(), "{}", buffer.bytes.capacity());
        }
        buffer.push(b"\nnext\n");
        assert_eq!(buffer.next_line(), Some(Ok("next")));
    }

    #[test]
    fn the_length_of_a_refused_line_is_told() {
        for size in [1, 5, 64] {
            let mut buffer = LineBuffer::new(4);
            let mut told = Vec::new();
            for chunk in b"one\n1234567890\r\n12345\nabc\n1234567".chunks(size) {
                buffer.push(chunk);
                while let Some(line) = buffer.next_line() {
                    let refused = line.is_err();
                    told.extend(refused.then(|| buffer.refused()));
                }
            }
            told.extend(buffer.finish().map(|line| line.is_err()).map(|_| buffer.refused()));
            assert!(told.len() == 3, "{size}: {told:?}");
            // The last line was refused before its end, which has not come.
            assert_eq!(buffer.refused().0, 7, "{size}");
        }
    }

    /// One line taken for each chunk: the backlog grows, and must not be moved each time.
    #[test]
    fn a_backlog_is_not_moved_for_every_chunk() {
        let mut buffer = LineBuffer::new(100);
        let chunk = b"x\n".repeat(1 << 11);
        for _ in 0..10_000 {
            buffer.push(&chunk);
            assert_eq!(buffer.next_line(), Some(Ok("x")));
        }
        let rest = std::iter::from_fn(|| buffer.next_line().map(|line| line.is_ok())).count();
        assert_eq!(rest, 10_000 * ((1 << 11) - 1));
    }

    #[test]
    fn bytes_that_are_no_text_spoil_their_line_alone() {
        let out = lines(100, &[b"a\n\xff\xfe\nb\n"]);
        assert!(matches!(&out[..], [Ok(_), Err(LineError::NotUtf8 { .. }), Ok(_)]), "{out:?}");
    }
}
