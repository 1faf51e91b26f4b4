//! Open enums of strings and of integers: the variants here, everything else by one macro of `wire` from their
//! table.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{docs, types};
use crate::lower::{IntegerVariant, Item, StringVariant};
use crate::names;
use crate::shape::IntFormat;

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

pub(super) fn integer_enum(item: &Item, format: IntFormat, values: &[IntegerVariant]) -> TokenStream {
    let (item_docs, name, repr) = (docs(&item.docs), names::ident(&item.name), types::integer(format));
    let variants: Vec<_> = values.iter().map(|value| names::ident(&value.name)).collect();
    let variant_docs = values.iter().map(|value| docs(&value.docs));
    let wires = values.iter().map(|value| literal(value.wire));
    quote! {
        #item_docs
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub enum #name {
            #(#variant_docs #variants,)*
            /// A value that these bindings do not know, kept as it came.
            Unrecognized(wire::UnknownInteger<#repr>),
        }
        wire::impl_integer_enum!(#name: #repr { #(#variants => #wires,)* });
    }
}

/// An integer without the name of its type; a negative one is a sign and a literal.
pub(crate) fn literal(value: i128) -> TokenStream {
    let digits = Literal::u128_unsuffixed(value.unsigned_abs());
    if value < 0 { quote!(-#digits) } else { quote!(#digits) }
}
