//! Unions of plain strings and of objects whose single member names the arm.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{key, value};
use crate::text;

/// A union of strings and single-member objects.
pub trait External: Sized {
    /// What the union is called in error texts.
    const NAME: &'static str;
    /// The arms that are objects, by the name of their member.
    const ARMS: &'static [&'static str];

    /// The arm for a string, known or not.
    fn from_string(name: &str) -> Self;

    /// Reads the value of the member that names an arm of [`Self::ARMS`].
    fn from_member<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<Self, A::Error>;

    /// An arm that the bindings do not know.
    fn unrecognized(value: Value) -> Self;
}

/// Reads an externally tagged union.
pub fn external<'de, T: External, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(ExternalVisitor(PhantomData)).map(|Ready(value)| value)
}

struct Ready<T>(T);

impl<'de, T: External> Deserialize<'de> for Ready<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExternalVisitor(PhantomData))
    }
}

struct ExternalVisitor<T>(PhantomData<T>);

impl<'de, T: External> Visitor<'de> for ExternalVisitor<T> {
    type Value = Ready<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: a string or an object whose member names the arm", T::NAME)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Ready<T>, E> {
        Ok(Ready(T::from_string(name)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ready<T>, A::Error> {
        let Some(first) = key(&mut map)? else {
            return Err(A::Error::custom(format_args!("an empty object names no arm of {}", T::NAME)));
        };
        if T::ARMS.contains(&&*first) {
            let arm = T::from_member(&first, &mut map)?;
            while let Some(name) = key(&mut map)? {
                if name == first {
                    return Err(A::Error::custom(format_args!("duplicate field `{}`", &*name)));
                }
                super::skip(&mut map)?;
            }
            return Ok(Ready(arm));
        }
        let mut object = Map::new();
        object.insert(first.to_owned(), value(&mut map)?);
        while let Some(name) = key(&mut map)? {
            object.insert(name.to_owned(), value(&mut map)?);
        }
        reorder(object)
    }
}

/// The first member is not an arm: one of the others may be, else the object is kept.
#[cold]
fn reorder<T: External, E: Error>(mut object: Map<String, Value>) -> Result<Ready<T>, E> {
    match T::ARMS.iter().find_map(|arm| object.remove_entry(*arm)) {
        Some((arm, value)) => {
            let text = serde_json::to_string(&Map::from_iter([(arm, value)])).map_err(E::custom)?;
            text::reread(&text)
        }
        None => Ok(Ready(T::unrecognized(Value::Object(object)))),
    }
}
