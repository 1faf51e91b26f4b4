//! The same types with serde's derive, attributed as people write them by hand: what the benches compare
//! the written codecs with. Nothing that is published is generated from here.

mod structs;
mod unions;

use proc_macro2::TokenStream;
use quote::quote;

use super::aliases;
use crate::lower::{Item, ItemKind};

pub(super) use unions::message_enum;

/// One item: the type, its codec left to the compiler.
pub(super) fn item(item: &Item) -> TokenStream {
    match &item.kind {
        ItemKind::Alias(ty) => aliases::alias(item, ty),
        ItemKind::StringEnum(values) => unions::string_enum(item, values),
        ItemKind::IntegerEnum(format, values) => unions::integer_enum(item, *format, values),
        ItemKind::Struct(structure) => structs::structure(item, structure),
        ItemKind::Union(union) => unions::union(item, union),
    }
}

/// What every type derives.
fn derives() -> TokenStream {
    quote!(#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)])
}
