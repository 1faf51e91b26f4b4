//! The payloads of the variants of the enums over all methods.

use proc_macro2::TokenStream;

use super::{Context, rust_type};
use crate::lower::RustType;
use crate::names;

/// Whether the params of a method are boxed as the payload of their variant.
pub(crate) fn is_boxed(context: &Context<'_>, definition: &str) -> bool {
    context.boxes.get(&names::type_name(definition)) == Some(true)
}

/// The payload type of a variant.
pub(super) fn variant_type(context: &Context<'_>, definition: &str) -> TokenStream {
    let name = names::type_name(definition);
    let boxed = is_boxed(context, definition);
    let ty = RustType::Named(name);
    rust_type(&if boxed { ty.boxed() } else { ty })
}
