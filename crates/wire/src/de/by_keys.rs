//! Unions of objects without a tag: literal members decide, then required members, then the arm that
//! knows most of what is there.

use std::collections::BTreeMap;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::text::{self, Text};

/// How one arm of a union without a tag is recognised.
pub struct Arm {
    /// Members that have one of a few fixed strings, such as `type`.
    pub literals: &'static [(&'static str, &'static [&'static str])],
    /// Members that have to be there, each by any of its names.
    pub required: &'static [&'static [&'static str]],
    /// Every member the arm knows.
    pub known: &'static [&'static str],
}

/// An object and the arm it was found to be.
pub struct Chosen {
    arm: Option<usize>,
    text: Text,
}

impl Chosen {
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
        text::reread(self.text.get())
    }
}

/// Reads an object and finds its arm among `arms`; the first of equal candidates wins.
pub fn by_keys<'de, D: Deserializer<'de>>(
    deserializer: D,
    name: &'static str,
    arms: &'static [Arm],
) -> Result<Chosen, D::Error> {
    let text = Text::deserialize(deserializer)?;
    let members: BTreeMap<String, &RawValue> = text::reread(text.get())?;
    let literal =
        |member: &str| members.get(member).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let literal_fits = |arm: &&Arm| {
        arm.literals
            .iter()
            .all(|(member, values)| literal(member).is_some_and(|value| values.contains(&value.as_str())))
    };
    let there = |names: &&[&str]| names.iter().any(|name| members.contains_key(*name));

    let mut best: Option<(usize, usize)> = None;
    for (index, arm) in arms.iter().enumerate().filter(|(_, arm)| literal_fits(arm)) {
        if arm.required.iter().all(there) {
            let score = arm.known.iter().filter(|name| members.contains_key(**name)).count();
            if best.is_none_or(|(_, best)| score > best) {
                best = Some((index, score));
            }
        }
    }
    if let Some((index, _)) = best {
        return Ok(Chosen { arm: Some(index), text });
    }
    // A literal that is a string of its own but no arm's: a newer peer. Anything else is a mistake.
    let newer = arms.iter().all(|arm| !literal_fits(&arm))
        && arms.iter().flat_map(|arm| arm.literals).any(|(member, _)| literal(member).is_some());
    if newer {
        return Ok(Chosen { arm: None, text });
    }
    let needs: Vec<String> = arms
        .iter()
        .filter(literal_fits)
        .map(|arm| arm.required.iter().map(|names| names[0]).collect::<Vec<_>>().join(" and "))
        .collect();
    Err(D::Error::custom(if needs.is_empty() {
        format!("no arm of {name} fits this object")
    } else {
        format!("no arm of {name} fits this object: it needs {}", needs.join(", or "))
    }))
}
