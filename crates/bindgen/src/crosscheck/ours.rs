//! Our own items in the notation of the comparison.

use std::collections::BTreeMap;

use super::view::{Member, View, defaulted, keyed, optional};
use crate::lower::{FieldItem, Item, ItemKind, Presence, RustType, Struct};
use crate::model::{Model, WIRE_TYPES};
use crate::names;
use crate::shape::Shape;

/// Our side of the comparison.
pub(super) struct Ours<'o> {
    pub(super) model: &'o Model,
    pub(super) items: &'o BTreeMap<String, Item>,
}

impl Ours<'_> {
    /// What a definition became; `None` where it became nothing.
    pub(super) fn view(&self, definition: &str) -> Option<View> {
        let item = self.items.get(&names::type_name(definition))?;
        Some(match &item.kind {
            ItemKind::Alias(ty) => View::Alias(self.reading(ty)),
            ItemKind::StringEnum(values) => {
                View::Values(keyed(values.iter().map(|value| (value.wire.clone(), value.wire.clone()))))
            }
            ItemKind::IntegerEnum(..) => View::Alias("an enum of integers".to_owned()),
            ItemKind::Struct(structure) => View::Struct(keyed(self.members(definition, structure))),
            ItemKind::Union(_) => View::Alias("a union".to_owned()),
        })
    }

    fn members<'s>(
        &'s self,
        definition: &'s str,
        structure: &'s Struct,
    ) -> impl Iterator<Item = (String, Member)> + 's {
        structure.fields.iter().map(move |field| {
            // A table may have renamed the member; typify knows it by its name in the schema.
            let name = field.aliases.first().unwrap_or(&field.wire).clone();
            let (reading, same_as) = self.presence(definition, field);
            (name.clone(), Member { name, reading, same_as })
        })
    }

    /// How a member reads, and the other reading that means the same.
    fn presence(&self, definition: &str, field: &FieldItem) -> (String, Option<String>) {
        let ty = self.reading(&field.ty);
        match &field.presence {
            Presence::Required => (ty, None),
            Presence::Nullable => (format!("Option<{ty}>"), None),
            // Typify fills in a default that the schema states. In what the client alone writes, ours leaves
            // the member out and has the server fill it in.
            Presence::Optional if self.server_fills_in(definition, &field.wire) => {
                (optional(&ty), Some(defaulted(&ty)))
            }
            Presence::Optional => (optional(&ty), None),
            Presence::Default(_) => (defaulted(&ty), None),
            // That missing and `null` differ is for a table to say. A schema can at most allow `null` twice.
            Presence::Patch => (optional(&ty), Some(optional(&format!("Option<{ty}>")))),
        }
    }

    fn server_fills_in(&self, definition: &str, wire: &str) -> bool {
        let client_only = self.model.usage.get(definition).is_some_and(|usage| usage.written && !usage.read);
        let shape = self.model.definitions.get(definition).map(|found| &found.shape);
        let Some(Shape::Object(object)) = shape else { return false };
        client_only && object.fields.iter().any(|field| field.wire == wire && field.default.is_some())
    }

    /// A type in the common notation. A `Box` is left out: it is about layout, not about values.
    fn reading(&self, ty: &RustType) -> String {
        match ty {
            RustType::Bool => "bool".to_owned(),
            RustType::Int(format) => format!("{format:?}").to_ascii_lowercase(),
            RustType::F32 => "f32".to_owned(),
            RustType::F64 => "f64".to_owned(),
            RustType::String => "String".to_owned(),
            RustType::Json => "Value".to_owned(),
            RustType::JsonMap => "Map<Value>".to_owned(),
            RustType::Vec(item) => format!("Vec<{}>", self.reading(item)),
            RustType::Map(value) => format!("Map<{}>", self.reading(value)),
            RustType::Option(inner) => format!("Option<{}>", self.reading(inner)),
            RustType::Boxed(inner) => self.reading(inner),
            RustType::Named(name) | RustType::Integers(name) => self.definition_of(name).to_owned(),
            RustType::Wire(name) => WIRE_TYPES
                .iter()
                .find(|(_, wire)| wire == name)
                .map_or(*name, |(schema, _)| schema)
                .to_owned(),
        }
    }

    /// Types are called what the schema calls them. An item that is part of a definition keeps its own name.
    fn definition_of<'n>(&'n self, item: &'n str) -> &'n str {
        match self.items.get(item) {
            Some(found) if names::type_name(&found.definition) == item => &found.definition,
            _ => item,
        }
    }
}
