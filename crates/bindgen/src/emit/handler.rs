//! The traits that answer what the server asks, async and blocking.

use proc_macro2::TokenStream;
use quote::quote;

use super::requests::{params_type, response_type};
use super::{Emission, Module};
use crate::codecs::{docs, gate};
use crate::lower::method_docs;
use crate::model::{Method, MethodKind, Params};
use crate::names;

pub(super) fn module(emission: &Emission<'_>) -> Module {
    let methods: Vec<&Method> = emission.model.of_kind(MethodKind::ServerRequest).collect();
    let asynchronous = methods.iter().map(|method| {
        let Parts { gate, docs, name, params, response, .. } = Parts::new(emission, method);
        quote! {
            #gate #docs
            fn #name(&self, params: #params) -> impl Future<Output = Result<#response, wire::HandlerError>> + Send {
                let _ = params;
                async { Err(wire::HandlerError::Unhandled) }
            }
        }
    });
    let blocking = methods.iter().map(|method| {
        let Parts { gate, docs, name, params, response, .. } = Parts::new(emission, method);
        quote! {
            #gate #docs
            fn #name(&self, params: #params) -> Result<#response, wire::HandlerError> {
                let _ = params;
                Err(wire::HandlerError::Unhandled)
            }
        }
    });
    let (routes_async, routes_blocking) =
        (routes(emission, &methods, &quote!(.await)), routes(emission, &methods, &quote!()));
    Module {
        path: "src/handler.rs".into(),
        source: "crates/bindgen/src/emit/handler.rs",
        docs: "Answers to what the server asks.".into(),
        tokens: quote! {
            #[allow(unused_imports)]
            use crate::prelude::*;

            #[doc = " Answers the server's requests."]
            #[doc = ""]
            #[doc = " Every method that is not overridden yields [`wire::HandlerError::Unhandled`]: this handler leaves"]
            #[doc = " the request to whoever runs it. Nothing is ever accepted by default."]
            pub trait ServerRequestHandler: Send + Sync {
                #(#asynchronous)*

                #[doc = " A request that these bindings do not know; the answer is any JSON."]
                fn unrecognized(&self, request: wire::UnknownMethod) -> impl Future<Output = Result<serde_json::Value, wire::HandlerError>> + Send {
                    let _ = request;
                    async { Err(wire::HandlerError::Unhandled) }
                }

                #[doc = " Routes a request to its method and returns the JSON text of the answer's `result`."]
                fn handle(&self, request: ServerRequest) -> impl Future<Output = Result<String, wire::HandlerError>> + Send {
                    async move { match request { #routes_async } }
                }
            }

            #[doc = " Answers the server's requests on the thread that received them; see [`ServerRequestHandler`]."]
            pub trait BlockingServerRequestHandler: Send + Sync {
                #(#blocking)*

                #[doc = " A request that these bindings do not know; the answer is any JSON."]
                fn unrecognized(&self, request: wire::UnknownMethod) -> Result<serde_json::Value, wire::HandlerError> {
                    let _ = request;
                    Err(wire::HandlerError::Unhandled)
                }

                #[doc = " Routes a request to its method and returns the JSON text of the answer's `result`."]
                fn handle(&self, request: ServerRequest) -> Result<String, wire::HandlerError> {
                    match request { #routes_blocking }
                }
            }

            fn answer<T: wire::Serialize>(response: &T) -> Result<String, wire::HandlerError> {
                wire::encode(response).map_err(|error| wire::RpcError::internal(error.to_string()).into())
            }
        },
    }
}

struct Parts {
    gate: TokenStream,
    docs: TokenStream,
    name: proc_macro2::Ident,
    variant: proc_macro2::Ident,
    params: TokenStream,
    response: TokenStream,
}

impl Parts {
    fn new(emission: &Emission<'_>, method: &Method) -> Self {
        Self {
            gate: gate(method.experimental),
            docs: docs(&method_docs(method, emission.docs.methods.get(&method.name))),
            name: names::ident(&names::method_fn(&method.name)),
            variant: names::ident(&names::method_type(&method.name)),
            params: params_type(method),
            response: response_type(method),
        }
    }
}

fn routes(emission: &Emission<'_>, methods: &[&Method], wait: &TokenStream) -> TokenStream {
    let arms = methods.iter().map(|method| {
        let Parts { gate, name, variant, .. } = Parts::new(emission, method);
        let context = emission.context();
        let boxed = method
            .params
            .definition()
            .is_some_and(|definition| crate::codecs::is_boxed(&context, definition));
        let (pattern, value) = match (&method.params, boxed) {
            (Params::None, _) => (quote!(), quote!(())),
            (Params::Required(_), true) => (quote!((params)), quote!(*params)),
            (Params::Nullable(_), true) => (quote!((params)), quote!(params.map(|params| *params))),
            (_, false) => (quote!((params)), quote!(params)),
        };
        quote!(#gate ServerRequest::#variant #pattern => answer(&self.#name(#value)#wait?),)
    });
    quote! {
        #(#arms)*
        ServerRequest::Unrecognized(request) => answer(&self.unrecognized(request)#wait?),
        // The enum is open to other crates.
        #[allow(unreachable_patterns)]
        _ => Err(wire::HandlerError::Unhandled),
    }
}
