//! What a line of the traffic is, read from the members that say so.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The members of a JSON-RPC message, as they stand in the line. A line whose members occur twice, or whose
/// `id` is neither an integer nor a string, is no message, as for codex.
#[derive(Deserialize)]
pub(super) struct Head<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "even_null")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// A message, or a line that is none.
pub(super) enum Message<'a> {
    Request { id: &'a RawValue, method: Cow<'a, str>, params: Option<&'a RawValue> },
    Notification { method: Cow<'a, str>, params: Option<&'a RawValue> },
    Answer { id: &'a RawValue, result: Option<&'a RawValue>, error: Option<&'a RawValue> },
    Other,
}

impl<'a> Message<'a> {
    pub(super) fn read(line: &'a str) -> Self {
        let Ok(head) = serde_json::from_str::<Head<'a>>(line) else { return Self::Other };
        match head {
            Head { id: Some(id), .. } if !is_id(id) => Self::Other,
            Head { id: Some(id), method: Some(method), params, .. } => Self::Request { id, method, params },
            Head { id: None, method: Some(method), params, .. } => Self::Notification { method, params },
            Head { id: Some(id), result, error, .. } if result.is_some() || error.is_some() => {
                Self::Answer { id, result, error }
            }
            _ => Self::Other,
        }
    }
}

/// A result of `null` is a result.
fn even_null<'de: 'a, 'a, D: serde::Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}

fn is_id(id: &RawValue) -> bool {
    id.get().starts_with('"') || id.get().parse::<i64>().is_ok()
}

/// The text of an id, in which equal ids are equal: a string is written without needless escapes.
pub(super) fn id_text(id: &RawValue) -> String {
    let text = || serde_json::from_str::<String>(id.get()).ok();
    text().map_or_else(|| id.get().to_owned(), |text| serde_json::Value::from(text).to_string())
}

/// The line with another id. `id` is a part of the line.
pub(super) fn with_id(line: &str, id: &RawValue, other: &str) -> String {
    let start = id.get().as_ptr().addr() - line.as_ptr().addr();
    format!("{}{other}{}", &line[..start], &line[start + id.get().len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_alone_is_replaced() {
        for (line, expected) in [
            (r#"{"id":1,"result":{"id":1}}"#, r#"{"id":"x","result":{"id":1}}"#),
            (r#"{"error":{"code":1},"id" : "1"}"#, r#"{"error":{"code":1},"id" : "x"}"#),
        ] {
            let Message::Answer { id, .. } = Message::read(line) else { panic!("{line}") };
            assert_eq!(with_id(line, id, r#""x""#), expected);
        }
    }

    #[test]
    fn messages_are_told_apart() {
        let kind = |line| match Message::read(line) {
            Message::Request { .. } => "request",
            Message::Notification { .. } => "notification",
            Message::Answer { .. } => "answer",
            Message::Other => "other",
        };
        assert_eq!(kind(r#"{"id":"a","method":"m"}"#), "request");
        assert_eq!(kind(r#"{"method":"m","id":null}"#), "notification");
        assert_eq!(kind(r#"{"id":0,"result":null}"#), "answer");
        assert_eq!(kind(r#"{"id":0,"error":{}}"#), "answer");
        for line in ["", "[]", "{}", r#"{"id":1}"#, r#"{"id":1.5,"method":"m"}"#, "{\"method\":\"m\"} x"] {
            assert_eq!(kind(line), "other", "{line}");
        }
    }

    #[test]
    fn equal_ids_have_equal_texts() {
        let text = |json: &str| id_text(&RawValue::from_string(json.to_owned()).expect("JSON"));
        assert_eq!(text(r#""\u0061""#), text(r#""a""#));
        assert_ne!(text("0"), text(r#""0""#));
    }
}
