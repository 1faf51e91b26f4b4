//! Which methods answer in pages, and how their cursors are set and read.
//!
//! A method does if its params have a `cursor` that can be a string, and its response has a `nextCursor` and a list:
//! the member `data`, or the only list there is.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Emission, Module};
use crate::codecs::{Codecs, gate, rust_type};
use crate::lower::{FieldItem, ItemKind, Presence, RustType, Struct, UnionKind};
use crate::model::{Method, MethodKind, Params};
use crate::names;

/// The impls of `Paged`; none where no method answers in pages. Derived types have no wrappers that would read them.
pub(super) fn module(emission: &Emission<'_>) -> Option<Module> {
    if emission.codecs == Codecs::SerdeDerive {
        return None;
    }
    let impls: Vec<TokenStream> = emission
        .model
        .of_kind(MethodKind::ClientRequest)
        .filter_map(|method| paged(emission, method))
        .collect();
    (!impls.is_empty()).then(|| Module {
        path: "src/paged.rs".into(),
        source: "crates/bindgen/src/emit/paged.rs",
        docs: "The methods that answer in pages.".into(),
        tokens: quote! {
            #[allow(unused_imports)]
            use crate::prelude::*;
            #(#impls)*
        },
    })
}

fn paged(emission: &Emission<'_>, method: &Method) -> Option<TokenStream> {
    let (params, response) = (
        structure(emission, method.params.definition()?)?,
        structure(emission, method.response.as_deref()?)?,
    );
    let cursor = member(params, "cursor")?;
    let value = cursor_value(emission, cursor)?;
    let next_cursor = cursor_of(member(response, "nextCursor")?)?;
    let (list, item) = list(response)?;
    let (list, item) = (names::ident(&list.name), rust_type(item));
    let cursor = names::ident(&cursor.name);
    let params = match method.params {
        Params::Nullable(_) => quote!(params.get_or_insert_default()),
        _ => quote!(params),
    };
    let backwards_cursor = member(response, "backwardsCursor").and_then(cursor_of).map(|cursor| {
        quote! {
            fn backwards_cursor(response: &Self::Response) -> Option<&str> {
                #cursor
            }
        }
    });
    let (gate, marker) = (gate(method.experimental), names::ident(&names::method_type(&method.name)));
    Some(quote! {
        #gate
        impl wire::Paged for crate::method::#marker {
            type Item = #item;

            fn set_cursor(params: &mut Self::Params, cursor: String) {
                #params.#cursor = #value;
            }

            fn next_cursor(response: &Self::Response) -> Option<&str> {
                #next_cursor
            }

            #backwards_cursor

            fn into_items(response: Self::Response) -> Vec<#item> {
                response.#list
            }
        }
    })
}

fn structure<'e>(emission: &'e Emission<'_>, definition: &str) -> Option<&'e Struct> {
    match &emission.items.get(&names::type_name(definition))?.kind {
        ItemKind::Struct(structure) => Some(structure),
        _ => None,
    }
}

fn member<'s>(structure: &'s Struct, wire: &str) -> Option<&'s FieldItem> {
    structure.fields.iter().find(|field| field.wire == wire)
}

/// What the params' cursor is set to, where `cursor` is a string.
fn cursor_value(emission: &Emission<'_>, field: &FieldItem) -> Option<TokenStream> {
    let value = match &field.ty {
        RustType::String => quote!(cursor),
        RustType::Named(name) => match &emission.items.get(name)?.kind {
            ItemKind::Union(union) if union.kind == UnionKind::ByType => {
                let payloads = union.variants.iter().map(|variant| &variant.payload);
                payloads
                    .into_iter()
                    .any(|payload| *payload == Some(RustType::String))
                    .then(|| quote!(cursor.into()))?
            }
            _ => return None,
        },
        _ => return None,
    };
    match field.presence {
        Presence::Optional | Presence::Nullable => Some(quote!(Some(#value))),
        Presence::Patch => Some(quote!(wire::Patch::Value(#value))),
        // A first page has no cursor.
        Presence::Required | Presence::Default(_) => None,
    }
}

/// The response's cursor, as `Option<&str>`.
fn cursor_of(field: &FieldItem) -> Option<TokenStream> {
    let name = names::ident(&field.name);
    match (&field.ty, &field.presence) {
        (RustType::String, Presence::Optional | Presence::Nullable) => {
            Some(quote!(response.#name.as_deref()))
        }
        _ => None,
    }
}

/// The list of a page, and the type of what it holds.
fn list(response: &Struct) -> Option<(&FieldItem, &RustType)> {
    let lists: Vec<(&FieldItem, &RustType)> = response
        .fields
        .iter()
        .filter_map(|field| match (&field.ty, &field.presence) {
            (RustType::Vec(item), Presence::Required | Presence::Default(_)) => Some((field, &**item)),
            _ => None,
        })
        .collect();
    match lists[..] {
        [list] => Some(list),
        _ => lists.into_iter().find(|(field, _)| field.wire == "data"),
    }
}
