//! Captures any value as JSON text, so that it can be read again in another order.

use std::fmt;
use std::iter::once;

use serde::de::value::MapDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::path;

/// serde_json refuses deeper nesting; text that is read again starts to count anew, so it is checked here.
const MAX_DEPTH: usize = 127;

/// One value as JSON text. With serde_json this is a scan without any decoding; other formats go
/// through a [`Value`].
pub(crate) struct Text(Box<RawValue>);

impl Text {
    pub(crate) fn get(&self) -> &str {
        self.0.get()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(Probe(deserializer)).map(Self)
    }
}

/// A string as JSON text.
pub(crate) fn quoted<E: de::Error>(text: &str) -> Result<String, E> {
    serde_json::to_string(text).map_err(E::custom)
}

/// Reads text that was captured out of a larger document. An error keeps the path within that text, for
/// [`DecodeError::locate`](crate::DecodeError::locate) to join.
pub(crate) fn reread<'t, T: Deserialize<'t>, E: de::Error>(text: &'t str) -> Result<T, E> {
    if path::depth(text) > MAX_DEPTH {
        return Err(E::custom("recursion limit exceeded"));
    }
    serde_json::from_str(text).map_err(|error| nested_error(text, &error))
}

#[cold]
fn nested_error<E: de::Error>(text: &str, error: &serde_json::Error) -> E {
    E::custom(path::nested_message(text, error))
}

/// Asks the format for raw JSON by the name serde_json knows it by, and takes a value where it does not.
struct Probe<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Probe<D> {
    type Error = D::Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let text = self.0.deserialize_newtype_struct(name, TextVisitor { name })?;
        visitor.visit_map(MapDeserializer::new(once((name, text))))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
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
    fn write<E: de::Error>(value: impl Into<Value>) -> Result<String, E> {
        serde_json::to_string(&value.into()).map_err(E::custom)
    }
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    /// Raw text comes as a map of one entry with the name that was asked for.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == self.name {
                return map.next_value();
            }
            object.insert(key, map.next_value()?);
        }
        Self::write(object)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        Self::write(Value::deserialize(deserializer)?)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<String, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Value>()? {
            items.push(item);
        }
        Self::write(items)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<String, E> {
        Self::write(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<String, E> {
        Self::write(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<String, E> {
        Self::write(value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<String, E> {
        Self::write(value)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<String, E> {
        Self::write(value)
    }

    fn visit_none<E: de::Error>(self) -> Result<String, E> {
        Self::write(Value::Null)
    }

    fn visit_unit<E: de::Error>(self) -> Result<String, E> {
        Self::write(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        self.visit_newtype_struct(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_text_is_taken_as_it_stands() {
        let text: Text = serde_json::from_str("{\"a\" : [1,  1.50]}").unwrap();
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
