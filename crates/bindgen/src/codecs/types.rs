//! Rust types as tokens.

use proc_macro2::TokenStream;
use quote::quote;

use crate::lower::RustType;
use crate::names;
use crate::shape::IntFormat;

pub(crate) fn rust_type(ty: &RustType) -> TokenStream {
    match ty {
        RustType::Bool => quote!(bool),
        RustType::Int(format) => integer(*format),
        RustType::F32 => quote!(f32),
        RustType::F64 => quote!(f64),
        RustType::String => quote!(String),
        RustType::Json => quote!(serde_json::Value),
        RustType::JsonMap => quote!(serde_json::Map<String, serde_json::Value>),
        RustType::Vec(item) => wrap(quote!(Vec), item),
        RustType::Option(inner) => wrap(quote!(Option), inner),
        RustType::Boxed(inner) => wrap(quote!(Box), inner),
        RustType::Map(value) => {
            let value = rust_type(value);
            quote!(std::collections::BTreeMap<String, #value>)
        }
        RustType::Named(name) | RustType::Integers(name) => {
            let name = names::ident(name);
            quote!(#name)
        }
        RustType::Wire(name) => {
            let name = names::ident(name);
            quote!(wire::#name)
        }
    }
}

pub(super) fn integer(format: IntFormat) -> TokenStream {
    match format {
        IntFormat::I8 => quote!(i8),
        IntFormat::I16 => quote!(i16),
        IntFormat::I32 => quote!(i32),
        IntFormat::I64 => quote!(i64),
        IntFormat::U8 => quote!(u8),
        IntFormat::U16 => quote!(u16),
        IntFormat::U32 => quote!(u32),
        IntFormat::U64 => quote!(u64),
    }
}

fn wrap(outer: TokenStream, inner: &RustType) -> TokenStream {
    let inner = rust_type(inner);
    quote!(#outer<#inner>)
}
