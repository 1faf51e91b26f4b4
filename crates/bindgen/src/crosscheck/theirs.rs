//! Typify's types for the plain definitions, in the notation of the comparison.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use typify_impl::{Type, TypeDetails, TypeId, TypeSpace, TypeStruct, TypeStructPropInfo};

use super::quiet;
use super::view::{Member, View, defaulted, keyed, optional};
use crate::error::{Error, Result};
use crate::load::{Schema, pointer};

/// What goes wrong inside typify, in its own words.
type Attempt<T> = std::result::Result<T, String>;

/// What typify makes of each of the definitions `wanted`, which are sorted.
pub(super) fn views<'s>(schema: &'s Schema, wanted: &[&'s str]) -> Result<BTreeMap<&'s str, View>> {
    attempt(schema, wanted).map_err(|reason| {
        Error::schema(
            pointer(culprit(schema, wanted)),
            format!("typify cannot read this definition: {reason}"),
        )
    })
}

/// The first definition that typify fails on, given those before it. Only looked for after a failure.
fn culprit<'s>(schema: &'s Schema, wanted: &[&'s str]) -> &'s str {
    let counts: Vec<usize> = (1..=wanted.len()).collect();
    let good = counts.partition_point(|count| attempt(schema, &wanted[..*count]).is_ok());
    wanted.get(good).or(wanted.last()).copied().unwrap_or_default()
}

/// Typify refuses some schemas by an error and others by a panic. Both are errors here, and no panic of it
/// reaches the terminal.
fn attempt<'s>(schema: &'s Schema, wanted: &[&'s str]) -> Attempt<BTreeMap<&'s str, View>> {
    let convert = || {
        let theirs = Theirs::convert(schema, wanted)?;
        theirs.views(wanted)
    };
    quiet::catch(convert).unwrap_or_else(|panic| {
        let text =
            panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(format!("it panics: {}", text.unwrap_or("without a word")))
    })
}

/// A definition that typify is not asked about: any value. It still has a name of its own.
fn stand_in() -> Value {
    Value::Bool(true)
}

/// The schema of a struct without members is a bare `type: object`, which to typify is a map of anything.
/// Only definitions are such structs, so only here it is told.
fn with_members_listed(mut definition: Value) -> Value {
    if let Value::Object(object) = &mut definition
        && object.get("type").and_then(Value::as_str) == Some("object")
        && !object.contains_key("properties")
    {
        object.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    definition
}

fn parse(schema: Value) -> Attempt<schemars::schema::Schema> {
    serde_json::from_value(schema).map_err(in_words)
}

fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The definitions as typify converted them.
struct Theirs<'s> {
    space: TypeSpace,
    names: BTreeMap<TypeId, &'s str>,
}

impl<'s> Theirs<'s> {
    fn convert(schema: &'s Schema, wanted: &[&'s str]) -> Attempt<Self> {
        let mut definitions = Vec::new();
        for (name, value) in &schema.definitions {
            let is_wanted = wanted.binary_search(&name.as_str()).is_ok();
            let given = if is_wanted { with_members_listed(value.clone()) } else { stand_in() };
            definitions.push((name, parse(given)?));
        }
        let mut space = TypeSpace::default();
        space.add_ref_types(definitions).map_err(in_words)?;
        // Asked for a reference, typify answers with the type of the definition, whatever it named it.
        let mut names = BTreeMap::new();
        for name in schema.definitions.keys() {
            let reference = parse(json!({ "$ref": pointer(name) }))?;
            names.insert(space.add_type(&reference).map_err(in_words)?, name.as_str());
        }
        Ok(Self { space, names })
    }

    fn views(&self, wanted: &[&'s str]) -> Attempt<BTreeMap<&'s str, View>> {
        self.names
            .iter()
            .filter(|(_, name)| wanted.binary_search(name).is_ok())
            .map(|(id, name)| Ok((*name, self.view(id)?)))
            .collect()
    }

    fn view(&self, id: &TypeId) -> Attempt<View> {
        Ok(match self.get(id)?.details() {
            TypeDetails::Struct(structure) => View::Struct(keyed(self.members(&structure)?)),
            TypeDetails::Enum(values) => {
                View::Values(keyed(values.variants().map(|(name, _)| (name.to_owned(), name.to_owned()))))
            }
            // Typify wraps whatever we merely give another name.
            TypeDetails::Newtype(newtype) => View::Alias(self.reading(&newtype.inner())?),
            _ => View::Alias(self.reading(id)?),
        })
    }

    fn members(&self, structure: &TypeStruct<'_>) -> Attempt<Vec<(String, Member)>> {
        let member = |member: TypeStructPropInfo<'_>| {
            let ty = self.reading(&member.type_id)?;
            let reading = match self.get(&member.type_id)?.details() {
                _ if member.required => ty,
                TypeDetails::Option(inner) => optional(&self.reading(&inner)?),
                _ => defaulted(&ty),
            };
            Ok((member.name.to_owned(), Member { name: member.name.to_owned(), reading, same_as: None }))
        };
        structure.properties_info().map(member).collect()
    }

    /// A type in the common notation.
    fn reading(&self, id: &TypeId) -> Attempt<String> {
        if let Some(definition) = self.names.get(id) {
            return Ok((*definition).to_owned());
        }
        let inside = |id: &TypeId| self.reading(id);
        Ok(match self.get(id)?.details() {
            TypeDetails::Builtin(name) => name.rsplit("::").next().unwrap_or(name).to_owned(),
            TypeDetails::String => "String".to_owned(),
            TypeDetails::Unit => "()".to_owned(),
            TypeDetails::Option(inner) => format!("Option<{}>", inside(&inner)?),
            TypeDetails::Vec(item) => format!("Vec<{}>", inside(&item)?),
            TypeDetails::Set(item) => format!("Set<{}>", inside(&item)?),
            TypeDetails::Array(item, length) => format!("[{}; {length}]", inside(&item)?),
            TypeDetails::Map(name, value) => match inside(&name)?.as_str() {
                "String" => format!("Map<{}>", inside(&value)?),
                name => format!("Map<{name}, {}>", inside(&value)?),
            },
            TypeDetails::Tuple(items) => {
                let items = items.map(|item| inside(&item)).collect::<Attempt<Vec<_>>>()?;
                format!("({})", items.join(", "))
            }
            // Layout, not values.
            TypeDetails::Box(inner) => inside(&inner)?,
            // A string with bounds on its length. Bounds are for the server to check.
            TypeDetails::Newtype(newtype) => inside(&newtype.inner())?,
            TypeDetails::Struct(_) | TypeDetails::Enum(_) => self.get(id)?.name(),
        })
    }

    fn get(&self, id: &TypeId) -> Attempt<Type<'_>> {
        self.space.get_type(id).map_err(in_words)
    }
}
