//! Goes over JSON text and replaces strings, without building values and without recursion.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Visitor};

use super::{MASK, Redactor, base64, names};

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
    /// Only if it is a string.
    only_string: bool,
    /// The string that comes next is base64; in an array, every string is.
    base64: bool,
    /// The name of the member is `value`, or one of [`NAMING`].
    member: Member,
    /// The object names a secret, or the array is a pair that does.
    names_secret: bool,
    /// Where the string of the member `value` is, or the second of the pair.
    value: Option<(usize, usize)>,
    /// The place in an array of arrays, which can be a list of pairs: `[["Cookie","…"]]`.
    place: Option<usize>,
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
                        level.comma();
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
        let mut level = Level { is_object, at_name: is_object, ..Level::default() };
        if let Some(outer) = self.levels.last_mut() {
            let by_name = outer.is_object && outer.next_secret && !outer.only_string;
            // A flag is about the argument right behind it.
            outer.next_secret = by_name;
            level.secret = outer.secret || by_name;
            level.base64 = !is_object && outer.base64;
            level.place = (!is_object && !outer.is_object).then_some(0);
        }
        self.levels.push(level);
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
                level.only_string = names::is_about_secret(&string);
                level.base64 = names::is_base64(&string);
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
                let is_base64 = level.is_some_and(|level| {
                    level.note(&string, start, end);
                    level.base64
                });
                match is_base64 {
                    true => base64::redact(self.redactor, &string, self.depth + 1),
                    false => self.redactor.string(&string, self.depth + 1),
                }
            }
        };
        if let Some(masked) = masked {
            self.edits.insert(start, (end, masked));
        }
    }
}

impl Level {
    fn comma(&mut self) {
        self.at_name = self.is_object;
        self.place = self.place.map(|place| place + 1);
        // Three are no pair.
        self.names_secret &= self.place.is_none_or(|place| place < 2);
    }

    /// What a string says about others: the name of a `value`, or a command line flag before an argument.
    fn note(&mut self, string: &str, start: usize, end: usize) {
        let is_word = !string.contains(['=', ' ']);
        let is_shown = !string.is_empty() && string != MASK;
        if !self.is_object {
            self.next_secret = is_word && string.starts_with('-') && names::is_secret(string);
        }
        match (self.place, self.member) {
            (Some(0), _) => self.names_secret = is_word && names::is_secret(string),
            (Some(1), _) | (None, Member::Value) if is_shown => self.value = Some((start, end)),
            (None, Member::Naming) => self.names_secret |= names::is_secret(string),
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
