//! Building blocks of the generated `Deserialize` impls.
//!
//! Every helper that runs per member is kept out of line: a generated type then costs one call per
//! member, and all members of one Rust type share one copy of the code.
//!
//! A member that occurs twice counts as its last occurrence; a tag or a method that does is an error.
//! Members that a type does not know are skipped.

mod by_keys;
mod by_type;
mod external;
mod object;
mod tagged;

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

pub use self::by_keys::{Arm, ByKeys, Chosen, by_keys};
pub use self::by_type::{ByType, array_of, by_type, integer_value, object_of};
pub use self::external::{External, external};
pub use self::object::{Object, empty, object, two_members};
pub use self::tagged::{Tagged, collect, drain, duplicate, tagged};
pub use crate::string_enum::deserialize as string_enum;

use crate::Patch;

/// The name of a member, or any other string that is only looked at: borrowed where it has no escapes.
#[derive(PartialEq, Eq)]
pub struct Key<'de>(Cow<'de, str>);

impl Key<'_> {
    pub(crate) fn owned(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl Deref for Key<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text)))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// The name of the next member.
#[inline(never)]
pub fn key<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Key<'de>>, A::Error> {
    map.next_key()
}

/// The value of the member whose name was read last.
#[inline(never)]
pub fn value<'de, T: Deserialize<'de>, A: MapAccess<'de>>(map: &mut A) -> Result<T, A::Error> {
    map.next_value()
}

/// The value of a member for which absent and `null` differ.
pub fn patch<'de, T: Deserialize<'de>, A: MapAccess<'de>>(map: &mut A) -> Result<Patch<T>, A::Error> {
    value(map)
}

/// Skips the value of a member that is not known.
#[inline(never)]
pub fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// Keeps a member that the schema leaves open.
#[inline(never)]
pub fn additional<'de, A: MapAccess<'de>>(
    members: &mut Map<String, Value>,
    key: &str,
    map: &mut A,
) -> Result<(), A::Error> {
    members.insert(key.to_owned(), map.next_value()?);
    Ok(())
}

/// The value of a member that has to be there.
pub fn required<T, E: Error>(value: Option<T>, name: &'static str) -> Result<T, E> {
    match value {
        Some(value) => Ok(value),
        None => Err(missing(name)),
    }
}

/// The error for a member that is not there.
#[cold]
#[inline(never)]
pub fn missing<E: Error>(name: &'static str) -> E {
    E::missing_field(name)
}

/// The error where none of several members is there.
#[cold]
#[inline(never)]
pub fn missing_choice<E: Error>(names: &'static str) -> E {
    E::custom(format_args!("missing field: one of {names}"))
}

/// The error for an object that fits no arm of a closed union.
#[cold]
#[inline(never)]
pub fn no_arm<E: Error>(name: &'static str) -> E {
    E::custom(format_args!("no arm of {name} fits this object"))
}
