//! Unions whose arm is told by the JSON type of the value, such as a string or a list of strings.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use crate::IntegerEnum;

/// A union told by JSON type. A type that no arm has is an error.
pub trait ByType: Sized {
    /// What is expected, in words.
    const EXPECTED: &'static str;

    /// The arm for a string.
    fn string(_: &str) -> Option<Self> {
        None
    }

    /// The arm for an integer.
    fn integer(_: i64) -> Option<Self> {
        None
    }

    /// The arm for a number.
    fn number(_: f64) -> Option<Self> {
        None
    }

    /// The arm for a boolean.
    fn boolean(_: bool) -> Option<Self> {
        None
    }

    /// The arm for an array; `None` where there is none.
    fn array<'de, A: SeqAccess<'de>>(_: A) -> Result<Option<Self>, A::Error> {
        Ok(None)
    }

    /// The arm for an object; `None` where there is none.
    fn object<'de, A: MapAccess<'de>>(_: A) -> Result<Option<Self>, A::Error> {
        Ok(None)
    }
}

/// Reads a union told by JSON type.
pub fn by_type<'de, T: ByType, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(ByTypeVisitor(PhantomData))
}

/// The value of an arm that is an enum of integers; none beyond its format.
pub fn integer_value<T: IntegerEnum>(value: i64) -> Option<T> {
    T::Repr::try_from(value).ok().map(T::from_wire)
}

/// Reads the array of an array arm.
pub fn array_of<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(seq: A) -> Result<T, A::Error> {
    T::deserialize(SeqAccessDeserializer::new(seq))
}

/// Reads the object of an object arm.
pub fn object_of<'de, T: Deserialize<'de>, A: MapAccess<'de>>(map: A) -> Result<T, A::Error> {
    T::deserialize(MapAccessDeserializer::new(map))
}

struct ByTypeVisitor<T>(PhantomData<T>);

impl<'de, T: ByType> Visitor<'de> for ByTypeVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        T::string(value).ok_or_else(|| E::invalid_type(Unexpected::Str(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        T::integer(value)
            .or_else(|| T::number(value as f64))
            .ok_or_else(|| E::invalid_type(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        i64::try_from(value)
            .ok()
            .and_then(T::integer)
            .or_else(|| T::number(value as f64))
            .ok_or_else(|| E::invalid_type(Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        T::number(value).ok_or_else(|| E::invalid_type(Unexpected::Float(value), &self))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        T::boolean(value).ok_or_else(|| E::invalid_type(Unexpected::Bool(value), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::array(seq)?.ok_or_else(|| A::Error::invalid_type(Unexpected::Seq, &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::object(map)?.ok_or_else(|| A::Error::invalid_type(Unexpected::Map, &self))
    }
}
