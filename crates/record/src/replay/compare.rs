//! Compares what a client sends with what the trace holds.

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use crate::Redactor;

/// What the redactor puts in the place of a secret, an address or a home folder: it matches any text.
const MASKS: [&str; 4] = ["[redacted]", "user@example.com", "/home/user", "%2Fhome%2Fuser"];

/// How many characters of a value are shown.
const SHOWN: usize = 120;

/// A place where a message differs from the trace.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// Where, as a JSON pointer into the params or the answer.
    pub pointer: String,
    /// What the trace has there; none where it has nothing.
    pub expected: Option<Value>,
    /// What the client sent; none where it sent nothing.
    pub sent: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "as a whole" } else { &self.pointer };
        let name = self.pointer.rsplit('/').next().unwrap_or_default();
        let shown = |value: &Option<Value>| shown(name, value.as_ref());
        write!(f, "{place}: the trace has {}, the client sent {}", shown(&self.expected), shown(&self.sent))
    }
}

/// A value as it may be shown: short, and without secrets.
fn shown(name: &str, value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    // The redactor goes by the name of the member.
    let whole = serde_json::json!({ name: value }).to_string();
    let whole = Redactor::from_env().text(&whole).into_owned();
    let masked = serde_json::from_str::<Value>(&whole).ok();
    let masked = masked.and_then(|whole| Some(whole.as_object()?.values().next()?.to_string()));
    let text = masked.unwrap_or_else(|| "a value".to_owned());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Values that the client makes and the server repeats: the one of the trace → the one of this run.
pub(super) type Aliases = HashMap<String, String>;

/// How a message compares with the trace.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) differences: Vec<Difference>,
    /// Ids that the client made anew.
    pub(super) aliases: Vec<(String, String)>,
}

/// Compares values: the aliases are applied, and masks match any text. `made_by_server` says whether the
/// server of the trace told the client an id; the client makes no other one of those.
pub(super) fn compare(
    expected: &Value,
    sent: &Value,
    aliases: &Aliases,
    made_by_server: impl Fn(&str) -> bool,
) -> Comparison {
    let mut walk = Walk { aliases, made_by_server, pointer: String::new(), found: Comparison::default() };
    walk.values("", expected, sent);
    walk.found
}

struct Walk<'a, F> {
    aliases: &'a Aliases,
    made_by_server: F,
    pointer: String,
    found: Comparison,
}

impl<F: Fn(&str) -> bool> Walk<'_, F> {
    fn values(&mut self, name: &str, expected: &Value, sent: &Value) {
        match (expected, sent) {
            (Value::Object(expected), Value::Object(sent)) => {
                for (name, value) in expected {
                    self.step(name, |walk| walk.member(name, Some(value), sent.get(name)));
                }
                for (name, value) in sent.iter().filter(|(name, _)| !expected.contains_key(*name)) {
                    self.step(name, |walk| walk.member(name, None, Some(value)));
                }
            }
            (Value::Array(expected), Value::Array(sent)) if expected.len() == sent.len() => {
                for (index, (expected, sent)) in expected.iter().zip(sent).enumerate() {
                    self.step(&index.to_string(), |walk| walk.values(name, expected, sent));
                }
            }
            (Value::String(expected), Value::String(sent)) if self.texts(name, expected, sent) => {}
            (Value::Number(a), Value::Number(b)) if a == b || a.as_f64() == b.as_f64() => {}
            (expected, sent) if expected == sent => {}
            (expected, sent) => self.differ(Some(expected), Some(sent)),
        }
    }

    fn member(&mut self, name: &str, expected: Option<&Value>, sent: Option<&Value>) {
        match (expected, sent) {
            (Some(expected), Some(sent)) => self.values(name, expected, sent),
            (expected, sent) => self.differ(expected, sent),
        }
    }

    fn texts(&mut self, name: &str, expected: &str, sent: &str) -> bool {
        if let Some(alias) = self.aliases.get(expected) {
            return alias == sent;
        }
        if expected == sent || is_masked(expected, sent) {
            return true;
        }
        let is_new = is_id_name(name) && !expected.is_empty() && !(self.made_by_server)(expected);
        let known = self.found.aliases.iter().find(|(known, _)| known == expected);
        match known {
            Some((_, alias)) => alias == sent,
            None if is_new => {
                self.found.aliases.push((expected.to_owned(), sent.to_owned()));
                true
            }
            None => false,
        }
    }

    fn differ(&mut self, expected: Option<&Value>, sent: Option<&Value>) {
        let pointer = self.pointer.clone();
        let difference = Difference { pointer, expected: expected.cloned(), sent: sent.cloned() };
        self.found.differences.push(difference);
    }

    fn step(&mut self, name: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        walk(self);
        self.pointer.truncate(length);
    }
}

/// A line in which members that hold ids have the aliases of these.
pub(super) fn renamed(line: &str, aliases: &Aliases) -> String {
    let (bytes, mut out) = (line.as_bytes(), String::with_capacity(line.len()));
    let (mut done, mut at, mut is_id) = (0, 0, false);
    while let Some(start) = memchr::memchr(b'"', &bytes[at..]).map(|found| at + found) {
        let mut end = start + 1;
        while let Some(found) = bytes.get(end..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
            end += found + 1;
            if bytes[end - 1] == b'"' {
                break;
            }
            end += 1;
        }
        at = end.min(bytes.len());
        let Ok(text) = serde_json::from_str::<String>(&line[start..at]) else { continue };
        if line[at..].trim_start().starts_with(':') {
            is_id = is_id_name(&text);
        } else if let Some(alias) = aliases.get(&text).filter(|_| is_id) {
            out.push_str(&line[done..start]);
            out.push_str(&Value::from(alias.as_str()).to_string());
            done = at;
        }
    }
    out.push_str(&line[done..]);
    out
}

/// Members that hold ids, some of which clients make: `clientUserMessageId`, `processHandle`, `watchId`.
fn is_id_name(name: &str) -> bool {
    name == "id" || ["Id", "Ids", "_id", "_ids", "Handle"].iter().any(|end| name.ends_with(end))
}

/// Whether the text of the trace has masks, and the other text fits around them.
fn is_masked(masked: &str, text: &str) -> bool {
    let mut parts = vec![masked];
    for mask in MASKS {
        parts = parts.into_iter().flat_map(|part| part.split(mask)).collect();
    }
    let [first, middle @ .., last] = &parts[..] else { return false };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(expected: Value, sent: Value) -> Vec<String> {
        let found = compare(&expected, &sent, &Aliases::new(), |_| true);
        found.differences.iter().map(|difference| difference.pointer.clone()).collect()
    }

    #[test]
    fn differences_have_pointers() {
        let expected = json!({"a": [1, {"b/c": "x"}], "n": 1, "gone": true, "list": [1]});
        let sent = json!({"a": [1, {"b/c": "y"}], "n": 1.0, "new": null, "list": []});
        assert_eq!(pointers(expected, sent), ["/a/1/b~1c", "/gone", "/list", "/new"]);
        assert_eq!(pointers(json!([]), json!({})), [""]);
    }

    #[test]
    fn masks_match_any_text() {
        for (expected, sent) in [
            ("[redacted]", "sk-1"),
            ("Bearer [redacted]", "Bearer abc"),
            ("/home/user/x", "/root/x"),
            ("from user@example.com in /home/user/a.txt", "from me@here in /home/me/a.txt"),
        ] {
            assert_eq!(pointers(json!(expected), json!(sent)), [""; 0], "{expected}");
        }
        assert_eq!(pointers(json!("Bearer [redacted]"), json!("Basic abc")), [""]);
        assert_eq!(pointers(json!("/home/user/x"), json!("/root/y")), [""]);
        assert_eq!(pointers(json!("a[redacted]a"), json!("a")), [""]);
    }

    #[test]
    fn ids_of_the_client_may_change_and_those_of_the_server_may_not() {
        let compare = |expected: Value, sent: Value, aliases: &Aliases| {
            compare(&expected, &sent, aliases, |id| id == "thread-1")
        };
        let found = compare(
            json!({"watchId": "w", "path": "p"}),
            json!({"watchId": "v", "path": "p"}),
            &Aliases::new(),
        );
        assert_eq!(found.differences, []);
        assert_eq!(found.aliases, [("w".to_owned(), "v".to_owned())]);
        let aliases = Aliases::from_iter(found.aliases);
        assert_eq!(compare(json!({"watchId": "w"}), json!({"watchId": "v"}), &aliases).differences, []);
        assert_eq!(compare(json!({"watchId": "w"}), json!({"watchId": "u"}), &aliases).differences.len(), 1);
        let other = compare(json!({"threadId": "thread-1"}), json!({"threadId": "thread-2"}), &aliases);
        assert_eq!(other.differences.len(), 1);
    }

    #[test]
    fn aliases_stand_for_whole_ids_only() {
        let aliases =
            Aliases::from_iter([("a", "b"), ("b", "a\"")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        let line = r#"{"id":"a", "text":"a","watchId" : "b","ids":"x","xIds":["a","c"],"n":{"id":"\u0061"},"d":"\"a\""}"#;
        let expected = r#"{"id":"b", "text":"a","watchId" : "a\"","ids":"x","xIds":["b","c"],"n":{"id":"b"},"d":"\"a\""}"#;
        assert_eq!(renamed(line, &aliases), expected);
        assert_eq!(renamed(r#"no "JSON \"#, &aliases), r#"no "JSON \"#);
    }

    #[test]
    fn secrets_are_not_shown() {
        let found = compare(&json!({"apiKey": "one"}), &json!({"apiKey": "two"}), &Aliases::new(), |_| true);
        let shown = found.differences[0].to_string();
        assert_eq!(shown, r#"/apiKey: the trace has "[redacted]", the client sent "[redacted]""#);
    }
}
