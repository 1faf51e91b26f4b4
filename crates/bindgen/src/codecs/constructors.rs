//! `new`, `Default` and setters for what the client writes.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::{Context, docs, rust_type};
use crate::lower::{FieldItem, Item, ItemKind, Presence, RustType, Struct};
use crate::names;

/// Whether `#[derive(Default)]` does what the schema says.
pub(super) fn derives_default(structure: &Struct) -> bool {
    structure.choice.is_none()
        && structure.fields.iter().all(|field| match &field.presence {
            Presence::Required => false,
            Presence::Nullable | Presence::Optional | Presence::Patch => true,
            Presence::Default(value) => is_rust_default(value, &field.ty),
        })
}

pub(super) fn is_rust_default(value: &Value, ty: &RustType) -> bool {
    match value {
        _ if matches!(ty, RustType::Integers(_)) => false,
        Value::Bool(value) => !value,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        _ => false,
    }
}

pub(super) fn constructors(context: &Context<'_>, item: &Item, structure: &Struct) -> TokenStream {
    if !structure.written {
        return TokenStream::new();
    }
    let name = names::ident(&item.name);
    let required = structure.required();
    let arguments = required.iter().map(|field| {
        let argument = argument(context, field);
        quote!(#argument,)
    });
    let choice_argument = structure.choice.iter().map(|choice| {
        let (name, ty) = (names::ident(&choice.name), names::ident(&choice.enum_name));
        quote!(#name: #ty,)
    });
    let values = structure.fields.iter().map(|field| {
        let name = names::ident(&field.name);
        match &field.presence {
            Presence::Required | Presence::Nullable => {
                let value = argument_value(context, field);
                if name == value.to_string() { quote!(#name,) } else { quote!(#name: #value,) }
            }
            Presence::Optional => quote!(#name: None,),
            Presence::Patch => quote!(#name: wire::Patch::Absent,),
            Presence::Default(value) => {
                let value = default_value(value, &field.ty);
                quote!(#name: #value,)
            }
        }
    });
    let choice_value = structure.choice.iter().map(|choice| {
        let name = names::ident(&choice.name);
        quote!(#name,)
    });
    let rest = structure.additional.then(|| quote!(additional_members: serde_json::Map::new(),));
    let new_docs = if required.is_empty() && structure.choice.is_none() {
        " Nothing set."
    } else {
        " With its required members; the optional ones have setters."
    };
    let setters = structure.settable().map(|field| setter(context, field));
    let default =
        (required.is_empty() && structure.choice.is_none() && !derives_default(structure)).then(|| {
            quote! {
                impl Default for #name {
                    fn default() -> Self { Self::new() }
                }
            }
        });
    quote! {
        impl #name {
            #[doc = #new_docs]
            pub fn new(#(#arguments)* #(#choice_argument)*) -> Self {
                Self { #(#values)* #(#choice_value)* #rest }
            }
            #(#setters)*
        }
        #default
    }
}

fn setter(context: &Context<'_>, field: &FieldItem) -> TokenStream {
    let (docs, field_name) = (docs(&field.docs), names::ident(&field.name));
    // These would stand before the constructor, `Default::default` and the sample for tests.
    let setter = match field.name.as_str() {
        name @ ("new" | "default" | "sample") => names::ident(&format!("with_{name}")),
        _ => field_name.clone(),
    };
    let argument = argument(context, field);
    let value = setter_value(context, field);
    quote! {
        #docs
        #[must_use]
        pub fn #setter(mut self, #argument) -> Self {
            self.#field_name = #value;
            self
        }
    }
}

/// What a setter stores.
pub(crate) fn setter_value(context: &Context<'_>, field: &FieldItem) -> TokenStream {
    let value = argument_value(context, field);
    match field.presence {
        Presence::Optional => quote!(Some(#value)),
        _ => value,
    }
}

/// The argument of `new` or of a setter: `impl Into` where people have something handier at hand.
pub(crate) fn argument(context: &Context<'_>, field: &FieldItem) -> TokenStream {
    let (name, ty) = (names::ident(&field.name), rust_type(&field.ty));
    match field.presence {
        Presence::Nullable => quote!(#name: Option<#ty>),
        Presence::Patch => quote!(#name: impl Into<wire::Patch<#ty>>),
        _ if is_string_list(&field.ty) => quote!(#name: impl IntoIterator<Item = impl Into<String>>),
        _ if converts(context, &field.ty) => quote!(#name: impl Into<#ty>),
        _ => quote!(#name: #ty),
    }
}

fn argument_value(context: &Context<'_>, field: &FieldItem) -> TokenStream {
    let name = names::ident(&field.name);
    match field.presence {
        Presence::Nullable => quote!(#name),
        Presence::Patch => quote!(#name.into()),
        _ if is_string_list(&field.ty) => quote!(#name.into_iter().map(Into::into).collect()),
        _ if converts(context, &field.ty) => quote!(#name.into()),
        _ => quote!(#name),
    }
}

pub(super) fn is_string_list(ty: &RustType) -> bool {
    matches!(ty, RustType::Vec(item) if **item == RustType::String)
}

pub(super) fn converts(context: &Context<'_>, ty: &RustType) -> bool {
    match ty {
        RustType::String
        | RustType::Vec(_)
        | RustType::Json
        | RustType::Integers(_)
        | RustType::Wire("RequestId") => true,
        RustType::Named(name) => match context.items.get(name).map(|item| &item.kind) {
            Some(ItemKind::Alias(inner)) => converts(context, inner),
            Some(ItemKind::StringEnum(_) | ItemKind::Union(_)) => true,
            _ => false,
        },
        _ => false,
    }
}

/// The call that turns an absent member into its default.
pub(super) fn or_default(value: &Value, ty: &RustType) -> TokenStream {
    let default = default_value(value, ty);
    match value {
        value if is_rust_default(value, ty) => quote!(unwrap_or_default()),
        Value::Bool(_) | Value::Number(_) if !matches!(ty, RustType::Integers(_)) => {
            quote!(unwrap_or(#default))
        }
        _ => quote!(unwrap_or_else(|| #default)),
    }
}

/// A schema default as a Rust expression.
pub(super) fn default_value(value: &Value, ty: &RustType) -> TokenStream {
    match (value, ty) {
        (Value::Bool(value), _) => quote!(#value),
        (Value::Number(number), RustType::F32 | RustType::F64) => {
            let literal = proc_macro2::Literal::f64_unsuffixed(number.as_f64().unwrap_or_default());
            quote!(#literal)
        }
        (Value::Number(number), _) => {
            let literal = match number.as_u64() {
                Some(number) => proc_macro2::Literal::u64_unsuffixed(number),
                None => proc_macro2::Literal::i64_unsuffixed(number.as_i64().unwrap_or_default()),
            };
            match ty {
                RustType::Integers(_) => {
                    let ty = rust_type(ty);
                    quote!(<#ty>::from(#literal))
                }
                _ => quote!(#literal),
            }
        }
        (Value::String(text), RustType::String) => quote!(#text.to_owned()),
        (Value::String(text), ty) => {
            let ty = rust_type(ty);
            quote!(<#ty>::from(#text))
        }
        (Value::Array(items), RustType::Vec(item)) => {
            let items = items.iter().map(|value| default_value(value, item));
            quote!(vec![#(#items),*])
        }
        _ => quote!(Default::default()),
    }
}
