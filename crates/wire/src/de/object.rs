//! Structs: objects with known members.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::{key, required, skip, value};

/// A type that is an object on the wire.
pub trait Object: Sized {
    /// What the type is called in error texts.
    const NAME: &'static str;

    /// Reads the members, in any order.
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
}

impl<T: Object> Object for Box<T> {
    const NAME: &'static str = T::NAME;

    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        T::from_map(map).map(Box::new)
    }
}

/// Reads an object.
pub fn object<'de, T: Object, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} object", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_map(map)
    }
}

/// Reads an object without known members; `null` is one too, as the app-server has it.
pub fn empty<'de, T: Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_option(EmptyVisitor)?;
    Ok(T::default())
}

struct EmptyVisitor;

impl<'de> Visitor<'de> for EmptyVisitor {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object without known members")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while key(&mut map)?.is_some() {
            skip(&mut map)?;
        }
        Ok(())
    }
}

/// Reads an object of which two members matter, both required.
pub fn two_members<'de, A, B, D>(
    deserializer: D,
    first: &'static str,
    second: &'static str,
) -> Result<(A, B), D::Error>
where
    A: Deserialize<'de>,
    B: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(TwoVisitor { first, second, types: PhantomData })
}

struct TwoVisitor<A, B> {
    first: &'static str,
    second: &'static str,
    types: PhantomData<(A, B)>,
}

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Visitor<'de> for TwoVisitor<A, B> {
    type Value = (A, B);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}` and `{}`", self.first, self.second)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(A, B), M::Error> {
        let (mut a, mut b) = (None, None);
        while let Some(name) = key(&mut map)? {
            if &*name == self.first {
                a = Some(value(&mut map)?);
            } else if &*name == self.second {
                b = Some(value(&mut map)?);
            } else {
                skip(&mut map)?;
            }
        }
        Ok((required(a, self.first)?, required(b, self.second)?))
    }
}
