//! Masks secrets and personal data in a line, and leaves everything else as it was, byte by byte.
//!
//! A line that is JSON keeps its structure, the order of its members and the text of its numbers: only
//! strings change, and of those only the ones in which something was found.

mod base64;
mod home;
mod json;
mod names;
mod patterns;

use std::borrow::Cow;
use std::path::Path;

use serde_json::value::RawValue;

use crate::trace::Content;
use home::Homes;

/// What stands in for a secret.
const MASK: &str = "[redacted]";

/// How many JSON texts inside of strings of JSON texts are opened.
const NESTED: usize = 8;

/// How often a text is gone over: what one pattern leaves can be a match for another.
const ROUNDS: usize = 4;

/// Masks secrets, e-mail addresses and home folders.
///
/// * Strings of members whose names say secret (`apiKey`, `OPENAI_API_KEY`, `authorization` ...), with
///   everything below such a member: `[redacted]`. Numbers, booleans and `null` stay.
/// * Tokens of well-known shapes, wherever they stand in a string: `[redacted]`.
/// * E-mail addresses: `user@example.com`. Home folders: `/home/user`.
///
/// JSON in strings is gone over as well, and so is text in base64, in members whose names say so.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    homes: Homes,
}

impl Redactor {
    /// Knows no home folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Masks the home folder of this process, from `HOME` and `USERPROFILE`.
    pub fn from_env() -> Self {
        let homes = ["HOME", "USERPROFILE"].into_iter().filter_map(std::env::var_os);
        homes.fold(Self::new(), |redactor, home| redactor.home(Path::new(&home)))
    }

    /// Masks one more home folder, as it is named here and as it is named without symbolic links. A root
    /// folder and a relative path are not taken.
    #[must_use]
    pub fn home(mut self, path: &Path) -> Self {
        self.homes.add(path);
        self
    }

    /// A line or any other text, masked.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.string(text, 0).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// The content of a row, masked. Where something was found in bytes that are no UTF-8, the broken bytes
    /// around it become U+FFFD.
    pub fn content(&self, content: Content) -> Content {
        match content {
            Content::Line(line) => match self.string(&line, 0) {
                Some(masked) => Content::Line(masked),
                None => Content::Line(line),
            },
            Content::Bytes(bytes) => match self.string(&String::from_utf8_lossy(&bytes), 0) {
                Some(masked) => Content::Bytes(masked.into_bytes()),
                None => Content::Bytes(bytes),
            },
        }
    }

    /// `None` where nothing changes.
    fn string(&self, text: &str, depth: usize) -> Option<String> {
        let mut masked: Option<String> = None;
        for _ in 0..ROUNDS {
            match self.once(masked.as_deref().unwrap_or(text), depth) {
                Some(again) => masked = Some(again),
                None => break,
            }
        }
        masked
    }

    fn once(&self, text: &str, depth: usize) -> Option<String> {
        let first = text.trim_ascii_start().as_bytes().first();
        if depth < NESTED && matches!(first, Some(b'{' | b'[')) {
            self.values(text, depth)
        } else if depth < NESTED && first == Some(&b'"') && serde_json::from_str::<&RawValue>(text).is_ok() {
            json::redact(self, text, depth)
        } else {
            self.plain(text)
        }
    }

    /// One JSON value or several, and what follows that is none.
    fn values(&self, text: &str, depth: usize) -> Option<String> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        let mut masked = String::new();
        let (mut done, mut changed) = (0, false);
        while let Some(Ok(value)) = values.next() {
            let end = values.byte_offset();
            let start = end - value.get().len();
            let redacted = json::redact(self, value.get(), depth);
            changed |= redacted.is_some();
            masked.push_str(&text[done..start]);
            masked.push_str(redacted.as_deref().unwrap_or(value.get()));
            done = end;
        }
        let rest = self.plain(&text[done..]);
        changed |= rest.is_some();
        masked.push_str(rest.as_deref().unwrap_or(&text[done..]));
        changed.then_some(masked)
    }

    /// The textual patterns alone.
    fn plain(&self, text: &str) -> Option<String> {
        let homes = self.homes.mask(text);
        patterns::mask(homes.as_deref().unwrap_or(text)).or(homes)
    }
}
