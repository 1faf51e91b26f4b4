//! Captures any value as JSON text, so that it can be read again in another order.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::de::Key;
use crate::path;
use crate::reorder::{self, Refused};

/// One value as JSON text. With serde_json this is a scan without any decoding, and where the input is text
/// it is borrowed from there; other formats go through a [`Value`].
pub(crate) struct Text<'de>(Key<'de>);

impl Text<'_> {
    pub(crate) fn get(&self) -> &str {
        &self.0
    }

    /// Appends the text with all its tags in front, as a value `levels` below the top.
    pub(crate) fn push_tags_first<E: de::Error>(&self, out: &mut String, levels: usize) -> Result<(), E> {
        reorder::push(out, self.get(), levels).map_err(|refused| match refused {
            Refused::TooDeep => too_deep(),
            Refused::Malformed => E::custom("captured text is no JSON"),
        })
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = raw_name();
        deserializer.deserialize_newtype_struct(name, TextVisitor { name }).map(Self)
    }
}

/// Appends a string as JSON text.
pub(crate) fn push_quoted<E: de::Error>(out: &mut String, text: &str) -> Result<(), E> {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::to_string(text).map_err(E::custom)?);
    }
    Ok(())
}

/// Reads text that was captured out of a larger document. An error keeps the path within that text, for
/// [`DecodeError::locate`](crate::DecodeError::locate) to join.
pub(crate) fn reread<'t, T: Deserialize<'t>, E: de::Error>(text: &'t str) -> Result<T, E> {
    if path::depth(text) > reorder::MAX_DEPTH {
        return Err(too_deep());
    }
    reread_shallow(text)
}

/// The same for text that is known not to nest too deep.
pub(crate) fn reread_shallow<'t, T: Deserialize<'t>, E: de::Error>(text: &'t str) -> Result<T, E> {
    serde_json::from_str(text).map_err(|error| nested_error(text, &error))
}

#[cold]
fn nested_error<E: de::Error>(text: &str, error: &serde_json::Error) -> E {
    E::custom(path::nested_message(text, error))
}

#[cold]
fn too_deep<E: de::Error>() -> E {
    E::custom("recursion limit exceeded")
}

/// The name under which serde_json knows raw JSON: what [`RawValue`] asks its deserializer for.
fn raw_name() -> &'static str {
    match <&RawValue>::deserialize(NameProbe) {
        Err(Name(name)) => name,
        Ok(_) => "",
    }
}

/// A deserializer that only tells what name it was asked for.
struct NameProbe;

#[derive(Debug)]
struct Name(&'static str);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Name {}

impl de::Error for Name {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("")
    }
}

impl<'de> Deserializer<'de> for NameProbe {
    type Error = Name;

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, _: V) -> Result<V::Value, Name> {
        Err(Name(name))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Name> {
        Err(Name(""))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Takes the raw text that serde_json offers, and writes as text what any other format offers.
struct TextVisitor {
    name: &'static str,
}

impl TextVisitor {
    fn write<'de, E: de::Error>(value: impl Into<Value>) -> Result<Key<'de>, E> {
        serde_json::to_string(&value.into()).map(Key::owned).map_err(E::custom)
    }
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    /// Raw text comes as a map of one entry with the name that was asked for.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Key<'de>, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            if &*key == self.name {
                return map.next_value();
            }
            object.insert(key.to_owned(), map.next_value()?);
        }
        Self::write(object)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key<'de>, D::Error> {
        Self::write(Value::deserialize(deserializer)?)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Key<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Value>()? {
            items.push(item);
        }
        Self::write(items)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Key<'de>, E> {
        Self::write(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Key<'de>, E> {
        Self::write(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Key<'de>, E> {
        Self::write(value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Key<'de>, E> {
        Self::write(value)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Key<'de>, E> {
        Self::write(value)
    }

    fn visit_none<E: de::Error>(self) -> Result<Key<'de>, E> {
        Self::write(Value::Null)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Key<'de>, E> {
        Self::write(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key<'de>, D::Error> {
        self.visit_newtype_struct(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use std::iter::once;

    use serde::de::value::MapDeserializer;

    use super::*;

    #[test]
    fn json_text_is_taken_as_it_stands() {
        let text: Text<'_> = serde_json::from_str("{\"a\" : [1,  1.50]}").unwrap();
        assert_eq!(text.get(), "{\"a\" : [1,  1.50]}");
    }

    #[test]
    fn any_other_deserializer_goes_through_a_value() {
        let value = serde_json::json!({"b": [1, null]});
        let text = Text::deserialize(value).unwrap();
        assert_eq!(text.get(), r#"{"b":[1,null]}"#);
        let foreign = MapDeserializer::<_, de::value::Error>::new(once(("k", "v")));
        assert_eq!(Text::deserialize(foreign).unwrap().get(), r#"{"k":"v"}"#);
    }

    #[test]
    fn reading_again_does_not_reset_the_depth_limit_to_infinity() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let error = reread::<Value, serde_json::Error>(&deep).unwrap_err();
        assert_eq!(error.to_string(), "recursion limit exceeded");
    }
}
