//! Since when each method exists, for a client that has only its name.

use std::collections::BTreeMap;

use quote::quote;

use super::{Emission, Module, release};
use crate::since::Since;

pub(super) fn module(emission: &Emission<'_>) -> Module {
    // Should two kinds share a name, the method is there as soon as one of them is.
    let mut methods: BTreeMap<&str, Since> = BTreeMap::new();
    for method in &emission.model.methods {
        let since = methods.entry(&method.name).or_insert(method.since);
        if method.since.release < since.release {
            *since = method.since;
        }
    }
    let rows = methods.iter().map(|(name, since)| {
        let release = release(*since, quote!(wire::Release));
        quote!((#name, #release),)
    });
    Module {
        path: "src/since.rs".into(),
        source: "crates/bindgen/src/emit/since.rs",
        docs: "Since when each method exists.".into(),
        tokens: quote! {
            use crate::prelude::wire;

            #[doc = " Every method of either side, sorted by its wire name, with the first release of codex that has it."]
            static SINCE: &[(&str, wire::Release)] = &[#(#rows)*];

            #[doc = " The first release of codex that has a method, experimental or not; none where these bindings do"]
            #[doc = " not know the method. [`wire::Release::OLDEST`] may stand for an older one."]
            pub fn since(method: &str) -> Option<wire::Release> {
                let index = SINCE.binary_search_by_key(&method, |row| row.0).ok()?;
                Some(SINCE[index].1)
            }
        },
    }
}
