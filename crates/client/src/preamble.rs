//! What a program writes before its first message.
//!
//! A launcher may print a greeting, and a shell may switch its terminal on: a line of it, or without a line break, so that
//! the first message follows on the same line. Until then lines are looked through for a message that ends them.

use codex_appserver_wire::LineBuffer;

use crate::core::read;
use crate::excerpt;

/// A longer line is no greeting with a first message after it.
const LINE_LIMIT: usize = 64 << 10;

/// At how many places in a line a message may begin.
const PLACES: usize = 64;

/// The line that has not ended yet, until the first message has come.
#[derive(Debug, Default)]
pub(crate) struct Preamble(Vec<u8>);

impl Preamble {
    /// Takes in what was read, and passes on the lines that have ended. Tells whether the first message is among them, so
    /// that everything from now on is to be read as it is.
    pub(crate) fn push(&mut self, mut chunk: &[u8], lines: &mut LineBuffer) -> bool {
        let Self(line) = self;
        while let Some(end) = memchr::memchr(b'\n', chunk) {
            let (ended, rest) = chunk.split_at(end + 1);
            line.extend_from_slice(ended);
            chunk = rest;
            let line = std::mem::take(line);
            let begins = first_message(&line);
            lines.push(&line[begins.unwrap_or_default()..]);
            if let Some(begins) = begins {
                if begins > 0 {
                    let before = excerpt::escaped(&line[..begins]);
                    tracing::warn!(
                        "passed over what the app-server wrote before its first message: `{before}`"
                    );
                }
                lines.push(chunk);
                return true;
            }
        }
        line.extend_from_slice(chunk);
        let is_long = line.len() > LINE_LIMIT;
        if is_long {
            lines.push(&std::mem::take(line));
        }
        is_long
    }

    /// The line that has not ended.
    pub(crate) fn line(&self) -> &[u8] {
        &self.0
    }
}

/// Where in a line a message begins that is all the rest of it.
fn first_message(line: &[u8]) -> Option<usize> {
    let is_message =
        |place: &usize| std::str::from_utf8(&line[*place..]).is_ok_and(|rest| read(Ok(rest)).is_ok());
    memchr::memchr_iter(b'{', line).take(PLACES).find(is_message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = r#"{"id":1,"result":{"a":{"id":2,"result":{}}}}"#;

    /// The lines that come of the bytes, however they are cut.
    fn lines(bytes: &[u8]) -> Vec<Result<String, ()>> {
        let read = |size: usize| {
            let (mut preamble, mut lines, mut out) =
                (Some(Preamble::default()), LineBuffer::new(1 << 20), Vec::new());
            for chunk in bytes.chunks(size) {
                match &mut preamble {
                    Some(before) => {
                        if before.push(chunk, &mut lines) {
                            preamble = None;
                        }
                    }
                    None => lines.push(chunk),
                }
                while let Some(line) = lines.next_line() {
                    out.push(line.map(str::to_owned).map_err(drop));
                }
            }
            if let Some(before) = preamble {
                lines.push(before.line());
            }
            out.extend(lines.finish().map(|line| line.map(str::to_owned).map_err(drop)));
            out
        };
        let whole = read(bytes.len());
        for size in [1, 2, 7, 50] {
            assert_eq!(read(size), whole, "{size}");
        }
        whole
    }

    #[test]
    fn what_stands_before_the_first_message_is_passed_over() {
        let message = || Ok(MESSAGE.to_owned());
        for before in [
            &b""[..],
            b"\x1b[?2004h",
            b"\xef\xbb\xbf",
            b"Welcome! ",
            b"\xb3\xa9\xa5\\ ",
            b"{not JSON} ",
            br#"{"level":"info"} "#,
        ] {
            let bytes = [before, MESSAGE.as_bytes(), b"\n", MESSAGE.as_bytes(), b"\n"].concat();
            assert_eq!(lines(&bytes), [message(), message()], "{}", excerpt::escaped(before));
        }
    }

    #[test]
    fn lines_without_a_message_stay_as_they_are() {
        let text = |text: &str| Ok(text.to_owned());
        let nested = format!("{{\"level\":1,\"fields\":{MESSAGE}}}");
        let bytes = format!("Welcome!\n\n{nested}\n\u{feff}{MESSAGE}\r\n\u{feff}{MESSAGE}\nend");
        let expected = [
            text("Welcome!"),
            text(""),
            text(&nested),
            text(MESSAGE),
            // Only the first message is looked for.
            text(&format!("\u{feff}{MESSAGE}")),
            text("end"),
        ];
        assert_eq!(lines(bytes.as_bytes()), expected);
    }

    #[test]
    fn a_long_line_is_not_kept() {
        let (mut preamble, mut lines) = (Preamble::default(), LineBuffer::new(1 << 20));
        assert!(preamble.push(&[b'x'; LINE_LIMIT + 1], &mut lines));
        assert!(preamble.line().is_empty());
        lines.push(b"\n");
        assert_eq!(lines.next_line().map(|line| line.map(str::len)), Some(Ok(LINE_LIMIT + 1)));
    }
}
