//! The head of a message: what has to be known of it to pass it on.

use codex_appserver_wire::RequestId;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::value::RawValue;

/// What a message says about itself. The rest is read past.
#[derive(Deserialize)]
pub struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(default)]
    result: Presence,
    #[serde(default)]
    error: Presence,
}

/// Whether a member is there; `null` is.
#[derive(Default)]
struct Presence(bool);

impl<'de> Deserialize<'de> for Presence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

/// What a message is.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    Request(RequestId),
    Answer(RequestId),
    Notification,
    /// No message of the protocol: the app-server passes it over.
    Other,
}

impl<'a> Head<'a> {
    /// Reads a message. `None`: it is no JSON object, or one with a member twice.
    pub fn read(message: &'a str) -> Option<Self> {
        serde_json::from_str(message).ok()
    }

    pub fn kind(&self) -> Kind {
        let id = self.id.and_then(|id| serde_json::from_str(id.get()).ok());
        let is_answer = self.result.0 || self.error.0;
        match (id, self.method) {
            (Some(id), Some(_)) => Kind::Request(id),
            (Some(id), None) if is_answer => Kind::Answer(id),
            (None, Some(_)) if self.id.is_none() => Kind::Notification,
            _ => Kind::Other,
        }
    }

    pub fn is_error(&self) -> bool {
        self.error.0
    }

    pub fn is_method(&self, name: &str) -> bool {
        self.method.and_then(|method| serde_json::from_str::<String>(method.get()).ok()).as_deref()
            == Some(name)
    }

    /// The message with another id. It must be the one that this head was read from.
    pub fn with_id(&self, message: &str, id: &RequestId) -> String {
        self.id.map_or_else(|| message.to_owned(), |old| replaced(message, old, id))
    }

    /// The request that `serverRequest/resolved` is about, and how the message says it.
    pub fn resolved(&self) -> Option<Resolved<'a>> {
        #[derive(Deserialize)]
        struct Params<'a> {
            #[serde(rename = "requestId", borrow)]
            request: &'a RawValue,
        }
        if !self.is_method("serverRequest/resolved") {
            return None;
        }
        let params: Params<'a> = serde_json::from_str(self.params?.get()).ok()?;
        Some(Resolved { id: serde_json::from_str(params.request.get()).ok()?, raw: params.request })
    }
}

/// A request of the server that needs no answer any more.
pub struct Resolved<'a> {
    pub id: RequestId,
    raw: &'a RawValue,
}

impl Resolved<'_> {
    /// The message with another id. It must be the one that this was read from.
    pub fn with_id(&self, message: &str, id: &RequestId) -> String {
        replaced(message, self.raw, id)
    }
}

/// The message with another value in the place of one that was borrowed from it.
fn replaced(message: &str, old: &RawValue, id: &RequestId) -> String {
    let start = old.get().as_ptr() as usize - message.as_ptr() as usize;
    let (before, after) = (&message[..start], &message[start + old.get().len()..]);
    let id = match id {
        RequestId::Integer(id) => id.to_string(),
        RequestId::String(id) => serde_json::Value::from(id.as_str()).to_string(),
    };
    format!("{before}{id}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(message: &str) -> Kind {
        Head::read(message).map_or(Kind::Other, |head| head.kind())
    }

    #[test]
    fn tells_what_a_message_is() {
        for (message, expected) in [
            (r#"{"id":1,"method":"m","params":{"id":2}}"#, Kind::Request(1.into())),
            (r#"{"method":"m","id":"a\u0062"}"#, Kind::Request("ab".to_owned().into())),
            (r#"{"id":1,"result":{}}"#, Kind::Answer(1.into())),
            (r#"{"error":{"code":1,"message":""},"id":"x"}"#, Kind::Answer("x".to_owned().into())),
            (r#"{"result":null,"id":-7}"#, Kind::Answer((-7).into())),
            (r#"{"method":"m","params":{"id":2},"emittedAtMs":1}"#, Kind::Notification),
            (r#"{"id":1.5,"method":"m"}"#, Kind::Other),
            (r#"{"id":1}"#, Kind::Other),
            (r#"{"id":1,"method":"m""#, Kind::Other),
            (r#"{"id":1,"id":2,"method":"m"}"#, Kind::Other),
            ("[]", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(kind(message), expected, "{message}");
        }
    }

    #[test]
    fn ids_are_replaced_where_they_stand() {
        let message = r#"{"params":{"id":5}, "id" : 5 ,"method":"m"}"#;
        let head = Head::read(message).expect("a message");
        let changed = head.with_id(message, &RequestId::String("a\"b".into()));
        assert_eq!(changed, r#"{"params":{"id":5}, "id" : "a\"b" ,"method":"m"}"#);
        let message = r#"{"method":"serverRequest/resolved","params":{"threadId":"t","requestId":0}}"#;
        let resolved = Head::read(message).and_then(|head| head.resolved()).expect("a notification");
        assert_eq!(resolved.id, 0.into());
        let changed = resolved.with_id(message, &12.into());
        assert_eq!(
            changed,
            r#"{"method":"serverRequest/resolved","params":{"threadId":"t","requestId":12}}"#
        );
    }
}
