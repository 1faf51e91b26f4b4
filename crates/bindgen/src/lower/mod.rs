//! From the model to Rust items: names, types, what is optional, what is boxed, what the docs say.

mod boxes;
mod docs;
mod held;
mod item;
mod markdown;
mod structs;
mod types;
mod unions;

use std::collections::BTreeMap;

use crate::boxes::Boxes;
use crate::error::{Error, Result};
use crate::load::pointer;
use crate::model::Model;
use crate::names;
use crate::rows::Docs;
use crate::shape::{Definition, Shape};

pub(crate) use docs::method_docs;
pub use held::{Held, HeldByValue, held_by_value};
pub use item::{
    ChoiceArm, ChoiceField, FieldItem, IntegerVariant, Item, ItemKind, Presence, RustType, StringVariant,
    Struct, Union, UnionKind, Variant,
};

/// The Rust items of a model.
pub(crate) struct Lowered {
    /// The items by name.
    pub(crate) items: BTreeMap<String, Item>,
    /// Which of them are boxed as the payload of a variant.
    pub(crate) boxes: Boxes,
}

/// Lowers every definition.
pub(crate) fn items(model: &Model, docs: &Docs) -> Result<Lowered> {
    let mut lowering = Lowering { model, docs, items: BTreeMap::new(), groups: groups(model) };
    for definition in model.definitions.values() {
        lowering.definition(definition)?;
    }
    lowering.share_choices()?;
    let mut items = lowering.items;
    check_aliases(&items)?;
    boxes::recursive(&mut items);
    let boxes = boxes::large(&mut items, model);
    Ok(Lowered { items, boxes })
}

/// An alias that consists of itself has no Rust type; a struct or an enum between would give it one.
fn check_aliases(items: &BTreeMap<String, Item>) -> Result<()> {
    let names_alias = |name: &str| match &items.get(name)?.kind {
        ItemKind::Alias(ty) => ty.named(),
        _ => None,
    };
    for item in items.values() {
        let mut next = names_alias(&item.name);
        for _ in 0..items.len() {
            let Some(name) = next else { break };
            if name == item.name {
                let reason = "unsupported: consists of itself, without an object or a union between";
                return Err(Error::schema(pointer(&item.definition), reason));
            }
            next = names_alias(name);
        }
    }
    Ok(())
}

struct Lowering<'m> {
    model: &'m Model,
    docs: &'m Docs,
    items: BTreeMap<String, Item>,
    groups: BTreeMap<&'m str, String>,
}

/// The module of each payload: that of the first method that names it.
fn groups(model: &Model) -> BTreeMap<&str, String> {
    let mut groups = BTreeMap::new();
    for method in &model.methods {
        for payload in method.params.definition().into_iter().chain(method.response.as_deref()) {
            groups.entry(payload).or_insert_with(|| names::group(&method.name));
        }
    }
    groups
}

impl<'m> Lowering<'m> {
    fn definition(&mut self, definition: &'m Definition) -> Result<()> {
        let name = names::type_name(&definition.name);
        let docs = self.definition_docs(definition);
        let kind = self.kind(&name, definition, &definition.shape)?;
        self.add(name, definition, docs, kind, !self.model.usage[&definition.name].always_compiled)
    }

    fn kind(&mut self, name: &str, definition: &'m Definition, shape: &'m Shape) -> Result<ItemKind> {
        Ok(match shape {
            Shape::Object(object) => ItemKind::Struct(self.structure(name, definition, object, None)?),
            Shape::StringEnum(values) => ItemKind::StringEnum(self.string_enum(definition, values)?),
            Shape::IntegerEnum(values) => {
                ItemKind::IntegerEnum(values.format, self.integer_enum(&values.values))
            }
            Shape::Tagged(tagged) => ItemKind::Union(self.tagged(name, definition, tagged)?),
            Shape::External(arms) => ItemKind::Union(self.external(name, definition, arms)?),
            Shape::ByType(arms) => ItemKind::Union(self.by_type(name, definition, arms)?),
            Shape::ByKeys(arms) => ItemKind::Union(self.by_keys(name, definition, arms)?),
            other => ItemKind::Alias(self.rust_type(other, name, definition)?),
        })
    }

    /// Adds an item that comes from `definition`; arms and inline shapes share its home and its module.
    fn add(
        &mut self,
        name: String,
        definition: &'m Definition,
        docs: Vec<String>,
        kind: ItemKind,
        gated: bool,
    ) -> Result<()> {
        let usage = &self.model.usage[&definition.name];
        let item = Item {
            name: name.clone(),
            definition: definition.name.clone(),
            home: usage.home,
            group: self.groups.get(definition.name.as_str()).cloned(),
            gated,
            docs,
            kind,
        };
        match self.items.insert(name.clone(), item) {
            None => Ok(()),
            Some(other) => Err(Error::schema(
                pointer(&definition.name),
                format!("becomes the Rust type `{name}`, as something of `{}` does", other.definition),
            )),
        }
    }
}
