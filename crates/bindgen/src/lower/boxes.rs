//! Where a `Box` is needed because a type holds itself, or wise because an arm is large.

use std::collections::{BTreeMap, BTreeSet};

use super::{Item, ItemKind, RustType};
use crate::boxes::Boxes;
use crate::model::Model;
use crate::names;

/// A new type above this many bytes is boxed as an arm, so that a list of items does not pay for its largest arm.
const LARGE: usize = 160;

/// Boxes every field and arm through which a type would contain itself.
pub(super) fn recursive(items: &mut BTreeMap<String, Item>) {
    let edges: BTreeMap<String, Vec<String>> =
        items.iter().map(|(name, item)| (name.clone(), held(item))).collect();
    let reaches = |from: &str, to: &str| {
        let (mut seen, mut queue) = (BTreeSet::new(), vec![from]);
        while let Some(name) = queue.pop() {
            if name == to {
                return true;
            }
            if seen.insert(name) {
                queue.extend(edges.get(name).into_iter().flatten().map(String::as_str));
            }
        }
        false
    };
    for (owner, item) in items.iter_mut() {
        each_type(&mut item.kind, &mut |ty| {
            if ty.by_value().is_some_and(|held| reaches(held, owner)) {
                *ty = ty.clone().boxed();
            }
        });
    }
}

/// Boxes large arms, and says of all payloads of variants whether they are boxed.
///
/// The enums over all methods are no items; their payloads are the params of the methods.
pub(super) fn large(items: &mut BTreeMap<String, Item>, model: &Model) -> Boxes {
    let sizes = Sizes { items: &items.clone(), remembered: &model.boxes };
    let params = model.methods.iter().filter_map(|method| method.params.definition()).map(names::type_name);
    let payloads = items.values().flat_map(|item| match &item.kind {
        ItemKind::Union(union) => union.variants.as_slice(),
        _ => &[],
    });
    let payloads = payloads.filter_map(|variant| variant.payload.as_ref()?.by_value()).map(str::to_owned);
    let boxes: Boxes = payloads
        .chain(params)
        .map(|name| {
            let boxed = sizes.is_boxed(&RustType::Named(name.clone()), 0);
            (name, boxed)
        })
        .collect();
    for item in items.values_mut() {
        if let ItemKind::Union(union) = &mut item.kind {
            for payload in union.variants.iter_mut().filter_map(|variant| variant.payload.as_mut()) {
                if payload.by_value().and_then(|name| boxes.get(name)) == Some(true) {
                    *payload = payload.clone().boxed();
                }
            }
        }
    }
    boxes
}

fn held(item: &Item) -> Vec<String> {
    let mut held = Vec::new();
    each_type(&mut item.kind.clone(), &mut |ty| held.extend(ty.by_value().map(str::to_owned)));
    held
}

fn each_type(kind: &mut ItemKind, visit: &mut dyn FnMut(&mut RustType)) {
    match kind {
        ItemKind::Alias(ty) => visit(ty),
        ItemKind::StringEnum(_) | ItemKind::IntegerEnum(..) => {}
        ItemKind::Struct(structure) => {
            structure.fields.iter_mut().for_each(|field| visit(&mut field.ty));
            structure
                .choice
                .iter_mut()
                .flat_map(|choice| &mut choice.arms)
                .for_each(|arm| visit(&mut arm.ty));
        }
        ItemKind::Union(union) => {
            union.variants.iter_mut().filter_map(|variant| variant.payload.as_mut()).for_each(visit);
        }
    }
}

/// Sizes as a 64-bit target has them, near enough to tell large from small.
struct Sizes<'i> {
    items: &'i BTreeMap<String, Item>,
    remembered: &'i Boxes,
}

impl Sizes<'_> {
    /// Whether a payload is boxed: as before, or because it is large.
    fn is_boxed(&self, payload: &RustType, depth: usize) -> bool {
        let remembered = payload.by_value().and_then(|name| self.remembered.get(name));
        remembered.unwrap_or_else(|| self.of(payload, depth) > LARGE)
    }

    fn of(&self, ty: &RustType, depth: usize) -> usize {
        match ty {
            RustType::Bool => 1,
            RustType::Int(_) | RustType::F32 | RustType::F64 | RustType::Boxed(_) => 8,
            RustType::String | RustType::Vec(_) | RustType::Map(_) | RustType::JsonMap => 24,
            RustType::Json | RustType::Wire(_) => 32,
            RustType::Option(inner) => match **inner {
                RustType::Int(_) | RustType::F64 => 16,
                _ => self.of(inner, depth),
            },
            RustType::Integers(_) => 16,
            RustType::Named(name) => match self.items.get(name) {
                Some(item) if depth < 24 => self.of_item(&item.kind, depth + 1),
                _ => 24,
            },
        }
    }

    fn of_item(&self, kind: &ItemKind, depth: usize) -> usize {
        match kind {
            ItemKind::Alias(ty) => self.of(ty, depth),
            ItemKind::StringEnum(_) | ItemKind::IntegerEnum(..) => 16,
            ItemKind::Struct(structure) => {
                let fields: usize = structure
                    .fields
                    .iter()
                    .map(|field| {
                        self.of(&RustType::Option(Box::new(field.ty.clone())), depth).next_multiple_of(8)
                    })
                    .sum();
                let choice = structure
                    .choice
                    .iter()
                    .flat_map(|choice| &choice.arms)
                    .map(|arm| self.of(&arm.ty, depth) + 8)
                    .max()
                    .unwrap_or(0);
                fields + choice + if structure.additional { 24 } else { 0 }
            }
            ItemKind::Union(union) => {
                let arms = union.variants.iter().filter_map(|variant| variant.payload.as_ref());
                let sizes = arms.map(|arm| if self.is_boxed(arm, depth) { 8 } else { self.of(arm, depth) });
                8 + sizes.max().unwrap_or(0).max(32)
            }
        }
    }
}
