//! The protocol as data: the shape of every definition and the payloads of every method, as statics.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Emission, Module, release};
use crate::codecs::literal;
use crate::history::Release;
use crate::model::{Method, MethodKind, Params, is_envelope};
use crate::shape::{Field, IntegerEnum, Object, Shape};

const SOURCE: &str = "crates/bindgen/src/emit/shapes.rs";

pub(super) fn modules(emission: &Emission<'_>) -> Vec<Module> {
    vec![definitions(emission), methods(emission)]
}

fn definitions(emission: &Emission<'_>) -> Module {
    let rows = emission.model.definitions.values().map(|definition| {
        let (name, shape) = (&definition.name, shape(&definition.shape));
        quote!((#name, #shape),)
    });
    let tokens = quote! {
        use codex_appserver_wire::shape::{Member, Object, Shape};

        #[doc = " Every definition that a method reaches, sorted by its name in the schema."]
        pub static DEFINITIONS: &[(&str, Shape)] = &[#(#rows)*];

        #[doc = " The shape of a definition; none where there is no definition of this name."]
        pub fn definition(name: &str) -> Option<&'static Shape> {
            let index = DEFINITIONS.binary_search_by_key(&name, |row| row.0).ok()?;
            Some(&DEFINITIONS[index].1)
        }
    };
    Module {
        path: "src/definitions.rs".into(),
        source: SOURCE,
        docs: "The shape of every definition.".into(),
        tokens,
    }
}

fn methods(emission: &Emission<'_>) -> Module {
    let mut methods: Vec<&Method> = emission.model.methods.iter().collect();
    methods.sort_by_key(|method| (&method.name, method.kind));
    let rows = methods.iter().map(|method| {
        let (name, kind, experimental) = (&method.name, kind(method.kind), method.experimental);
        let params = option(match &method.params {
            Params::None => None,
            Params::Required(name) => Some(quote!(Shape::Named(#name))),
            Params::Nullable(name) => Some(quote!(Shape::Nullable(&Shape::Named(#name)))),
        });
        let since = release(method.since, quote!(Release));
        let response = option(method.kind.is_request().then(|| match &method.response {
            Some(name) => quote!(Shape::Named(#name)),
            None => quote!(Shape::Any),
        }));
        quote! {
            Method {
                name: #name, kind: Kind::#kind, params: #params, response: #response,
                experimental: #experimental, since: #since,
            },
        }
    });
    let version = super::codex_version(emission);
    let tokens = quote! {
        use codex_appserver_wire::Release;
        use codex_appserver_wire::shape::{Kind, Method, Shape};

        #version

        #[doc = " Every method, sorted by its wire name."]
        pub static METHODS: &[Method] = &[#(#rows)*];

        #[doc = " A method by its wire name and kind."]
        pub fn method(name: &str, kind: Kind) -> Option<&'static Method> {
            let index = METHODS.binary_search_by_key(&(name, kind), |method| (method.name, method.kind)).ok()?;
            Some(&METHODS[index])
        }
    };
    Module {
        path: "src/methods.rs".into(),
        source: SOURCE,
        docs: "The payloads of every method.".into(),
        tokens,
    }
}

fn kind(kind: MethodKind) -> proc_macro2::Ident {
    quote::format_ident!("{}", kind.union_name())
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(Some(#value)),
        None => quote!(None),
    }
}

fn shape(of: &Shape) -> TokenStream {
    match of {
        Shape::Any => quote!(Shape::Any),
        Shape::Bool => quote!(Shape::Bool),
        Shape::Integer(_) => quote!(Shape::Integer),
        Shape::Number { wide: true } => quote!(Shape::Double),
        Shape::Number { wide: false } => quote!(Shape::Float),
        Shape::String => quote!(Shape::String),
        Shape::StringEnum(values) => {
            let values = values.iter().map(|value| &value.wire);
            quote!(Shape::Enum(&[#(#values),*]))
        }
        Shape::IntegerEnum(IntegerEnum { values, .. }) => {
            let values = values.iter().map(|value| literal(value.wire));
            quote!(Shape::IntegerEnum(&[#(#values),*]))
        }
        Shape::BoolLiteral(value) => quote!(Shape::BoolLiteral(#value)),
        // An id, or a trace context: `wire` has them by hand.
        Shape::Ref(name) if is_envelope(name) => quote!(Shape::Any),
        Shape::Ref(name) => quote!(Shape::Named(#name)),
        Shape::Array(inner) => wrapped(quote!(Array), inner),
        Shape::Map(inner) => wrapped(quote!(Map), inner),
        Shape::Nullable(inner) => wrapped(quote!(Nullable), inner),
        Shape::Object(inner) => {
            let inner = object(inner);
            quote!(Shape::Object(#inner))
        }
        Shape::Tagged(tagged) => {
            let tag = &tagged.tag;
            let arms = tagged.arms.iter().map(|arm| {
                let (value, inner) = (&arm.value, object(&arm.object));
                quote!((#value, #inner))
            });
            quote!(Shape::Tagged { tag: #tag, arms: &[#(#arms),*] })
        }
        Shape::External(arms) => {
            let strings = arms.iter().filter(|arm| arm.payload.is_none()).map(|arm| &arm.value);
            let objects = arms.iter().filter_map(|arm| {
                let (value, inner) = (&arm.value, shape(arm.payload.as_ref()?));
                Some(quote!((#value, #inner)))
            });
            quote!(Shape::External { strings: &[#(#strings),*], objects: &[#(#objects),*] })
        }
        Shape::ByType(arms) => {
            let arms = arms.iter().map(shape);
            quote!(Shape::ByType(&[#(#arms),*]))
        }
        Shape::ByKeys(arms) => {
            let arms = arms.iter().map(|arm| shape(&arm.shape));
            quote!(Shape::ByKeys(&[#(#arms),*]))
        }
    }
}

fn wrapped(variant: TokenStream, inner: &Shape) -> TokenStream {
    let inner = shape(inner);
    quote!(Shape::#variant(&#inner))
}

/// A choice among members is as many optional members.
fn object(of: &Object) -> TokenStream {
    let members = of.fields.iter().chain(&of.choice).map(|field| {
        let is_choice = of.choice.iter().any(|choice| choice.wire == field.wire);
        member(field, field.required && !is_choice)
    });
    let open = of.additional;
    quote!(Object { members: &[#(#members),*], open: #open })
}

fn member(field: &Field, required: bool) -> TokenStream {
    let (name, shape) = (&field.wire, shape(&field.shape));
    let presence = if required { quote!(required) } else { quote!(optional) };
    let aliases = (!field.aliases.is_empty()).then(|| {
        let aliases = &field.aliases;
        quote!(.aliases(&[#(#aliases),*]))
    });
    let default = field.default.as_ref().map(|value| {
        let text = value.to_string();
        quote!(.or(#text))
    });
    let distinct_null = field.distinct_null.then(|| quote!(.distinct_null()));
    let since = field.since.release.map(|Release(_, minor, patch)| {
        let numbers = [minor, patch].map(Literal::u16_unsuffixed);
        quote!(.since(#(#numbers),*))
    });
    quote!(Member::#presence(#name, #shape)#aliases #default #distinct_null #since)
}
