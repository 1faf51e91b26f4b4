//! Open string enums: known values are variants, any other value is kept as it came.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, Visitor};

/// A value that the bindings do not know. Only decoding and `From` make one, so that it never equals a
/// known variant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnknownValue(Box<str>);

impl UnknownValue {
    /// The value as it stands on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[doc(hidden)]
    pub fn new(value: &str) -> Self {
        Self(value.into())
    }
}

/// A string enum of the protocol. Comparing, hashing and sorting go by the wire string.
pub trait StringEnum: Sized + Clone + 'static {
    /// Every known variant, in schema order.
    const ALL: &'static [Self];

    /// The value on the wire.
    fn as_str(&self) -> &str;

    /// The variant for a wire value; an unknown value is kept.
    fn from_wire(value: &str) -> Self;
}

struct StringEnumVisitor<T>(PhantomData<T>);

impl<T: StringEnum> Visitor<'_> for StringEnumVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<T, E> {
        Ok(T::from_wire(value))
    }
}

#[doc(hidden)]
pub fn deserialize<'de, T: StringEnum, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_str(StringEnumVisitor(PhantomData))
}

/// Writes the trait impls of one string enum, from its table of variants and wire values.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_string_enum {
    ($name:ident { $($variant:ident => $wire:literal,)* }) => {
        impl $crate::StringEnum for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Unrecognized(value) => value.as_str(),
                }
            }

            fn from_wire(value: &str) -> Self {
                match value {
                    $($wire => Self::$variant,)*
                    _ => Self::Unrecognized($crate::UnknownValue::new(value)),
                }
            }
        }

        impl $name {
            /// Every known variant, in schema order.
            pub const ALL: &'static [Self] = <Self as $crate::StringEnum>::ALL;

            /// The value on the wire.
            pub fn as_str(&self) -> &str {
                $crate::StringEnum::as_str(self)
            }
        }

        impl ::core::cmp::PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl ::core::cmp::Eq for $name {}

        impl ::core::cmp::PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> ::core::option::Option<::core::cmp::Ordering> {
                ::core::option::Option::Some(::core::cmp::Ord::cmp(self, other))
            }
        }

        impl ::core::cmp::Ord for $name {
            fn cmp(&self, other: &Self) -> ::core::cmp::Ordering {
                self.as_str().cmp(other.as_str())
            }
        }

        impl ::core::hash::Hash for $name {
            fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
                ::core::hash::Hash::hash(self.as_str(), state);
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::core::convert::From<&str> for $name {
            fn from(value: &str) -> Self {
                $crate::StringEnum::from_wire(value)
            }
        }

        impl ::core::convert::From<::std::string::String> for $name {
            fn from(value: ::std::string::String) -> Self {
                $crate::StringEnum::from_wire(&value)
            }
        }

        impl $crate::Serialize for $name {
            fn serialize<S: $crate::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::Deserialize<'de> for $name {
            fn deserialize<D: $crate::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::de::string_enum(deserializer)
            }
        }
    };
}
