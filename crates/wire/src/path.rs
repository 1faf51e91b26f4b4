//! From the byte where serde_json stopped to the JSON path of the value it stopped at.
//!
//! This runs only after an error, so the codecs themselves carry no path and cost nothing for it.

/// What stands around the path of a message that starts with one: ``at `path`: message``.
const NESTED: (&str, &str) = ("at `", "`: ");

/// The path and the message of an error, the path joined from every text that was read again.
pub(crate) fn locate(text: &str, error: &serde_json::Error) -> (String, String) {
    let message = without_position(error);
    if !error.is_data() {
        return (
            String::new(),
            format!("not valid JSON: {message}, line {} column {}", error.line(), error.column()),
        );
    }
    let mut path = path_at(text, offset(text, error), &message);
    match message.strip_prefix(NESTED.0).and_then(|rest| rest.split_once(NESTED.1)) {
        Some((inner, message)) => {
            join(&mut path, inner);
            (path, message.to_owned())
        }
        None => (path, message),
    }
}

/// The message that an error in captured text travels under.
pub(crate) fn nested_message(text: &str, error: &serde_json::Error) -> String {
    let (path, message) = locate(text, error);
    format!("{}{path}{}{message}", NESTED.0, NESTED.1)
}

/// The `method` member of a message, for the error text.
pub(crate) fn top_level_method(text: &str) -> Option<String> {
    let mut scan = Scan::new(text);
    let mut found = None;
    scan.run(|path, span| {
        if path.len() == 1 && path[0] == Step::Key("\"method\"") && found.is_none() {
            found = serde_json::from_str(&text[span.0..span.1]).ok();
        }
    });
    found
}

/// How deep objects and arrays nest in a text that is valid JSON.
pub(crate) fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&position).map(str::to_owned).unwrap_or(message)
}

fn join(path: &mut String, inner: &str) {
    if !path.is_empty() && !inner.is_empty() && !inner.starts_with('[') {
        path.push('.');
    }
    path.push_str(inner);
}

/// How many bytes of the text had been read.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(at, _)| at + 1),
    };
    (line_start + error.column()).min(text.len())
}

/// The innermost value that holds the byte, its ends included. Of an unwelcome array or object serde_json
/// may have read the bracket, so that the byte is the start of what is inside.
fn path_at(text: &str, offset: usize, message: &str) -> String {
    let bracket = ["sequence", "map"].iter().zip(['[', '{']).find_map(|(kind, bracket)| {
        message.strip_prefix("invalid type: ")?.starts_with(kind).then_some(bracket)
    });
    let may_be_it = |start: usize| bracket.is_none_or(|bracket| text[start..].starts_with(bracket));
    let mut scan = Scan::new(text);
    let mut found: Option<(usize, String)> = None;
    scan.run(|path, (start, end)| {
        if start <= offset
            && offset <= end
            && may_be_it(start)
            && found.as_ref().is_none_or(|(depth, _)| path.len() > *depth)
        {
            found = Some((path.len(), render(path)));
        }
    });
    found.map(|(_, path)| path).unwrap_or_default()
}

#[derive(Clone, Copy, PartialEq)]
enum Step<'t> {
    /// A member, its name with the quotes.
    Key(&'t str),
    Index(usize),
}

fn render(path: &[Step<'_>]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Index(index) => out.push_str(&format!("[{index}]")),
            Step::Key(quoted) => {
                let name = &quoted[1..quoted.len() - 1];
                let plain =
                    name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$'));
                if plain {
                    join(&mut out, name);
                } else {
                    // A backtick would end the path of a nested message.
                    out.push_str(&format!("[{}]", quoted.replace('`', "\\u0060")));
                }
            }
        }
    }
    out
}

/// Walks a JSON text without recursion and reports every value with its path and its span. The text was
/// accepted by serde_json up to the error, so nothing is checked here; broken text ends the walk.
struct Scan<'t> {
    text: &'t str,
    at: usize,
}

struct Open<'t> {
    start: usize,
    step: Option<Step<'t>>,
    is_object: bool,
    next_index: usize,
}

impl<'t> Scan<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t' | b',' | b':')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn string(&mut self) -> Option<&'t str> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        self.at += 1;
        while let Some(&byte) = bytes.get(self.at) {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return self.text.get(start..self.at);
            }
        }
        None
    }

    fn run(&mut self, mut report: impl FnMut(&[Step<'t>], (usize, usize))) {
        let mut open: Vec<Open<'t>> = Vec::new();
        let mut path: Vec<Step<'t>> = Vec::new();
        while let Some(byte) = self.peek() {
            if matches!(byte, b'}' | b']') {
                self.at += 1;
                let Some(closed) = open.pop() else { return };
                path.truncate(open.len().saturating_sub(1));
                path.extend(closed.step);
                report(&path, (closed.start, self.at));
            } else {
                let step = match open.last_mut() {
                    None => None,
                    Some(parent) if parent.is_object => {
                        let Some(key) = self.string() else { return };
                        Some(Step::Key(key))
                    }
                    Some(parent) => {
                        parent.next_index += 1;
                        Some(Step::Index(parent.next_index - 1))
                    }
                };
                let Some(byte) = self.peek() else { return };
                let start = self.at;
                path.truncate(open.len().saturating_sub(1));
                path.extend(step);
                match byte {
                    b'{' | b'[' => {
                        self.at += 1;
                        open.push(Open { start, step, is_object: byte == b'{', next_index: 0 });
                        continue;
                    }
                    b'"' => {
                        if self.string().is_none() {
                            self.at = self.text.len();
                        }
                    }
                    _ => {
                        let rest = &self.text.as_bytes()[start..];
                        let len = rest
                            .iter()
                            .position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'));
                        self.at = start + len.unwrap_or(rest.len());
                        if len == Some(0) {
                            return;
                        }
                    }
                }
                report(&path, (start, self.at));
            }
            if open.is_empty() {
                return;
            }
        }
        // The text ends inside these: an error there is theirs.
        while let Some(unclosed) = open.pop() {
            path.truncate(open.len().saturating_sub(1));
            path.extend(unclosed.step);
            report(&path, (unclosed.start, self.text.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_every_value() {
        let text = r#"{"a": [1, {"b c": "x,]"}], "d":{}}"#;
        let mut seen = Vec::new();
        Scan::new(text).run(|path, (start, end)| seen.push((render(path), text[start..end].to_owned())));
        let seen: Vec<_> = seen.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("a[0]", "1"),
                ("a[1][\"b c\"]", "\"x,]\""),
                ("a[1]", "{\"b c\": \"x,]\"}"),
                ("a", "[1, {\"b c\": \"x,]\"}]"),
                ("d", "{}"),
                ("", text),
            ]
        );
    }

    #[test]
    fn broken_text_ends_the_walk() {
        for text in ["", "{", "[", "{\"a", "{\"a\"", "]", "}{", "[}", "{\"a\":,}", "\"\\", "[1 2"] {
            Scan::new(text).run(|_, _| {});
            top_level_method(text);
            depth(text);
        }
    }

    /// serde_json has read the bracket where a type could have been anything, and has not where it could
    /// only have been one thing.
    #[test]
    fn an_unwelcome_array_is_the_culprit_not_what_is_in_it() {
        let place = |error: serde_json::Error, text: &str| locate(text, &error).0;
        let text = r#"{"id":[5]}"#;
        let error = serde_json::from_str::<std::collections::BTreeMap<String, crate::RequestId>>(text);
        assert_eq!(place(error.unwrap_err(), text), "id");
        let error = serde_json::from_str::<std::collections::BTreeMap<String, String>>(text);
        assert_eq!(place(error.unwrap_err(), text), "id");
        let error = serde_json::from_str::<std::collections::BTreeMap<String, Vec<String>>>(text);
        assert_eq!(place(error.unwrap_err(), text), "id[0]");
    }
}
