//! Marker types per method, and the enums over all methods of a kind.

use heck::ToSnakeCase;
use quote::quote;

use super::imports::{Use, imports};
use super::{Crate, Emission, Module};
use crate::codecs::{docs, gate, rust_type};
use crate::lower::{RustType, method_docs};
use crate::model::{Method, MethodKind, Params};
use crate::names;

pub(super) fn modules(emission: &Emission<'_>, of: Crate) -> Vec<Module> {
    let kinds = match of {
        Crate::Requests => [MethodKind::ClientRequest, MethodKind::ServerRequest],
        _ => [MethodKind::ServerNotification, MethodKind::ClientNotification],
    };
    let visitors = kinds.iter().filter(|kind| kind.is_request()).map(|kind| visitor(emission, *kind));
    let methods = || kinds.iter().flat_map(|kind| emission.model.of_kind(*kind));
    let with_payload =
        methods().filter(|method| method.params.definition().is_some() || method.response.is_some());
    // Visitors stand there for any kind of request, whatever methods it has.
    let has_visitors = kinds.iter().any(|kind| kind.is_request());
    let markers = methods().map(|method| marker(emission, method));
    let imports = imports([
        (quote!(self), Use::by(with_payload)),
        (quote!(wire), if has_visitors { Use::Always } else { Use::by(methods()) }),
    ]);
    let mut modules = vec![Module {
        path: "src/method.rs".into(),
        source: "crates/bindgen/src/emit/requests.rs",
        docs: "One marker type per method, which ties its wire name to its payloads.".into(),
        // A marker may share its name with a payload, so nothing is imported here by glob.
        tokens: quote! {
            #imports
            #(#markers)*
            #(#visitors)*
        },
    }];
    for kind in kinds {
        let methods: Vec<&Method> = emission.model.of_kind(kind).collect();
        let tokens = emission.context().message_enum(kind, &methods, emission.docs);
        modules.push(Module {
            path: format!("src/{}.rs", kind.union_name().to_snake_case()),
            source: "crates/bindgen/src/codecs/messages.rs",
            docs: format!("The enum `{}` over all methods of its kind.", kind.union_name()),
            tokens: quote! {
                #[allow(unused_imports)]
                use crate::prelude::*;
                #tokens
            },
        });
    }
    modules
}

/// From the wire name of a request to its marker type.
fn visitor(emission: &Emission<'_>, kind: MethodKind) -> proc_macro2::TokenStream {
    let name = quote::format_ident!("visit_{}", kind.union_name().to_snake_case());
    let docs = format!(
        " Calls `visitor` with the marker type of a {}; none where these bindings do not know the method.",
        kind.union_name().to_snake_case().replace('_', " ")
    );
    let arms = emission.model.of_kind(kind).map(|method| {
        let (gate, marker, wire) =
            (gate(method.experimental), names::ident(&names::method_type(&method.name)), &method.name);
        quote!(#gate #wire => Some(visitor.visit::<#marker>()),)
    });
    quote! {
        #[doc = #docs]
        #[allow(unused_variables)]
        pub fn #name<V: wire::RequestVisitor>(method: &str, visitor: V) -> Option<V::Output> {
            match method { #(#arms)* _ => None }
        }
    }
}

/// The Rust type of a method's params.
pub(super) fn params_type(method: &Method) -> proc_macro2::TokenStream {
    match &method.params {
        Params::None => quote!(()),
        Params::Required(name) => rust_type(&RustType::Named(names::type_name(name))),
        Params::Nullable(name) => {
            rust_type(&RustType::Option(Box::new(RustType::Named(names::type_name(name)))))
        }
    }
}

/// The Rust type of a method's answer; any JSON where none is known.
pub(super) fn response_type(method: &Method) -> proc_macro2::TokenStream {
    match &method.response {
        Some(name) => rust_type(&RustType::Named(names::type_name(name))),
        None => quote!(serde_json::Value),
    }
}

/// A payload by its path, for the module of the markers.
fn payload(definition: &str) -> proc_macro2::TokenStream {
    let name = names::ident(&names::type_name(definition));
    quote!(prelude::#name)
}

fn marker(emission: &Emission<'_>, method: &Method) -> proc_macro2::TokenStream {
    let (gate, docs) =
        (gate(method.experimental), docs(&method_docs(method, emission.docs.methods.get(&method.name))));
    let (name, wire) = (names::ident(&names::method_type(&method.name)), &method.name);
    let params = match &method.params {
        Params::None => quote!(()),
        Params::Required(name) => payload(name),
        Params::Nullable(name) => {
            let payload = payload(name);
            quote!(Option<#payload>)
        }
    };
    let direction = if method.kind.from_client() { quote!(ClientToServer) } else { quote!(ServerToClient) };
    let experimental = method.experimental.then(|| {
        quote!(
            const EXPERIMENTAL: bool = true;
        )
    });
    let since = method.since.release.map(|_| {
        let since = super::release(method.since, quote!(wire::Release));
        quote!(const SINCE: wire::Release = #since;)
    });
    let (role, response) = if method.kind.is_request() {
        let response = match &method.response {
            Some(name) => payload(name),
            None => quote!(serde_json::Value),
        };
        (quote!(Request), Some(quote!(type Response = #response;)))
    } else {
        (quote!(Notification), None)
    };
    quote! {
        #gate #docs
        #[derive(Clone, Copy, Debug)]
        pub struct #name;
        #gate
        impl wire::#role for #name {
            const METHOD: &'static str = #wire;
            const DIRECTION: wire::Direction = wire::Direction::#direction;
            #experimental
            #since
            type Params = #params;
            #response
        }
    }
}
