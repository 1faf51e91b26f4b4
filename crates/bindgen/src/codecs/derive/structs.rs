//! Structs with serde's attributes on their fields.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::derives;
use crate::codecs::{constructors, docs, rust_type};
use crate::lower::{FieldItem, Item, Presence, Struct};
use crate::names;

pub(super) fn structure(item: &Item, structure: &Struct) -> TokenStream {
    let (derives, item_docs, name) = (derives(), docs(&item.docs), names::ident(&item.name));
    let fields = structure.fields.iter().map(|one| field(item, one));
    let choice = structure.choice.iter().map(|choice| {
        let (name, ty) = (names::ident(&choice.name), names::ident(&choice.enum_name));
        quote!(#[doc = " Exactly one of several members."] #[serde(flatten)] pub #name: #ty,)
    });
    let additional = structure.additional.then(|| {
        quote! {
            #[doc = " Members beyond the known ones, which the schema declares to be part of the value."]
            #[serde(flatten)]
            pub additional_members: serde_json::Map<String, serde_json::Value>,
        }
    });
    let patches = structure.fields.iter().any(|field| field.presence == Presence::Patch);
    let functions: Vec<TokenStream> =
        structure.fields.iter().filter_map(default_function).chain(patches.then(some_function)).collect();
    let functions = (!functions.is_empty()).then(|| quote!(impl #name { #(#functions)* }));
    quote! {
        #item_docs
        #derives
        pub struct #name { #(#fields)* #(#choice)* #additional }
        #functions
    }
}

fn field(item: &Item, field: &FieldItem) -> TokenStream {
    let (docs, name, ty, wire) =
        (docs(&field.docs), names::ident(&field.name), rust_type(&field.ty), &field.wire);
    let ty = match field.presence {
        Presence::Required | Presence::Default(_) => ty,
        Presence::Nullable | Presence::Optional => quote!(Option<#ty>),
        Presence::Patch => quote!(Option<Option<#ty>>),
    };
    let mut attributes = Vec::new();
    if name != *wire {
        attributes.push(quote!(rename = #wire));
    }
    attributes.extend(field.aliases.iter().map(|alias| quote!(alias = #alias)));
    attributes.extend(match &field.presence {
        Presence::Required | Presence::Nullable => None,
        Presence::Optional => Some(quote!(skip_serializing_if = "Option::is_none")),
        Presence::Patch => {
            let path = format!("{}::some", item.name);
            Some(quote!(default, deserialize_with = #path, skip_serializing_if = "Option::is_none"))
        }
        Presence::Default(value) if constructors::is_rust_default(value, &field.ty) => Some(quote!(default)),
        Presence::Default(_) => {
            let path = format!("{}::{}", item.name, default_name(field));
            Some(quote!(default = #path))
        }
    });
    let attributes = (!attributes.is_empty()).then(|| quote!(#[serde(#(#attributes),*)]));
    quote!(#docs #attributes pub #name: #ty,)
}

fn default_name(field: &FieldItem) -> proc_macro2::Ident {
    format_ident!("default_{}", field.name)
}

/// The function that makes the default of a member, where it is not the type's own.
fn default_function(field: &FieldItem) -> Option<TokenStream> {
    let Presence::Default(value) = &field.presence else { return None };
    if constructors::is_rust_default(value, &field.ty) {
        return None;
    }
    let (name, ty) = (default_name(field), rust_type(&field.ty));
    let made = match value {
        Value::Bool(_) | Value::Number(_) => constructors::default_value(value, &field.ty),
        other => {
            let text = other.to_string();
            quote!(serde_json::from_str(#text).expect("the schema's default fits its type"))
        }
    };
    Some(quote!(fn #name() -> #ty { #made }))
}

/// The function that tells `null` from absent: what is there is `Some`, whatever it is.
fn some_function() -> TokenStream {
    quote! {
        fn some<'de, T: serde::Deserialize<'de>, D: serde::Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<T>, D::Error> {
            T::deserialize(deserializer).map(Some)
        }
    }
}
