//! The four enums over all methods of one kind.

use proc_macro2::TokenStream;
use quote::quote;

use super::payload::variant_type;
use super::{Context, docs, gate};
use crate::lower::{Item, ItemKind, method_docs};
use crate::model::{Method, MethodKind, Params};
use crate::names;
use crate::rows::Docs;

/// `ClientRequest` and its siblings.
pub(super) fn message_enum(
    context: &Context<'_>,
    kind: MethodKind,
    methods: &[&Method],
    summaries: &Docs,
) -> TokenStream {
    let (name, text) = (names::ident(kind.union_name()), kind.union_name());
    let enum_docs = match kind {
        MethodKind::ClientRequest => " Every request that a client sends.",
        MethodKind::ServerRequest => " Every request that the server sends and the client answers.",
        MethodKind::ServerNotification => " Every notification that the server sends.",
        MethodKind::ClientNotification => " Every notification that a client sends.",
    };
    let arms: Vec<Arm> = methods.iter().map(|method| Arm::new(context, method)).collect();
    let variants = arms.iter().zip(methods).map(|(arm, method)| {
        let docs = docs(&method_docs(method, summaries.methods.get(&method.name)));
        let Arm { gate, variant, .. } = arm;
        let payload = arm.payload.as_ref().map(|payload| quote!((#payload)));
        quote!(#docs #gate #variant #payload,)
    });
    let method_names = arms.iter().map(|Arm { gate, variant, wire, payload, .. }| {
        let pattern = payload.as_ref().map(|_| quote!((_)));
        quote!(#gate Self::#variant #pattern => #wire,)
    });
    let reads = arms.iter().map(|Arm { gate, variant, wire, payload, read, .. }| match payload {
        Some(_) => quote!(#gate #wire => #read.map(Self::#variant),),
        None => quote!(#gate #wire => #read.map(|()| Self::#variant),),
    });
    let writes = arms.iter().map(|Arm { gate, variant, write, .. }| quote!(#gate Self::#variant #write,));
    let envelope =
        if kind.is_request() { quote!(wire::RequestEnvelope) } else { quote!(wire::NotificationEnvelope) };
    // What every client decodes is compiled here, once; the rest where it is called.
    let inline = (!matches!(kind, MethodKind::ServerRequest | MethodKind::ServerNotification))
        .then(|| quote!(#[inline]));
    quote! {
        #[doc = #enum_docs]
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum #name {
            #(#variants)*
            #[doc = " A method that these bindings do not know, kept whole."]
            Unrecognized(wire::UnknownMethod),
        }
        impl #name {
            #[doc = " The wire name of the method."]
            pub fn method(&self) -> &str { wire::Message::method(self) }
            #[doc = " Decodes a whole message; an error names the method and the JSON path."]
            #inline
            pub fn decode(text: &str) -> Result<#envelope<Self>, wire::DecodeError> { #envelope::decode(text) }
        }
        impl wire::Message for #name {
            const NAME: &'static str = #text;
            fn method(&self) -> &str {
                match self {
                    #(#method_names)*
                    Self::Unrecognized(unknown) => &unknown.method,
                }
            }
            fn from_params<'de, A: wire::MapAccess<'de>>(method: &str, params: wire::Params<'_, A>) -> Result<Self, A::Error> {
                match method {
                    #(#reads)*
                    _ => params.unknown(method).map(Self::Unrecognized),
                }
            }
            fn write_params<M: wire::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                match self {
                    #(#writes)*
                    Self::Unrecognized(unknown) => wire::ser::optional(map, "params", &unknown.params),
                }
            }
        }
        wire::impl_message!(#name);
    }
}

struct Arm {
    gate: TokenStream,
    variant: proc_macro2::Ident,
    wire: String,
    payload: Option<TokenStream>,
    read: TokenStream,
    write: TokenStream,
}

impl Arm {
    fn new(context: &Context<'_>, method: &Method) -> Self {
        let (gate, variant, wire) =
            (gate(method.experimental), names::ident(&names::method_type(&method.name)), method.name.clone());
        let (payload, read, write) = match &method.params {
            Params::None => (None, quote!(params.none()), quote!(=> Ok(()))),
            Params::Required(definition) => {
                let ty = variant_type(context, definition);
                let read = if is_empty(context, definition) {
                    quote!(params.empty())
                } else {
                    quote!(params.required())
                };
                (Some(ty), read, quote!((params) => wire::ser::field(map, "params", params)))
            }
            Params::Nullable(definition) => {
                let ty = variant_type(context, definition);
                (
                    Some(quote!(Option<#ty>)),
                    quote!(params.optional()),
                    quote!((params) => wire::ser::optional(map, "params", params)),
                )
            }
        };
        Self { gate, variant, wire, payload, read, write }
    }
}

fn is_empty(context: &Context<'_>, definition: &str) -> bool {
    let item: Option<&Item> = context.items.get(&names::type_name(definition));
    match item.map(|item| &item.kind) {
        Some(ItemKind::Struct(structure)) => {
            structure.fields.is_empty() && structure.choice.is_none() && !structure.additional
        }
        _ => false,
    }
}
