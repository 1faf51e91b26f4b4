//! Building blocks of the generated `Serialize` impls.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::Patch;

/// A type that writes the members of an object.
pub trait Fields {
    /// Writes every member into an object that is already open.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

impl<T: Fields> Fields for Box<T> {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        T::write(self, map)
    }
}

/// Writes an object.
pub fn object<T: Fields, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    value.write(&mut map)?;
    map.end()
}

/// Writes one arm of a tagged union: the tag, then the arm's own members.
pub fn tagged<T: Fields, S: Serializer>(
    tag: &str,
    name: &str,
    arm: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry(tag, name)?;
    arm.write(&mut map)?;
    map.end()
}

/// Writes an object of one member: a tagged arm without members of its own, or an externally tagged arm.
pub fn single<T: Serialize + ?Sized, S: Serializer>(
    key: &str,
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

/// Writes a member.
#[inline(never)]
pub fn field<T: Serialize + ?Sized, M: SerializeMap>(
    map: &mut M,
    key: &str,
    value: &T,
) -> Result<(), M::Error> {
    map.serialize_entry(key, value)
}

/// Writes a member where there is a value.
#[inline(never)]
pub fn optional<T: Serialize, M: SerializeMap>(
    map: &mut M,
    key: &str,
    value: &Option<T>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(key, value),
        None => Ok(()),
    }
}

/// Writes a member for which absent and `null` differ.
#[inline(never)]
pub fn patch<T: Serialize, M: SerializeMap>(
    map: &mut M,
    key: &str,
    value: &Patch<T>,
) -> Result<(), M::Error> {
    match value {
        Patch::Absent => Ok(()),
        Patch::Null => map.serialize_entry(key, &()),
        Patch::Value(value) => map.serialize_entry(key, value),
    }
}

/// Writes members that the schema leaves open.
pub fn additional<M: SerializeMap>(
    map: &mut M,
    members: &serde_json::Map<String, serde_json::Value>,
) -> Result<(), M::Error> {
    members.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))
}

/// `Serialize` and `Deserialize` for a type that is an object on the wire.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_object {
    ($($name:ident),* $(,)?) => {$(
        impl $crate::Serialize for $name {
            fn serialize<S: $crate::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::ser::object(self, serializer)
            }
        }

        impl<'de> $crate::Deserialize<'de> for $name {
            fn deserialize<D: $crate::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::de::object(deserializer)
            }
        }
    )*};
}

/// `Serialize` and `Deserialize` for a type that is an object without known members.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_empty_object {
    ($name:ident) => {
        impl $crate::ser::Fields for $name {
            fn write<M: $crate::SerializeMap>(&self, _: &mut M) -> ::core::result::Result<(), M::Error> {
                Ok(())
            }
        }

        impl $crate::Serialize for $name {
            fn serialize<S: $crate::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::ser::object(self, serializer)
            }
        }

        impl<'de> $crate::Deserialize<'de> for $name {
            fn deserialize<D: $crate::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::de::empty(deserializer)
            }
        }
    };
}

#[doc(hidden)]
pub use impl_object;
