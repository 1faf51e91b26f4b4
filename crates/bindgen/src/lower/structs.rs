//! Objects as structs.

use codex_appserver_wire::is_secret_name;
use serde_json::Value;

use super::{ChoiceArm, ChoiceField, FieldItem, Item, ItemKind, Lowering, Presence, RustType, Struct};
use super::{Union, UnionKind, Variant};
use crate::error::{Error, Result, step};
use crate::load::pointer;
use crate::names;
use crate::shape::{Definition, Field, IntegerEnum, Object, Shape};

impl<'m> Lowering<'m> {
    pub(super) fn structure(
        &mut self,
        name: &str,
        definition: &'m Definition,
        object: &'m Object,
        arm_tag: Option<&str>,
    ) -> Result<Struct> {
        let mut fields: Vec<FieldItem> = Vec::new();
        for field in &object.fields {
            let item = self.field(name, definition, field)?;
            if let Some(other) = fields.iter().find(|other| other.name == item.name) {
                return Err(Error::schema(
                    step(&step(&pointer(&definition.name), "properties"), &field.wire),
                    format!("the members `{}` and `{}` both become `{}`", other.wire, item.wire, item.name),
                ));
            }
            fields.push(item);
        }
        let choice = match &object.choice[..] {
            [] => None,
            arms => Some(self.choice(name, definition, arms)?),
        };
        let written = self.model.usage[&definition.name].written;
        Ok(Struct {
            fields,
            choice,
            additional: object.additional,
            written,
            arm_tag: arm_tag.map(str::to_owned),
        })
    }

    fn field(&mut self, owner: &str, definition: &'m Definition, field: &'m Field) -> Result<FieldItem> {
        let name = names::field(&field.wire);
        let inline_name = format!("{owner}{}", names::variant(&field.wire));
        let (shape, nullable) = match &field.shape {
            Shape::Nullable(inner) => (&**inner, true),
            other => (other, false),
        };
        let ty = self.rust_type(shape, &inline_name, definition)?;
        let usage = &self.model.usage[&definition.name];
        let client_only = usage.written && !usage.read;
        let presence = match &field.default {
            _ if field.distinct_null => Presence::Patch,
            _ if field.required && nullable => Presence::Nullable,
            _ if field.required => Presence::Required,
            Some(default) if !nullable && !client_only && self.is_literal(default, shape) => {
                Presence::Default(default.clone())
            }
            _ => Presence::Optional,
        };
        let docs = self.field_docs(field, &name);
        let secret = is_secret_name(&field.wire) && ty == RustType::String;
        let literal = match shape {
            Shape::BoolLiteral(value) => Some(*value),
            _ => None,
        };
        Ok(FieldItem {
            literal,
            name,
            wire: field.wire.clone(),
            aliases: field.aliases.clone(),
            ty,
            presence,
            secret,
            docs,
        })
    }

    /// Whether a default can be written as a Rust expression of its type.
    fn is_literal(&self, default: &Value, shape: &Shape) -> bool {
        match (default, shape) {
            (Value::Bool(_), Shape::Bool | Shape::BoolLiteral(_)) | (Value::String(_), Shape::String) => true,
            (Value::Number(number), Shape::Integer(_)) => number.is_i64() || number.is_u64(),
            (Value::Number(number), Shape::IntegerEnum(IntegerEnum { values, .. })) => {
                let number = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
                values.iter().any(|known| Some(known.wire) == number)
            }
            (Value::Number(_), Shape::Number { .. }) => true,
            (Value::Array(items), Shape::Array(item)) => {
                items.iter().all(|value| self.is_literal(value, item))
            }
            (Value::Object(members), Shape::Map(_)) => members.is_empty(),
            (value, Shape::Ref(target)) => {
                self.model.definitions.get(target).is_some_and(|target| self.is_literal(value, &target.shape))
            }
            (Value::String(value), Shape::StringEnum(values)) => {
                values.iter().any(|known| known.wire == *value)
            }
            (Value::String(value), Shape::External(arms)) => {
                arms.iter().any(|arm| arm.payload.is_none() && arm.value == *value)
            }
            _ => false,
        }
    }

    fn choice(
        &mut self,
        owner: &str,
        definition: &'m Definition,
        fields: &'m [Field],
    ) -> Result<ChoiceField> {
        let mut arms = Vec::new();
        for field in fields {
            let variant = names::variant(&field.wire);
            let ty = self.rust_type(&field.shape, &format!("{owner}{variant}"), definition)?;
            arms.push(ChoiceArm { variant, wire: field.wire.clone(), ty });
        }
        let enum_name = arms.iter().map(|arm| arm.variant.as_str()).collect::<Vec<_>>().join("Or");
        Ok(ChoiceField { name: names::field(&enum_name), enum_name, arms })
    }

    /// Choices of the same members are one enum; of the same names but other types, one per struct.
    pub(super) fn share_choices(&mut self) -> Result<()> {
        let all: Vec<(String, ChoiceField)> = self
            .items
            .values()
            .filter_map(|item| Some((item.name.clone(), item.kind.structure()?.choice.clone()?)))
            .collect();
        for (owner, choice) in &all {
            let unlike = |other: &&(String, ChoiceField)| {
                other.1.enum_name == choice.enum_name && other.1.arms != choice.arms
            };
            let name = match all.iter().find(unlike) {
                None => choice.enum_name.clone(),
                Some(_) => format!("{owner}{}", choice.enum_name),
            };
            let Some(parent) = self.items.get_mut(owner) else { continue };
            let (definition, gated) = (parent.definition.clone(), parent.gated);
            if let ItemKind::Struct(Struct { choice: Some(choice), .. }) = &mut parent.kind {
                choice.enum_name.clone_from(&name);
            }
            let mut item = choice_item(&name, &definition, choice, gated);
            // A choice lives where all can reach it, unless it holds a part of its owner.
            let holds_part = choice
                .arms
                .iter()
                .filter_map(|arm| arm.ty.by_value())
                .any(|part| self.items.get(part).is_some_and(|part| part.definition == definition));
            if let Some(owner) = self.items.get(owner).filter(|_| holds_part) {
                (item.home, item.group) = (owner.home, owner.group.clone());
            }
            match self.items.get_mut(&name) {
                None => drop(self.items.insert(name, item)),
                Some(existing) if existing.kind == item.kind => existing.gated &= gated,
                Some(_) => {
                    return Err(Error::schema(
                        pointer(&definition),
                        format!("its inner choice becomes the Rust type `{name}`, which is taken"),
                    ));
                }
            }
        }
        Ok(())
    }
}

fn choice_item(name: &str, definition: &str, choice: &ChoiceField, gated: bool) -> Item {
    let variants = choice
        .arms
        .iter()
        .map(|arm| Variant {
            name: arm.variant.clone(),
            wire: arm.wire.clone(),
            payload: Some(arm.ty.clone()),
            marks: Vec::new(),
            gated: false,
            docs: vec![format!("The member `{}`.", arm.wire)],
        })
        .collect();
    let wires: Vec<String> = choice.arms.iter().map(|arm| format!("`{}`", arm.wire)).collect();
    Item {
        name: name.to_owned(),
        definition: definition.to_owned(),
        home: crate::model::Home::Types,
        group: None,
        gated,
        docs: vec![
            format!("Exactly one of the members {}.", wires.join(" and ")),
            String::new(),
            "It stands beside the other members of its object; where a peer sends several, the first counts."
                .into(),
        ],
        kind: ItemKind::Union(Union { kind: UnionKind::Choice, variants, shared: Vec::new() }),
    }
}

impl ItemKind {
    /// The struct, where it is one.
    pub fn structure(&self) -> Option<&Struct> {
        match self {
            Self::Struct(structure) => Some(structure),
            _ => None,
        }
    }
}
