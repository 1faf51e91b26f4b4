//! Shapes as Rust types; shapes that need a name of their own become items on the way.

use super::{ItemKind, Lowering, RustType, StringVariant, names};
use crate::error::{Error, Result, step};
use crate::load::pointer;
use crate::model::WIRE_TYPES;
use crate::shape::{Definition, EnumValue, Shape};

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
            Shape::Bool => RustType::Bool,
            Shape::Integer(format) => RustType::Int(*format),
            Shape::Number { wide: true } => RustType::F64,
            Shape::Number { wide: false } => RustType::F32,
            Shape::String => RustType::String,
            Shape::Ref(target) => named(target),
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
                RustType::Named(name.to_owned())
            }
        })
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

/// The type of a definition.
fn named(definition: &str) -> RustType {
    match WIRE_TYPES.iter().find(|(schema, _)| *schema == definition) {
        Some((_, wire)) => RustType::Wire(wire),
        None => RustType::Named(names::type_name(definition)),
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
