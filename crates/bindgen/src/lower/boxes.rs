//! Where a `Box` is needed because a type holds itself, or wise because an arm is large.

use std::collections::{BTreeMap, BTreeSet};

use super::{Item, ItemKind, RustType};

/// An arm above this many bytes is boxed, so that a list of items does not pay for its largest arm.
pub(crate) const LARGE: usize = 160;

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

/// Boxes large arms.
pub(super) fn large(items: &mut BTreeMap<String, Item>) {
    let sizes = Sizes { items: &items.clone() };
    for item in items.values_mut() {
        if let ItemKind::Union(union) = &mut item.kind {
            for payload in union.variants.iter_mut().filter_map(|variant| variant.payload.as_mut()) {
                if sizes.of(payload, 0) > LARGE {
                    *payload = payload.clone().boxed();
                }
            }
        }
    }
}

/// Whether a value of a type is large enough to be boxed as an arm.
pub(crate) fn is_large(items: &BTreeMap<String, Item>, ty: &RustType) -> bool {
    Sizes { items }.of(ty, 0) > LARGE
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
}

impl Sizes<'_> {
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
                // A large arm will be boxed.
                let sizes = arms.map(|arm| match self.of(arm, depth) {
                    size if size > LARGE => 8,
                    size => size,
                });
                8 + sizes.max().unwrap_or(0).max(32)
            }
        }
    }
}
