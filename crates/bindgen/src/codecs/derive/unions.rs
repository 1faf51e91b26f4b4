//! Enums with serde's attributes, as open as serde lets them be: what no variant fits goes into an
//! untagged last one.

use proc_macro2::TokenStream;
use quote::quote;

use super::derives;
use crate::codecs::payload::variant_type;
use crate::codecs::{Context, docs, gate, open_enums, rust_type};
use crate::lower::{IntegerVariant, Item, RustType, StringVariant, Union, UnionKind, Variant};
use crate::model::{Method, MethodKind, Params};
use crate::names;
use crate::shape::{IntFormat, Marks};

pub(super) fn string_enum(item: &Item, values: &[StringVariant]) -> TokenStream {
    let (derives, item_docs, name) = (derives(), docs(&item.docs), names::ident(&item.name));
    let variants = values.iter().map(|value| {
        let (docs, name, wire) = (docs(&value.docs), names::ident(&value.name), &value.wire);
        quote!(#docs #[serde(rename = #wire)] #name,)
    });
    quote! {
        #item_docs
        #derives
        pub enum #name {
            #(#variants)*
            #[doc = " Any other value."]
            #[serde(untagged)]
            Unrecognized(String),
        }
    }
}

pub(super) fn integer_enum(item: &Item, format: IntFormat, values: &[IntegerVariant]) -> TokenStream {
    let (derives, item_docs, name) = (derives(), docs(&item.docs), names::ident(&item.name));
    let (repr, repr_text) = (rust_type(&RustType::Int(format)), format!("{format:?}").to_ascii_lowercase());
    let variants: Vec<_> = values.iter().map(|value| names::ident(&value.name)).collect();
    let variant_docs = values.iter().map(|value| docs(&value.docs));
    let wires: Vec<_> = values.iter().map(|value| open_enums::literal(value.wire)).collect();
    quote! {
        #item_docs
        #derives
        #[serde(from = #repr_text, into = #repr_text)]
        pub enum #name {
            #(#variant_docs #variants,)*
            #[doc = " Any other value."]
            Unrecognized(#repr),
        }
        impl From<#repr> for #name {
            fn from(value: #repr) -> Self {
                match value { #(#wires => Self::#variants,)* other => Self::Unrecognized(other) }
            }
        }
        impl From<#name> for #repr {
            fn from(value: #name) -> Self {
                match value { #(#name::#variants => #wires,)* #name::Unrecognized(other) => other }
            }
        }
    }
}

pub(super) fn union(item: &Item, union: &Union) -> TokenStream {
    let (derives, item_docs, name) = (derives(), docs(&item.docs), names::ident(&item.name));
    let (attribute, named, open) = match &union.kind {
        UnionKind::Tagged(tag) => (quote!(#[serde(tag = #tag)]), true, true),
        UnionKind::External => (quote!(), true, true),
        UnionKind::Choice => (quote!(), true, false),
        UnionKind::ByType => (quote!(#[serde(untagged)]), false, false),
        UnionKind::ByKeys => {
            let literals = |variant: &Variant| variant.marks.iter().any(Marks::is_open);
            (quote!(#[serde(untagged)]), false, union.variants.iter().any(literals))
        }
    };
    let variants = union.variants.iter().map(|variant| {
        let (docs, gate, name) = (docs(&variant.docs), gate(variant.gated), names::ident(&variant.name));
        let wire = &variant.wire;
        let rename = named.then(|| quote!(#[serde(rename = #wire)]));
        let payload = variant.payload.as_ref().map(|ty| {
            let ty = rust_type(ty);
            quote!((#ty))
        });
        quote!(#docs #gate #rename #name #payload,)
    });
    let untagged = named.then(|| quote!(#[serde(untagged)]));
    let catch_all =
        open.then(|| quote!(#[doc = " Any other value."] #untagged Unrecognized(serde_json::Value),));
    quote! {
        #item_docs
        #derives
        #attribute
        pub enum #name { #(#variants)* #catch_all }
    }
}

/// `ServerNotification` and its siblings: `method` is the tag and `params` the content.
pub(in crate::codecs) fn message_enum(
    context: &Context<'_>,
    kind: MethodKind,
    methods: &[&Method],
) -> TokenStream {
    let (derives, name) = (derives(), names::ident(kind.union_name()));
    let variants = methods.iter().map(|method| {
        let (gate, variant) = (gate(method.experimental), names::ident(&names::method_type(&method.name)));
        let (wire, docs) = (&method.name, format!(" `{}`.", method.name));
        let payload = match &method.params {
            Params::None => quote!(),
            Params::Required(definition) => {
                let ty = variant_type(context, definition);
                quote!((#ty))
            }
            Params::Nullable(definition) => {
                let ty = variant_type(context, definition);
                quote!((Option<#ty>))
            }
        };
        quote!(#[doc = #docs] #gate #[serde(rename = #wire)] #variant #payload,)
    });
    quote! {
        #[doc = " Every message of its kind."]
        #derives
        #[serde(tag = "method", content = "params")]
        pub enum #name {
            #(#variants)*
            #[doc = " Any other method."]
            #[serde(untagged)]
            Unrecognized(serde_json::Value),
        }
    }
}
