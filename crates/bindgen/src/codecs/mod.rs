//! Rust items as tokens, each with its codec: a derive macro that runs here instead of in every build.

mod aliases;
mod constructors;
mod derive;
mod messages;
mod open_enums;
mod payload;
mod structs;
pub(crate) mod testing;
mod types;
mod unions;

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use crate::boxes::Boxes;
use crate::lower::{Item, ItemKind};
use crate::model::{Method, MethodKind};
use crate::rows::Docs;

pub(crate) use constructors::{argument, setter_value};
pub(crate) use open_enums::literal;
pub(crate) use payload::is_boxed;
pub(crate) use types::rust_type;

/// How the types get to and from JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codecs {
    /// By impls that the generator writes.
    #[default]
    Written,
    /// By serde's derive, in crates called `derived-types` and so on, without method wrappers: what the
    /// benches compare the written impls with.
    SerdeDerive,
}

/// Everything that code for one item may need to know about others.
pub(crate) struct Context<'i> {
    pub(crate) items: &'i BTreeMap<String, Item>,
    pub(crate) boxes: &'i Boxes,
    pub(crate) codecs: Codecs,
}

impl Context<'_> {
    /// One item: the type and its impls.
    pub(crate) fn item(&self, item: &Item) -> TokenStream {
        if self.codecs == Codecs::SerdeDerive {
            return derive::item(item);
        }
        match &item.kind {
            ItemKind::Alias(ty) => aliases::alias(item, ty),
            ItemKind::StringEnum(values) => open_enums::string_enum(item, values),
            ItemKind::IntegerEnum(format, values) => open_enums::integer_enum(item, *format, values),
            ItemKind::Struct(structure) => structs::structure(self, item, structure),
            ItemKind::Union(union) => unions::union(self, item, union),
        }
    }

    /// `ClientRequest` or one of its siblings: the enum over all methods of one kind.
    pub(crate) fn message_enum(
        &self,
        kind: MethodKind,
        methods: &[&Method],
        summaries: &Docs,
    ) -> TokenStream {
        match self.codecs {
            Codecs::Written => messages::message_enum(self, kind, methods, summaries),
            Codecs::SerdeDerive => derive::message_enum(self, kind, methods),
        }
    }
}

/// Doc attributes, a blank line between the paragraphs.
pub(crate) fn docs(lines: &[String]) -> TokenStream {
    let mut out = Vec::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        if index > 0 {
            out.push(String::new());
        }
        let lines = line.split('\n');
        out.extend(lines.map(|line| if line.is_empty() { String::new() } else { format!(" {line}") }));
    }
    quote!(#(#[doc = #out])*)
}

/// The attribute of an item, arm or method that only the feature compiles.
pub(crate) fn gate(gated: bool) -> TokenStream {
    if gated { quote!(#[cfg(feature = "experimental")]) } else { TokenStream::new() }
}
