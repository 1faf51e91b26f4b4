//! Open string enums: the variants here, everything else by one macro of `wire` from their table.

use proc_macro2::TokenStream;
use quote::quote;

use super::docs;
use crate::lower::{Item, StringVariant, names};

pub(super) fn string_enum(item: &Item, values: &[StringVariant]) -> TokenStream {
    let (item_docs, name) = (docs(&item.docs), names::ident(&item.name));
    let variants: Vec<_> = values.iter().map(|value| names::ident(&value.name)).collect();
    let variant_docs = values.iter().map(|value| docs(&value.docs));
    let wires = values.iter().map(|value| &value.wire);
    quote! {
        #item_docs
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum #name {
            #(#variant_docs #variants,)*
            /// A value that these bindings do not know, kept as it came.
            Unrecognized(wire::UnknownValue),
        }
        wire::impl_string_enum!(#name { #(#variants => #wires,)* });
    }
}
