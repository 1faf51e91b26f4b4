//! What the Rust types of a protocol hold by value and what in a `Box`, for those who compare two protocols.

use std::collections::BTreeMap;

use super::{Item, ItemKind, RustType, items};
use crate::error::Result;
use crate::model::{MethodKind, Model};
use crate::names;
use crate::rows::Docs;

/// Where a type stands: as a member, as an arm, or as the params of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The Rust name of the type.
    pub name: String,
    /// Whether it stands in a `Box`.
    pub boxed: bool,
    /// Whether the arm is experimental.
    pub experimental: bool,
}

/// All places of a protocol where one type holds another directly, in a `Box` or not.
#[derive(Clone, Debug, Default)]
pub struct HeldByValue {
    /// Members and arms by definition, with the steps from there: wire names.
    pub in_types: BTreeMap<String, BTreeMap<Vec<String>, Held>>,
    /// The params of messages in the enums over all methods.
    pub params: BTreeMap<(MethodKind, String), Held>,
}

/// Lists what the types of a model hold directly.
///
/// # Errors
///
/// Fails if two definitions of the model become one Rust type.
pub fn held_by_value(model: &Model) -> Result<HeldByValue> {
    let lowered = items(model, &Docs::default())?;
    let mut walk = Walk { items: &lowered.items, found: BTreeMap::new() };
    let mut in_types = BTreeMap::new();
    for definition in model.definitions.keys() {
        if let Some(item) = lowered.items.get(&names::type_name(definition)) {
            walk.item(item, &[]);
            in_types.insert(definition.clone(), std::mem::take(&mut walk.found));
        }
    }
    let params = model.methods.iter().filter_map(|method| {
        let name = names::type_name(method.params.definition()?);
        let boxed = lowered.boxes.get(&name) == Some(true);
        let held = Held { name, boxed, experimental: method.experimental };
        Some(((method.kind, method.name.clone()), held))
    });
    Ok(HeldByValue { in_types, params: params.collect() })
}

struct Walk<'i> {
    items: &'i BTreeMap<String, Item>,
    found: BTreeMap<Vec<String>, Held>,
}

impl Walk<'_> {
    fn item(&mut self, item: &Item, steps: &[String]) {
        match &item.kind {
            ItemKind::Struct(structure) => {
                for field in &structure.fields {
                    self.place(item, &field.ty, steps, &field.wire, false);
                }
            }
            ItemKind::Union(union) => {
                for variant in &union.variants {
                    if let Some(payload) = &variant.payload {
                        self.place(item, payload, steps, &variant.wire, variant.gated);
                    }
                }
            }
            ItemKind::Alias(_) | ItemKind::StringEnum(_) | ItemKind::IntegerEnum(..) => {}
        }
    }

    fn place(&mut self, owner: &Item, ty: &RustType, steps: &[String], step: &str, experimental: bool) {
        let steps = [steps, &[step.to_owned()]].concat();
        let (name, boxed) = match without_option(ty) {
            RustType::Named(name) => (name, false),
            RustType::Boxed(inner) => match without_option(inner) {
                RustType::Named(name) => (name, true),
                _ => return,
            },
            _ => return,
        };
        self.found.insert(steps.clone(), Held { name: name.clone(), boxed, experimental });
        // A type without a definition of its own belongs to the definition that it is a part of.
        let part = self.items.get(name).filter(|held| held.definition == owner.definition);
        if let Some(part) = part.filter(|part| names::type_name(&part.definition) != part.name) {
            self.item(part, &steps);
        }
    }
}

fn without_option(ty: &RustType) -> &RustType {
    match ty {
        RustType::Option(inner) => inner,
        other => other,
    }
}
