//! Type aliases.

use proc_macro2::TokenStream;
use quote::quote;

use super::{docs, rust_type};
use crate::lower::{Item, RustType};
use crate::names;

pub(super) fn alias(item: &Item, ty: &RustType) -> TokenStream {
    let (docs, name, ty) = (docs(&item.docs), names::ident(&item.name), rust_type(ty));
    quote!(#docs pub type #name = #ty;)
}
