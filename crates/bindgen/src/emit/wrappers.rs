//! The flat method wrappers: one function per method, one setter per optional param.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use super::imports::{Use, imports};
use super::{Emission, Module};
use crate::codecs::{argument, docs, gate, setter_value};
use crate::lower::{Item, ItemKind, Struct, method_docs};
use crate::model::{Method, MethodKind, Params};
use crate::names;

/// What [`Call`] has of its own; a setter must not take these names.
const CALL_METHODS: [&str; 8] =
    ["call", "into_future", "items", "map", "new", "pages", "when_some", "with_params"];

pub(super) fn modules(emission: &Emission<'_>) -> Vec<Module> {
    let call: TokenStream = include_str!("templates/call.rs").parse().unwrap_or_default();
    let mut modules = vec![
        Module {
            path: "src/call.rs".into(),
            source: "crates/bindgen/src/emit/templates/call.rs",
            docs: "A call of one method: what is set so far, ready to be sent.".into(),
            tokens: call,
        },
        methods(emission),
    ];
    let mut groups: BTreeMap<String, Vec<TokenStream>> = BTreeMap::new();
    for method in emission.model.of_kind(MethodKind::ClientRequest) {
        if let Some(setters) = setters(emission, method) {
            groups.entry(names::group(&method.name)).or_default().push(setters);
        }
    }
    let names: Vec<_> = groups.keys().map(|name| names::ident(name)).collect();
    modules.push(Module {
        path: "src/setters/mod.rs".into(),
        source: "crates/bindgen/src/emit/wrappers.rs",
        docs: "Setters of the optional params, by the first part of the method.".into(),
        tokens: quote!(#(mod #names;)*),
    });
    for (group, setters) in groups {
        modules.push(Module {
            path: format!("src/setters/{group}.rs"),
            source: "crates/bindgen/src/emit/wrappers.rs",
            docs: format!("Setters of the `{group}` requests."),
            tokens: quote! {
                #[allow(unused_imports)]
                use crate::prelude::{request_method as method, *};
                #(#setters)*
            },
        });
    }
    modules
}

fn methods(emission: &Emission<'_>) -> Module {
    let requests = emission.model.of_kind(MethodKind::ClientRequest).map(|method| wrapper(emission, method));
    let notifications =
        emission.model.of_kind(MethodKind::ClientNotification).map(|method| wrapper(emission, method));
    let use_of = |kind| Use::by(emission.model.of_kind(kind));
    let imports = imports([
        (quote!(notification_method), use_of(MethodKind::ClientNotification)),
        (quote!(request_method), use_of(MethodKind::ClientRequest)),
    ]);
    Module {
        path: "src/methods.rs".into(),
        source: "crates/bindgen/src/emit/wrappers.rs",
        docs: "Every method that a client calls.".into(),
        tokens: quote! {
            #[allow(unused_imports)]
            use crate::prelude::*;
            #imports

            #[doc = " Every method that a client calls, on anything that is a [`wire::Endpoint`]."]
            #[doc = ""]
            #[doc = " Required params are arguments, optional ones are setters of the [`Call`]."]
            pub trait Methods: wire::Endpoint {
                #(#requests)*
                #(#notifications)*
            }

            impl<C: wire::Endpoint + ?Sized> Methods for C {}
        },
    }
}

fn wrapper(emission: &Emission<'_>, method: &Method) -> TokenStream {
    let (gate, docs) =
        (gate(method.experimental), docs(&method_docs(method, emission.docs.methods.get(&method.name))));
    let name = names::ident(&names::method_fn(&method.name));
    let marker = names::ident(&names::method_type(&method.name));
    let (arguments, params) = params_of(emission, method);
    if method.kind.is_request() {
        quote! {
            #gate #docs
            fn #name(&self, #arguments) -> Call<'_, Self, request_method::#marker> {
                Call::new(self, #params)
            }
        }
    } else {
        quote! {
            #gate #docs
            fn #name(&self, #arguments) -> Notify<'_, Self, notification_method::#marker> {
                Notify::new(self, #params)
            }
        }
    }
}

/// The arguments of a wrapper, and the params it makes of them.
fn params_of(emission: &Emission<'_>, method: &Method) -> (TokenStream, TokenStream) {
    let Some(definition) = method.params.definition() else { return (quote!(), quote!(())) };
    let ty = names::ident(&names::type_name(definition));
    let Some(structure) = structure(emission, method) else {
        return match method.params {
            Params::Nullable(_) => (quote!(params: Option<#ty>), quote!(params)),
            _ => (quote!(params: impl Into<#ty>), quote!(params.into())),
        };
    };
    let context = emission.context();
    let required = structure.required();
    let nullable = matches!(method.params, Params::Nullable(_));
    if nullable {
        return if required.is_empty() && structure.choice.is_none() {
            (quote!(), quote!(None))
        } else {
            (quote!(params: Option<#ty>), quote!(params))
        };
    }
    let arguments = required.iter().map(|field| argument(&context, field));
    let choice = structure.choice.iter().map(|choice| {
        let (name, ty) = (names::ident(&choice.name), names::ident(&choice.enum_name));
        quote!(#name: #ty)
    });
    let values = required.iter().map(|field| names::ident(&field.name));
    let choice_values = structure.choice.iter().map(|choice| names::ident(&choice.name));
    (quote!(#(#arguments,)* #(#choice,)*), quote!(#ty::new(#(#values,)* #(#choice_values,)*)))
}

fn structure<'e>(emission: &'e Emission<'_>, method: &Method) -> Option<&'e Struct> {
    let item: &Item = emission.items.get(&names::type_name(method.params.definition()?))?;
    match &item.kind {
        ItemKind::Struct(structure) => Some(structure),
        _ => None,
    }
}

fn setters(emission: &Emission<'_>, method: &Method) -> Option<TokenStream> {
    let structure = structure(emission, method)?;
    let context = emission.context();
    let target = match method.params {
        Params::Nullable(_) => quote!(self.params.get_or_insert_default()),
        _ => quote!(self.params),
    };
    let setters: Vec<TokenStream> = structure
        .settable()
        .map(|field| {
            let (docs, member) = (docs(&field.docs), names::ident(&field.name));
            let name = if CALL_METHODS.contains(&field.name.as_str()) {
                names::ident(&format!("with_{}", field.name))
            } else {
                member.clone()
            };
            let (argument, value) = (argument(&context, field), setter_value(&context, field));
            quote! {
                #docs
                pub fn #name(mut self, #argument) -> Self {
                    #target.#member = #value;
                    self
                }
            }
        })
        .collect();
    if setters.is_empty() {
        return None;
    }
    let (gate, marker) = (gate(method.experimental), names::ident(&names::method_type(&method.name)));
    let docs = format!(" Optional params of `{}`.", method.name);
    Some(quote! {
        #gate
        #[doc = #docs]
        impl<C: ?Sized, F> Call<'_, C, method::#marker, F> { #(#setters)* }
    })
}
