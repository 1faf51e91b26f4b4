//! Unions of objects without a tag: literal members decide, then required members, then the arm that
//! knows most of what is there; of equals the first that reads it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::{key, value};
use crate::de::Key;
use crate::text::{self, Text, push_quoted};

/// A union of objects without a tag.
pub trait ByKeys: Sized {
    /// What the union is called in error texts.
    const NAME: &'static str;
    /// How its arms are recognised; of equal candidates the first that can read the object wins.
    const ARMS: &'static [Arm];

    /// Reads the object as the arm it was found to be.
    fn from_object<E: Error>(object: &Chosen<'_>) -> Result<Self, E>;
}

/// How one arm of a union without a tag is recognised.
pub struct Arm {
    /// Members that have one of a few fixed strings, such as `type`.
    pub literals: &'static [(&'static str, &'static [&'static str])],
    /// Members that have one of a few fixed integers or booleans, as JSON text.
    pub fixed: &'static [(&'static str, &'static [&'static str])],
    /// Members that have to be there, each by any of its names.
    pub required: &'static [&'static [&'static str]],
    /// Every member the arm knows.
    pub known: &'static [&'static str],
}

/// An object and the arm it was found to be.
pub struct Chosen<'t> {
    arm: Option<usize>,
    text: &'t str,
}

impl Chosen<'_> {
    /// The index of the arm; `None` for an object whose literal no arm has.
    pub fn arm(&self) -> Option<usize> {
        self.arm
    }

    /// Keeps an object that no arm has.
    pub fn keep<E: Error>(&self) -> Result<Value, E> {
        self.read()
    }

    /// Reads the object as the type of its arm.
    pub fn read<T: DeserializeOwned, E: Error>(&self) -> Result<T, E> {
        text::reread_shallow(self.text)
    }
}

/// Reads a union without a tag.
pub fn by_keys<'de, T: ByKeys, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(ByKeysVisitor(PhantomData))
}

/// Everything happens within the visitor, so that an error is placed at this object.
struct ByKeysVisitor<T>(PhantomData<T>);

impl<'de, T: ByKeys> Visitor<'de> for ByKeysVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} object", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut object = Members::default();
        while let Some(name) = key(&mut map)? {
            object.0.push((name, value(&mut map)?));
        }
        let arms = choose(&object, T::NAME, T::ARMS).map_err(A::Error::custom)?;
        let text = object.text()?;
        let Some((first, others)) = arms.split_first() else {
            return T::from_object(&Chosen { arm: None, text: &text });
        };
        let read = |arm: &usize| T::from_object::<A::Error>(&Chosen { arm: Some(*arm), text: &text });
        read(first).or_else(|error| others.iter().find_map(|arm| read(arm).ok()).ok_or(error))
    }
}

/// The members of an object, their values as text.
#[derive(Default)]
struct Members<'de>(Vec<(Key<'de>, Text<'de>)>);

impl Members<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(member, _)| &**member == name)
    }

    /// The value of a member that is a string.
    fn string(&self, name: &str) -> Option<String> {
        let (_, text) = self.0.iter().rev().find(|(member, _)| &**member == name)?;
        serde_json::from_str(text.get()).ok()
    }

    /// The text of a member that is an integer or a boolean.
    fn scalar(&self, name: &str) -> Option<&str> {
        let (_, text) = self.0.iter().rev().find(|(member, _)| &**member == name)?;
        let starts = |first: char| first.is_ascii_digit() || matches!(first, '-' | 't' | 'f');
        Some(text.get()).filter(|text| text.starts_with(starts))
    }

    fn text<E: Error>(&self) -> Result<String, E> {
        let mut text = String::from("{");
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            push_quoted::<E>(&mut text, name)?;
            text.push(':');
            value.push_tags_first::<E>(&mut text, 1)?;
        }
        text.push('}');
        Ok(text)
    }
}

/// The arms that an object may be, equally well; none for one whose literal no arm has: a newer peer.
fn choose(object: &Members<'_>, name: &str, arms: &[Arm]) -> Result<Vec<usize>, String> {
    let fits = |arm: &&Arm| {
        let is_one = |member: &str, values: &[&str]| {
            object.string(member).is_some_and(|value| values.contains(&value.as_str()))
        };
        let is_fixed = |member: &str, values: &[&str]| {
            object.scalar(member).is_some_and(|value| values.contains(&value))
        };
        arm.literals.iter().all(|(member, values)| is_one(member, values))
            && arm.fixed.iter().all(|(member, values)| is_fixed(member, values))
    };
    let has_required = |arm: &Arm| arm.required.iter().all(|names| names.iter().any(|name| object.has(name)));
    let score = |arm: &Arm| arm.known.iter().filter(|name| object.has(name)).count();
    let candidates = arms.iter().enumerate().filter(|(_, arm)| fits(arm) && has_required(arm));
    let mut best: (usize, Vec<usize>) = (0, Vec::new());
    for (index, arm) in candidates {
        let score = score(arm);
        if best.1.is_empty() || score > best.0 {
            best = (score, vec![index]);
        } else if score == best.0 {
            best.1.push(index);
        }
    }
    if !best.1.is_empty() {
        return Ok(best.1);
    }
    let fitting: Vec<&Arm> = arms.iter().filter(fits).collect();
    let names_arm = |arm: &Arm| {
        arm.literals.iter().any(|(member, _)| object.string(member).is_some())
            || arm.fixed.iter().any(|(member, _)| object.scalar(member).is_some())
    };
    if fitting.is_empty() && arms.iter().any(names_arm) {
        return Ok(Vec::new());
    }
    // Each arm's members by the name they are written under, which stands first.
    let mut needs: Vec<String> = Vec::new();
    for arm in &fitting {
        let names = arm.required.iter().map(|names| names[0]).collect::<Vec<_>>().join(" and ");
        if !needs.contains(&names) {
            needs.push(names);
        }
    }
    Err(match &needs[..] {
        [] => format!("no arm of {name} fits this object"),
        needs => format!("no arm of {name} fits this object: it needs {}", needs.join(", or ")),
    })
}
