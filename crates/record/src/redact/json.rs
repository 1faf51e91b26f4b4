//! Goes over JSON text and replaces strings, without building values and without recursion.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Visitor};

use super::{MASK, Redactor, names};

/// Beyond this depth the text patterns have to do: nobody nests like that, and each level takes memory.
const LEVELS: usize = 10_000;

/// Members that name what the member `value` of the same object is: `{"name":"Cookie","value":"…"}`.
const NAMING: [&str; 3] = ["header", "key", "name"];

/// Masks a JSON text, which must be valid. `None` where nothing changes.
pub(super) fn redact(redactor: &Redactor, text: &str, depth: usize) -> Option<String> {
    let mut scan = Scan { redactor, text, depth, levels: Vec::new(), edits: BTreeMap::new() };
    if scan.run().is_none() {
        return redactor.plain(text);
    }
    if scan.edits.is_empty() {
        return None;
    }
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    for (start, (end, string)) in scan.edits {
        masked.push_str(&text[done..start]);
        masked.push_str(&serde_json::Value::String(string).to_string());
        done = end;
    }
    masked.push_str(&text[done..]);
    Some(masked)
}

struct Scan<'a> {
    redactor: &'a Redactor,
    text: &'a str,
    depth: usize,
    levels: Vec<Level>,
    /// Where a string starts, where it ends, and what it becomes.
    edits: BTreeMap<usize, (usize, String)>,
}

/// An object or an array that is open.
#[derive(Default)]
struct Level {
    is_object: bool,
    /// Every string below is a secret.
    secret: bool,
    /// In an object: a name comes next.
    at_name: bool,
    /// The value that comes next is a secret, by its name or by the command line flag before it.
    next_secret: bool,
    /// The name of the member is `value`, or one of [`NAMING`].
    member: Member,
    /// The object names a secret.
    names_secret: bool,
    /// Where the string of the member `value` is.
    value: Option<(usize, usize)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Member {
    #[default]
    Other,
    Naming,
    Value,
}

impl Scan<'_> {
    /// `None` where the text is nested too deep.
    fn run(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let start = at;
            at += 1;
            match byte {
                b'"' => {
                    at = end_of_string(bytes, at);
                    self.string(start, at);
                }
                b'{' | b'[' if self.levels.len() == LEVELS => return None,
                b'{' | b'[' => self.open(byte == b'{'),
                b'}' | b']' => self.close(),
                b',' => {
                    if let Some(level) = self.levels.last_mut() {
                        level.at_name = level.is_object;
                    }
                }
                b':' => {
                    if let Some(level) = self.levels.last_mut() {
                        level.at_name = false;
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    fn open(&mut self, is_object: bool) {
        let secret = self.levels.last_mut().is_some_and(|level| {
            let by_name = level.is_object && level.next_secret;
            // A flag is about the argument right behind it.
            level.next_secret = by_name;
            level.secret || by_name
        });
        self.levels.push(Level { is_object, secret, at_name: is_object, ..Level::default() });
    }

    fn close(&mut self) {
        let Some(level) = self.levels.pop() else { return };
        if let (true, Some((start, end))) = (level.names_secret, level.value) {
            self.edits.insert(start, (end, MASK.to_owned()));
        }
    }

    fn string(&mut self, start: usize, end: usize) {
        let string = decode(&self.text[start..end]);
        let level = self.levels.last_mut();
        let masked = match level {
            Some(level) if level.at_name => {
                level.next_secret = names::is_secret(&string);
                level.member = match &*string {
                    "value" => Member::Value,
                    name if NAMING.contains(&name) => Member::Naming,
                    _ => Member::Other,
                };
                // Maps have paths and addresses for names.
                self.redactor.plain(&string)
            }
            Some(level) if level.secret || level.next_secret => {
                level.next_secret &= level.is_object;
                (!string.is_empty() && string != MASK).then(|| MASK.to_owned())
            }
            level => {
                if let Some(level) = level {
                    level.note(&string, start, end);
                }
                self.redactor.string(&string, self.depth + 1)
            }
        };
        if let Some(masked) = masked {
            self.edits.insert(start, (end, masked));
        }
    }
}

impl Level {
    /// What a string says about others: the name of a `value`, or a command line flag before an argument.
    fn note(&mut self, string: &str, start: usize, end: usize) {
        match self.member {
            _ if !self.is_object => {
                let flag = string.strip_prefix('-').filter(|flag| !flag.contains(['=', ' ']));
                self.next_secret = flag.is_some_and(names::is_secret);
            }
            Member::Naming => self.names_secret |= names::is_secret(string),
            Member::Value if !string.is_empty() && string != MASK => self.value = Some((start, end)),
            _ => {}
        }
    }
}

/// Where the string ends whose first byte is at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        at += found + 1;
        if bytes[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// What a string literal stands for. Half a surrogate pair, which is no text, becomes U+FFFD.
fn decode(literal: &str) -> Cow<'_, str> {
    let inner = &literal[1..literal.len() - 1];
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let bytes = serde_json::Deserializer::from_str(literal).deserialize_bytes(Bytes).unwrap_or_default();
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// serde_json decodes to bytes what it refuses to decode to a string: half surrogate pairs.
struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}
