//! The shallow scan of a line: what decides where it goes, and no more.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use codex_appserver_wire::RequestId;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What a line says about itself. The payload stays text.
#[derive(Debug, Default)]
pub(crate) struct Head<'a> {
    pub(crate) id: Option<RequestId>,
    pub(crate) method: Option<Cow<'a, str>>,
    pub(crate) scope: Scope<'a>,
    pub(crate) result: Option<&'a RawValue>,
    pub(crate) error: Option<&'a RawValue>,
}

/// What the params, or a result, are about.
#[derive(Debug, Default)]
pub(crate) struct Scope<'a> {
    pub(crate) thread: Option<Cow<'a, str>>,
    /// The thread that started this one as its sub-agent.
    pub(crate) parent_thread: Option<Cow<'a, str>>,
    pub(crate) turn: Option<Cow<'a, str>>,
    /// The turn that this one is part of, where the two differ: `turn/started` of a review.
    pub(crate) root_turn: Option<Cow<'a, str>>,
    /// The server request that `serverRequest/resolved` is about.
    pub(crate) request: Option<RequestId>,
}

/// Scans a line, which must be one JSON object and nothing else.
pub(crate) fn scan(line: &str) -> Result<Head<'_>, serde_json::Error> {
    serde_json::from_str(line)
}

/// Scans a result for what it is about.
pub(crate) fn scope_of_result(result: &str) -> Scope<'_> {
    serde_json::from_str::<Lenient<Scope<'_>>>(result)
        .map_or_else(|_| Scope::default(), |Lenient(scope)| scope)
}

/// The id at the very beginning of an answer that cannot be read as a whole: `{"id":17,…`.
pub(crate) fn leading_id(line: &[u8]) -> Option<i64> {
    let digits = line.strip_prefix(b"{\"id\":")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    let next = &digits[end..];
    if !next.starts_with(b",\"result\"") && !next.starts_with(b",\"error\"") {
        return None;
    }
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

/// The id of a call that this client has written.
pub(crate) fn call_id(line: &str) -> Option<i64> {
    match scan(line).ok()? {
        Head { id: Some(RequestId::Integer(id)), method: Some(_), .. } => Some(id),
        _ => None,
    }
}

impl Head<'_> {
    /// Whether it is a request, a notification or an answer.
    pub(crate) fn is_message(&self) -> bool {
        self.method.is_some() || (self.id.is_some() && (self.result.is_some() || self.error.is_some()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Head<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadVisitor)
    }
}

struct HeadVisitor;

impl<'de> Visitor<'de> for HeadVisitor {
    type Value = Head<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON-RPC message object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head<'de>, A::Error> {
        let mut head = Head::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "id" => head.id = map.next_value()?,
                "method" if head.method.is_some() => return Err(A::Error::duplicate_field("method")),
                "method" => head.method = map.next_value::<Option<Text<'de>>>()?.map(|method| method.0),
                "params" => head.scope = lenient(&mut map)?,
                "result" => head.result = Some(map.next_value()?),
                "error" => head.error = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(head)
    }
}

/// A string that must be one, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// What can be picked out of any JSON value: whether a message has the right shape is judged where it is
/// decoded, not here.
trait Pick<'de>: Default {
    /// The value is a string.
    fn text(_text: Cow<'de, str>) -> Self {
        Self::default()
    }

    /// The value is an integer.
    fn integer(_integer: i64) -> Self {
        Self::default()
    }

    /// The value is an object with this member.
    fn member<A: MapAccess<'de>>(&mut self, _key: &str, map: &mut A) -> Result<(), A::Error> {
        map.next_value::<IgnoredAny>().map(drop)
    }
}

fn lenient<'de, T: Pick<'de>, A: MapAccess<'de>>(map: &mut A) -> Result<T, A::Error> {
    map.next_value::<Lenient<T>>().map(|Lenient(picked)| picked)
}

impl<'de> Pick<'de> for Option<Cow<'de, str>> {
    fn text(text: Cow<'de, str>) -> Self {
        Some(text)
    }
}

impl<'de> Pick<'de> for Option<RequestId> {
    fn text(text: Cow<'de, str>) -> Self {
        Some(RequestId::String(text.into_owned()))
    }

    fn integer(integer: i64) -> Self {
        Some(RequestId::Integer(integer))
    }
}

/// Legacy requests call the thread a conversation, a detached review names the thread it opens.
impl<'de> Pick<'de> for Scope<'de> {
    fn member<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "threadId" | "conversationId" | "reviewThreadId" => self.thread = lenient(map)?,
            "turnId" => self.turn = lenient(map)?,
            "requestId" => self.request = lenient(map)?,
            "thread" => {
                let nested: Nested<'de> = lenient(map)?;
                (self.thread, self.parent_thread) = (nested.id, nested.belongs_to);
            }
            "turn" => {
                let nested: Nested<'de> = lenient(map)?;
                (self.turn, self.root_turn) = (nested.id, nested.belongs_to);
            }
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

/// A thread or a turn inside params, and the one it belongs to.
#[derive(Default)]
struct Nested<'a> {
    id: Option<Cow<'a, str>>,
    belongs_to: Option<Cow<'a, str>>,
}

impl<'de> Pick<'de> for Nested<'de> {
    fn member<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = lenient(map)?,
            "rootTurnId" | "parentThreadId" => self.belongs_to = lenient(map)?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

/// Reads any value and picks what it can.
struct Lenient<T>(T);

impl<'de, T: Pick<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PickVisitor(PhantomData)).map(Lenient)
    }
}

struct PickVisitor<T>(PhantomData<T>);

impl<'de, T: Pick<'de>> Visitor<'de> for PickVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        Ok(T::text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<T, E> {
        Ok(T::integer(integer))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<T, E> {
        Ok(i64::try_from(integer).map_or_else(|_| T::default(), T::integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut picked = T::default();
        while let Some(Text(key)) = map.next_key()? {
            picked.member(&key, &mut map)?;
        }
        Ok(picked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_notification_is_about() {
        let line = r#"{"method":"turn/started","params":{"threadId":"t","turn":{"id":"inner","rootTurnId":"outer","items":[1,{"id":"x"}]}},"emittedAtMs":1}"#;
        let head = scan(line).expect("an object");
        assert_eq!(head.method.as_deref(), Some("turn/started"));
        let Scope { thread, turn, root_turn, .. } = head.scope;
        assert_eq!([thread, turn, root_turn].map(|text| text.unwrap_or_default()), ["t", "inner", "outer"]);
        let line = r#"{"params":{"thread":{"parentThreadId":"p","id":"\u0074"}},"method":"thread/started"}"#;
        let scope = scan(line).expect("an object").scope;
        assert_eq!((scope.thread.as_deref(), scope.parent_thread.as_deref()), (Some("t"), Some("p")));
    }

    #[test]
    fn takes_what_has_another_shape_as_nothing() {
        for params in
            ["null", "[1,[2]]", "7", "1e300", "\"x\"", r#"{"threadId":{"a":[]},"turn":3,"thread":[]}"#]
        {
            let line = format!(r#"{{"method":"m","params":{params}}}"#);
            let scope = scan(&line).expect(&line).scope;
            assert!(scope.thread.is_none() && scope.turn.is_none(), "{line}: {scope:?}");
        }
    }

    #[test]
    fn tells_what_is_no_message() {
        for line in ["", "[]", "{}{}", "{\"id\":1", "{\"id\":1.5}", "\"x\"", r#"{"method":"a","method":"b"}"#]
        {
            assert!(scan(line).is_err(), "{line}");
        }
    }

    #[test]
    fn keeps_results_as_text() {
        let head = scan(r#"{"id":"s","result":{"b": [1, 2]}}"#).expect("an object");
        assert_eq!(head.id, Some("s".into()));
        assert_eq!(head.result.expect("a result").get(), r#"{"b": [1, 2]}"#);
        assert_eq!(scope_of_result(r#"{"thread":{"id":"t"}}"#).thread.as_deref(), Some("t"));
        assert_eq!(scope_of_result(r#"{"turn":{},"reviewThreadId":"r"}"#).thread.as_deref(), Some("r"));
        assert!(scope_of_result("[").thread.is_none());
    }

    #[test]
    fn finds_the_id_of_a_broken_answer() {
        assert_eq!(leading_id(br#"{"id":17,"result":{"a"#), Some(17));
        let others: [&[u8]; 6] = [
            b"{\"id\":17",
            b"{\"id\":17.5,\"result\"",
            b"{\"id\":-1,\"result\"",
            b"{\"id\":17,\"method\"",
            b"{\"method\":1",
            b"",
        ];
        for line in others {
            assert_eq!(leading_id(line), None);
        }
    }
}
