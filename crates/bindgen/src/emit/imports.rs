//! Imports that stand in a file only where something in it uses them: a schema may lack methods of a kind, or have
//! experimental ones alone.

use proc_macro2::TokenStream;
use quote::quote;

use crate::codecs::gate;
use crate::model::Method;

/// When a file uses an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Never,
    /// With the feature `experimental` alone.
    Gated,
    Always,
}

impl Use {
    /// When code that is written for each of these methods is compiled.
    pub(super) fn by<'m>(methods: impl Iterator<Item = &'m Method>) -> Self {
        methods.fold(Self::Never, |so_far, method| match (so_far, method.experimental) {
            (Self::Always, _) | (_, false) => Self::Always,
            _ => Self::Gated,
        })
    }
}

/// The imports of these names from the prelude, in this order.
pub(super) fn imports<const N: usize>(names: [(TokenStream, Use); N]) -> TokenStream {
    let lines = [Use::Always, Use::Gated].into_iter().filter_map(|when| {
        let names: Vec<&TokenStream> =
            names.iter().filter(|(_, of)| *of == when).map(|(name, _)| name).collect();
        let gate = gate(when == Use::Gated);
        (!names.is_empty()).then(|| quote!(#gate use crate::prelude::{#(#names),*};))
    });
    quote!(#(#lines)*)
}
