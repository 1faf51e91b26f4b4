//! Upstream's prose as doc comments: code spans and code blocks stay, and nothing in it is a link, an HTML tag, or a
//! test that rustdoc would run.

/// What hides or turns the text around it; rustc refuses it in comments.
const DIRECTIONS: [std::ops::RangeInclusive<char>; 2] = ['\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];

/// Lines that rustdoc reads without a warning.
pub(super) fn safe(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept = |c: &char| {
        *c == '\n' || *c == '\t' || !c.is_control() && DIRECTIONS.iter().all(|range| !range.contains(c))
    };
    let text: String = text.trim().chars().filter(kept).collect();
    let mut lines = Vec::new();
    let mut paragraph: Vec<String> = Vec::new();
    let mut fence: Option<Fence> = None;
    for line in text.lines() {
        let line = shallow(line);
        match (&fence, Fence::opened_by(&line)) {
            (Some(open), _) => {
                if open.is_closed_by(&line) {
                    fence = None;
                }
                lines.push(line);
            }
            (None, Some(open)) => {
                flush(&mut paragraph, &mut lines);
                // Without a language, and with Rust's, rustdoc takes it for a test.
                lines.push(format!("{}text", open.0));
                fence = Some(open);
            }
            (None, None) if line.trim().is_empty() => {
                flush(&mut paragraph, &mut lines);
                lines.push(String::new());
            }
            (None, None) => paragraph.push(line),
        }
    }
    flush(&mut paragraph, &mut lines);
    lines.extend(fence.map(|open| open.0));
    lines.join("\n")
}

/// A line indented by less than what makes a code block.
fn shallow(line: &str) -> String {
    let rest = line.trim_start_matches([' ', '\t']);
    let indent: usize = line[..line.len() - rest.len()].chars().map(|c| if c == '\t' { 4 } else { 1 }).sum();
    format!("{}{}", " ".repeat(indent.min(3)), rest.trim_end())
}

/// A code span may go over the lines of a paragraph, and no further.
fn flush(paragraph: &mut Vec<String>, lines: &mut Vec<String>) {
    if !paragraph.is_empty() {
        lines.extend(inline(&paragraph.join("\n")).split('\n').map(str::to_owned));
        paragraph.clear();
    }
}

/// The line that opens a code block, without its language.
struct Fence(String);

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let text = line.trim_start();
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let language = text.trim_start_matches(mark);
        let run = text.len() - language.len();
        // Else it is a code span.
        let is_block = run >= 3 && !(mark == '`' && language.contains('`'));
        is_block.then(|| Self(mark.to_string().repeat(run)))
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let text = line.trim();
        text.len() >= self.0.len() && self.0.starts_with(|mark| text.chars().all(|c| c == mark))
    }
}

/// Text within a paragraph: code spans as they are, links and tags as text, addresses as links.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        let taken = match first {
            '`' => match code_span(rest, ticks) {
                Some(length) => {
                    out.push_str(&rest[..length]);
                    length
                }
                None => {
                    out.push_str(&"\\`".repeat(ticks));
                    ticks
                }
            },
            '\\' => {
                let escaped = rest[1..].chars().next().filter(char::is_ascii_punctuation);
                out.push('\\');
                // A lone backslash is one, and the last one of a line breaks it.
                out.extend(escaped);
                1 + usize::from(escaped.is_some())
            }
            'h' if is_address(rest) => {
                let length = address(rest);
                out.push_str(&format!("<{}>", &rest[..length]));
                length
            }
            '[' | ']' | '<' | '>' => {
                out.extend(['\\', first]);
                1
            }
            other => {
                out.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}

/// The length of the code span that opens with so many ticks; none where it does not close.
fn code_span(text: &str, ticks: usize) -> Option<usize> {
    let mut at = ticks;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let run = text[start..].len() - text[start..].trim_start_matches('`').len();
        if run == ticks {
            return Some(start + run);
        }
        at = start + run;
    }
    None
}

fn is_address(text: &str) -> bool {
    let scheme = ["http://", "https://"].into_iter().find(|scheme| text.starts_with(scheme));
    scheme.is_some_and(|scheme| text[scheme.len()..].starts_with(|c: char| c.is_alphanumeric()))
}

/// The length of an address; what ends a sentence or a bracket is no part of it.
fn address(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '`' | '"' | '\\');
    let all = &text[..text.find(ends).unwrap_or(text.len())];
    all.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'', '*', '_']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_tags_are_text_and_code_stays() {
        for (from, to) in [
            ("See [`Turn`] and [x](y).", r"See \[`Turn`\] and \[x\](y)."),
            ("A `Vec<[u8]>` of <b>bytes</b>.", r"A `Vec<[u8]>` of \<b\>bytes\</b\>."),
            ("``a ` b`` and `c", r"``a ` b`` and \`c"),
            ("over `two\nlines[0]` and\n\n`[x]", "over `two\nlines[0]` and\n\n\\`\\[x\\]"),
            (r"already \[escaped\] and \d", r"already \[escaped\] and \d"),
            (r"\\[x]", r"\\\[x\]"),
            (
                "at https://example.com/a_b?c=[1], or http://",
                r"at <https://example.com/a_b?c=[1>\], or http://",
            ),
            ("(https://example.com/).", "(<https://example.com/>)."),
            ("[^1]: note */ end", r"\[^1\]: note */ end"),
            ("ends in \\", "ends in \\"),
        ] {
            assert_eq!(safe(from), to, "{from}");
        }
    }

    #[test]
    fn blocks_are_no_tests() {
        let text = "Text:\n\n    let x = [1];\n\n```\nlet a = [`b`];\n```\n~~~rust\nx";
        let lines = "Text:\n\n   let x = \\[1\\];\n\n```text\nlet a = [`b`];\n```\n~~~text\nx\n~~~";
        assert_eq!(safe(text), lines);
        assert_eq!(safe("```inline``` code"), "```inline``` code");
        assert_eq!(safe("```\na\n~~~\n````\n[b]"), "```text\na\n~~~\n````\n\\[b\\]");
    }

    #[test]
    fn what_rustc_refuses_in_a_comment_goes() {
        assert_eq!(safe("a\r\nb\rc\u{0}\u{202e}d\u{2066}"), "a\nb\ncd");
        assert_eq!(safe("  \n\n"), "");
    }
}
