//! Unions whose arm is named by a member of the object, such as `"type": "agentMessage"`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{Key, key, skip, value};
use crate::text::{self, Text, push_quoted};

/// A union with a tag.
pub trait Tagged: Sized {
    /// What the union is called in error texts.
    const NAME: &'static str;
    /// The member that names the arm.
    const TAG: &'static str;

    /// Reads the other members of the arm that `tag` names.
    fn from_tag<'de, A: MapAccess<'de>>(tag: &str, map: A) -> Result<Self, A::Error>;
}

/// Reads a tagged union: in one pass where the tag stands first, as the app-server writes it; else the
/// members before it are kept as text and the object is read again, tag first.
pub fn tagged<'de, T: Tagged, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(TaggedVisitor(PhantomData))
}

/// What is read again.
struct Ready<T>(T);

impl<'de, T: Tagged> Deserialize<'de> for Ready<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged(deserializer).map(Self)
    }
}

struct TaggedVisitor<T>(PhantomData<T>);

impl<'de, T: Tagged> Visitor<'de> for TaggedVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} object", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        match key(&mut map)? {
            Some(first) if &*first == T::TAG => {
                let tag: Key<'de> = value(&mut map)?;
                T::from_tag(&tag, map)
            }
            first => reread(&tag_first::<A>(T::TAG, first, map)?),
        }
    }
}

#[cold]
#[inline(never)]
fn reread<T: Tagged, E: Error>(text: &str) -> Result<T, E> {
    text::reread_shallow(text).map(|Ready(value)| value)
}

/// The object as text, its tag moved to the front, and with it the tags of all objects in it.
#[cold]
fn tag_first<'de, A: MapAccess<'de>>(
    tag: &'static str,
    first: Option<Key<'de>>,
    mut map: A,
) -> Result<String, A::Error> {
    let mut found: Option<Key<'de>> = None;
    let mut rest = String::new();
    let mut next = first;
    while let Some(name) = next {
        if &*name == tag {
            if found.is_some() {
                return Err(duplicate(tag));
            }
            found = Some(value(&mut map)?);
        } else {
            let member: Text<'de> = value(&mut map)?;
            rest.push(',');
            push_quoted::<A::Error>(&mut rest, &name)?;
            rest.push(':');
            member.push_tags_first::<A::Error>(&mut rest, 1)?;
        }
        next = key(&mut map)?;
    }
    let found = found.ok_or_else(|| A::Error::missing_field(tag))?;
    let mut text = String::with_capacity(tag.len() + found.len() + rest.len() + 8);
    text.push('{');
    push_quoted::<A::Error>(&mut text, tag)?;
    text.push(':');
    push_quoted::<A::Error>(&mut text, &found)?;
    text.push_str(&rest);
    text.push('}');
    Ok(text)
}

/// The error for a tag that occurs twice: which arm it is would depend on the order of the members.
#[cold]
#[inline(never)]
pub fn duplicate<E: Error>(tag: &'static str) -> E {
    E::duplicate_field(tag)
}

/// Reads the rest of an arm that has no members of its own.
pub fn drain<'de, A: MapAccess<'de>>(mut map: A, tag: &'static str) -> Result<(), A::Error> {
    while let Some(name) = key(&mut map)? {
        if &*name == tag {
            return Err(duplicate(tag));
        }
        skip(&mut map)?;
    }
    Ok(())
}

/// Keeps an arm that the bindings do not know as the object it is.
#[cold]
pub fn collect<'de, A: MapAccess<'de>>(tag: &'static str, name: &str, mut map: A) -> Result<Value, A::Error> {
    let mut object = Map::new();
    object.insert(tag.to_owned(), Value::from(name));
    while let Some(key) = key(&mut map)? {
        if &*key == tag {
            return Err(duplicate(tag));
        }
        object.insert(key.to_owned(), value(&mut map)?);
    }
    Ok(Value::Object(object))
}
