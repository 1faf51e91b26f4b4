//! Shapes as Rust types; shapes that need a name of their own become items on the way.

use super::{IntegerVariant, ItemKind, Lowering, RustType, StringVariant};
use crate::error::{Error, Result, step};
use crate::load::pointer;
use crate::model::WIRE_TYPES;
use crate::names;
use crate::shape::{Definition, EnumValue, IntegerValue, Shape};

impl<'m> Lowering<'m> {
    /// The type of a shape; `name` is what an inline object or union would be called.
    pub(super) fn rust_type(
        &mut self,
        shape: &'m Shape,
        name: &str,
        owner: &'m Definition,
    ) -> Result<RustType> {
        Ok(match shape {
            Shape::Any => RustType::Json,
            Shape::Bool | Shape::BoolLiteral(_) => RustType::Bool,
            Shape::Integer(format) => RustType::Int(*format),
            Shape::Number { wide: true } => RustType::F64,
            Shape::Number { wide: false } => RustType::F32,
            Shape::String => RustType::String,
            Shape::Ref(target) => self.named(target),
            Shape::Array(item) => {
                RustType::Vec(Box::new(self.rust_type(item, &format!("{name}Item"), owner)?))
            }
            Shape::Map(item) if **item == Shape::Any => RustType::JsonMap,
            Shape::Map(item) => {
                RustType::Map(Box::new(self.rust_type(item, &format!("{name}Value"), owner)?))
            }
            Shape::Nullable(inner) => match self.rust_type(inner, name, owner)? {
                nullable @ RustType::Option(_) => nullable,
                other => RustType::Option(Box::new(other)),
            },
            inline => {
                let docs = self.inline_docs(owner);
                let kind = self.kind(name, owner, inline)?;
                self.add(name.to_owned(), owner, docs, kind, !self.model.usage[&owner.name].always_compiled)?;
                match inline {
                    Shape::IntegerEnum(_) => RustType::Integers(name.to_owned()),
                    _ => RustType::Named(name.to_owned()),
                }
            }
        })
    }

    /// The type of a definition.
    fn named(&self, definition: &str) -> RustType {
        let name = names::type_name(definition);
        match WIRE_TYPES.iter().find(|(schema, _)| *schema == definition) {
            Some((_, wire)) => RustType::Wire(wire),
            None if self.is_integer_enum(definition) => RustType::Integers(name),
            None => RustType::Named(name),
        }
    }

    /// Through aliases, of which a circle is none.
    fn is_integer_enum(&self, definition: &str) -> bool {
        let (mut name, definitions) = (definition, &self.model.definitions);
        for _ in 0..definitions.len() {
            match definitions.get(name).map(|definition| &definition.shape) {
                Some(Shape::Ref(target)) => name = target,
                shape => return matches!(shape, Some(Shape::IntegerEnum(_))),
            }
        }
        false
    }

    pub(super) fn integer_enum(&self, values: &[IntegerValue]) -> Vec<IntegerVariant> {
        let variant = |value: &IntegerValue| IntegerVariant {
            name: names::integer_variant(value.wire),
            wire: value.wire,
            docs: self.integer_docs(*value),
        };
        values.iter().map(variant).collect()
    }

    pub(super) fn string_enum(
        &self,
        definition: &Definition,
        values: &[EnumValue],
    ) -> Result<Vec<StringVariant>> {
        let mut variants: Vec<StringVariant> = Vec::new();
        // A value that several arms list is one value.
        let mut values = values.to_vec();
        let mut seen = std::collections::BTreeSet::new();
        values.retain(|value| seen.insert(value.wire.clone()));
        let variant_names = names::variants(values.iter().map(|value| value.wire.as_str()));
        for (index, (value, name)) in values.iter().zip(variant_names).enumerate() {
            let place = || step(&step(&pointer(&definition.name), "enum"), index);
            if name == "V" {
                return Err(Error::schema(place(), format!("the value {:?} has no Rust name", value.wire)));
            }
            if let Some(other) = variants.iter().find(|variant| variant.name == name) {
                return Err(Error::schema(
                    place(),
                    format!("the values `{}` and `{}` both become `{name}`", other.wire, value.wire),
                ));
            }
            variants.push(StringVariant { name, wire: value.wire.clone(), docs: self.value_docs(value) });
        }
        Ok(variants)
    }
}

impl ItemKind {
    /// The inner type of an alias.
    pub fn alias(&self) -> Option<&RustType> {
        match self {
            Self::Alias(ty) => Some(ty),
            _ => None,
        }
    }
}
