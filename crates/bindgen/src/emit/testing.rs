//! The module `testing` of the crates with types: samples and constructors, behind a feature.

use quote::quote;

use super::{Crate, Emission, Module};
use crate::codecs::{Codecs, testing};

pub(super) fn modules(emission: &Emission<'_>, of: Crate) -> Vec<Module> {
    let Some(home) = of.home().filter(|_| emission.codecs == Codecs::Written) else { return Vec::new() };
    let context = emission.context();
    let mut modules = Vec::new();
    let mut declarations = Vec::new();
    for (name, gated) in [("stable", false), ("experimental", true)] {
        let items = emission.items.values().filter(|item| item.home == home && item.gated == gated);
        let functions: Vec<_> = items.filter_map(|item| testing::functions(&context, item)).collect();
        if functions.is_empty() {
            continue;
        }
        let (ident, gate) = (crate::names::ident(name), crate::codecs::gate(gated));
        declarations.push(quote!(#gate mod #ident;));
        modules.push(Module {
            path: format!("src/testing/{name}.rs"),
            source: "crates/bindgen/src/codecs/testing.rs",
            docs: format!("Samples and constructors of the {name} surface."),
            tokens: quote! {
                #[allow(unused_imports)]
                use crate::prelude::*;
                #(#functions)*
            },
        });
    }
    modules.push(Module {
        path: "src/testing/mod.rs".into(),
        source: "crates/bindgen/src/emit/testing.rs",
        docs: "Values for tests, behind the feature `testing`.".into(),
        tokens: quote!(#(#declarations)*),
    });
    modules
}
