//! The modules that hold types: by surface, and within it by kind or by the method that names them.

use std::collections::BTreeMap;

use quote::quote;

use super::{Crate, Emission, Module};
use crate::lower::{Item, ItemKind};
use crate::model::Home;

pub(super) fn modules(emission: &Emission<'_>, of: Crate) -> Vec<Module> {
    let Some(home) = of.home() else { return Vec::new() };
    let mut modules = Vec::new();
    for (folder, gated) in [("stable", false), ("experimental", true)] {
        let items = emission.items.values().filter(|item| item.home == home && item.gated == gated);
        let mut files: BTreeMap<String, Vec<&Item>> = BTreeMap::new();
        for item in items {
            files.entry(file_of(emission, item)).or_default().push(item);
        }
        if files.is_empty() {
            continue;
        }
        for (name, mut items) in files.clone() {
            // Arms stand after their union.
            items.sort_by_key(|item| {
                (&item.definition, item.kind.structure().is_some_and(|s| s.arm_tag.is_some()), &item.name)
            });
            let context = emission.context();
            let types = items.iter().map(|item| context.item(item));
            let module_name = name.clone();
            modules.push(Module {
                path: format!("src/{folder}/{module_name}.rs"),
                source: "crates/bindgen/src/codecs",
                docs: docs(home, folder, &module_name),
                tokens: quote! {
                    #[allow(unused_imports)]
                    use crate::prelude::*;
                    #(#types)*
                },
            });
        }
        let names = files.keys().map(|name| crate::names::ident(name));
        modules.push(Module {
            path: format!("src/{folder}/mod.rs"),
            source: "crates/bindgen/src/emit/payloads.rs",
            docs: format!("The {folder} surface."),
            tokens: quote!(#(mod #names; pub use #names::*;)*),
        });
    }
    modules
}

fn docs(home: Home, surface: &str, module: &str) -> String {
    match home {
        Home::Requests => format!("Params and responses of the `{module}` requests, {surface}."),
        Home::Notifications => format!("Payloads of the `{module}` notifications, {surface}."),
        Home::Types | Home::Enums => format!("The {surface} {module}."),
    }
}

fn file_of(emission: &Emission<'_>, item: &Item) -> String {
    match item.home {
        Home::Enums => "enums".into(),
        Home::Requests | Home::Notifications => item.group.clone().unwrap_or_else(|| "general".into()),
        Home::Types => {
            let main = emission.items.values().find(|other| {
                other.definition == item.definition
                    && crate::names::type_name(&other.definition) == other.name
            });
            match main.unwrap_or(item).kind {
                ItemKind::Union(_) => "unions".into(),
                ItemKind::Alias(_) => "aliases".into(),
                _ => "structs".into(),
            }
        }
    }
}
