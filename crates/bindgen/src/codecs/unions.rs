//! Enums of every kind of union, and their codecs.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Context, docs, gate, rust_type};
use crate::lower::{FieldItem, Item, Presence, RustType, Union, UnionKind, Variant};
use crate::names;
use crate::shape::{IntFormat, Marks};

pub(super) fn union(context: &Context<'_>, item: &Item, union: &Union) -> TokenStream {
    let name = names::ident(&item.name);
    let (codec, open) = match &union.kind {
        UnionKind::Tagged(tag) => (tagged(item, union, tag), true),
        UnionKind::External => (external(item, union), true),
        UnionKind::ByType => (by_type(item, union), false),
        UnionKind::ByKeys => {
            let open = union.variants.iter().flat_map(|variant| &variant.marks).any(Marks::is_open);
            (by_keys(item, union, open), open)
        }
        UnionKind::Choice => (TokenStream::new(), false),
    };
    let variants = union.variants.iter().map(|variant| {
        let (docs, gate, name) = (docs(&variant.docs), gate(variant.gated), names::ident(&variant.name));
        let payload = variant.payload.as_ref().map(|ty| {
            let ty = rust_type(ty);
            quote!((#ty))
        });
        quote!(#docs #gate #name #payload,)
    });
    let catch_all = open.then(|| {
        quote! {
            #[doc = " An arm that these bindings do not know, kept whole."]
            Unrecognized(serde_json::Value),
        }
    });
    let item_docs = docs(&item.docs);
    let conversions = conversions(context, item, union);
    quote! {
        #item_docs
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum #name { #(#variants)* #catch_all }
        #conversions
        #codec
    }
}

/// `From` for every payload type that only one arm has.
fn conversions(context: &Context<'_>, item: &Item, union: &Union) -> TokenStream {
    let name = names::ident(&item.name);
    let inner = |variant: &Variant| match variant.payload.clone()? {
        RustType::Boxed(inner) => Some(*inner),
        other => Some(other),
    };
    let unique = |variant: &&Variant| {
        let ty = inner(variant);
        // A union that holds itself is its own `From` already.
        let is_self = ty == Some(RustType::Named(item.name.clone()));
        ty.is_some() && !is_self && union.variants.iter().filter(|other| inner(other) == ty).count() == 1
    };
    let convertible = |variant: &&Variant| match union.kind {
        UnionKind::Tagged(_) | UnionKind::ByKeys | UnionKind::ByType => true,
        UnionKind::Choice => false,
        // An alias is another type in disguise, a string most of the time.
        UnionKind::External => match inner(variant) {
            Some(RustType::Named(name)) => {
                context.items.get(&name).is_some_and(|item| item.kind.alias().is_none())
            }
            _ => false,
        },
    };
    let impls = union.variants.iter().filter(unique).filter(convertible).map(|variant| {
        let (gate, arm) = (gate(variant.gated), names::ident(&variant.name));
        let ty = inner(variant).unwrap_or(RustType::Json);
        let tokens = rust_type(&ty);
        let value = match variant.payload {
            Some(RustType::Boxed(_)) => quote!(Box::new(value)),
            _ => quote!(value),
        };
        let text = (ty == RustType::String).then(|| {
            quote! {
                impl From<&str> for #name {
                    fn from(value: &str) -> Self { Self::#arm(value.to_owned()) }
                }
            }
        });
        quote! {
            #gate
            impl From<#tokens> for #name {
                fn from(value: #tokens) -> Self { Self::#arm(#value) }
            }
            #text
        }
    });
    let has_strings = union.variants.iter().any(|variant| variant.payload.is_none());
    let from_text = (matches!(union.kind, UnionKind::External) && has_strings).then(|| {
        quote! {
            #[doc = " The arm that is a plain string on the wire; an unknown one is kept."]
            impl From<&str> for #name {
                fn from(value: &str) -> Self { wire::de::External::from_string(value) }
            }
            impl From<String> for #name {
                fn from(value: String) -> Self { wire::de::External::from_string(&value) }
            }
        }
    });
    quote!(#(#impls)* #from_text)
}

fn serde_impls(name: &proc_macro2::Ident, serialize: TokenStream, deserialize: TokenStream) -> TokenStream {
    quote! {
        impl wire::Serialize for #name {
            fn serialize<S: wire::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> { #serialize }
        }
        impl<'de> wire::Deserialize<'de> for #name {
            fn deserialize<D: wire::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> { #deserialize }
        }
    }
}

fn tagged(item: &Item, union: &Union, tag: &str) -> TokenStream {
    let (name, text) = (names::ident(&item.name), &item.name);
    let reads = union.variants.iter().map(|variant| {
        let (gate, wire, arm) = (gate(variant.gated), &variant.wire, names::ident(&variant.name));
        match &variant.payload {
            Some(_) => quote!(#gate #wire => Self::#arm(wire::de::Object::from_map(map)?),),
            None => quote!(#gate #wire => { wire::de::drain(map, #tag)?; Self::#arm }),
        }
    });
    let writes = union.variants.iter().map(|variant| {
        let (gate, wire, arm) = (gate(variant.gated), &variant.wire, names::ident(&variant.name));
        match &variant.payload {
            Some(_) => quote!(#gate Self::#arm(arm) => wire::ser::tagged(#tag, #wire, arm, serializer),),
            None => quote!(#gate Self::#arm => wire::ser::single(#tag, #wire, serializer),),
        }
    });
    let tags = union.variants.iter().map(|variant| {
        let (gate, wire, arm) = (gate(variant.gated), &variant.wire, names::ident(&variant.name));
        let pattern = variant.payload.as_ref().map(|_| quote!((_)));
        quote!(#gate Self::#arm #pattern => #wire,)
    });
    let tag_docs = format!(" The member `{tag}`, which names the arm on the wire.");
    let accessors =
        union.shared.iter().filter(|field| field.name != "tag").map(|field| accessor(union, field));
    let serde = serde_impls(
        &name,
        quote!(match self { #(#writes)* Self::Unrecognized(value) => value.serialize(serializer) }),
        quote!(wire::de::tagged(deserializer)),
    );
    quote! {
        impl #name {
            #[doc = #tag_docs]
            pub fn tag(&self) -> &str {
                match self {
                    #(#tags)*
                    Self::Unrecognized(value) => value.get(#tag).and_then(serde_json::Value::as_str).unwrap_or_default(),
                }
            }
            #(#accessors)*
        }
        impl wire::de::Tagged for #name {
            const NAME: &'static str = #text;
            const TAG: &'static str = #tag;
            fn from_tag<'de, A: wire::MapAccess<'de>>(tag: &str, map: A) -> Result<Self, A::Error> {
                Ok(match tag {
                    #(#reads)*
                    _ => Self::Unrecognized(wire::de::collect(#tag, tag, map)?),
                })
            }
        }
        #serde
    }
}

/// A member that every arm has, read through the union; an arm that is not known is asked as JSON.
fn accessor(union: &Union, field_item: &FieldItem) -> TokenStream {
    let (name, wire) = (names::ident(&field_item.name), &field_item.wire);
    let optional = matches!(field_item.presence, Presence::Optional | Presence::Nullable);
    let (ty, from_field, from_json) = match (&field_item.ty, &field_item.presence) {
        (_, Presence::Patch) => return TokenStream::new(),
        (RustType::String, _) if optional => {
            (quote!(&str), quote!(arm.#name.as_deref()), quote!(.and_then(serde_json::Value::as_str)))
        }
        (RustType::String, _) => {
            (quote!(&str), quote!(Some(&arm.#name)), quote!(.and_then(serde_json::Value::as_str)))
        }
        (RustType::Bool, _) => {
            let field = if optional { quote!(arm.#name) } else { quote!(Some(arm.#name)) };
            (quote!(bool), field, quote!(.and_then(serde_json::Value::as_bool)))
        }
        (RustType::Int(format), _) => {
            let field = if optional { quote!(arm.#name) } else { quote!(Some(arm.#name)) };
            (
                rust_type(&field_item.ty),
                field,
                match format {
                    IntFormat::I64 => quote!(.and_then(serde_json::Value::as_i64)),
                    IntFormat::U64 => quote!(.and_then(serde_json::Value::as_u64)),
                    _ => quote!(.and_then(serde_json::Value::as_i64).and_then(|value| value.try_into().ok())),
                },
            )
        }
        (RustType::Json, _) => {
            let field = if optional { quote!(arm.#name.as_ref()) } else { quote!(Some(&arm.#name)) };
            (quote!(&serde_json::Value), field, quote!())
        }
        // An arm that is not known has no value of this type to lend.
        (other, _) => {
            let inner = rust_type(other);
            let field = if optional { quote!(arm.#name.as_ref()) } else { quote!(Some(&arm.#name)) };
            (quote!(&#inner), field, quote!(.and(None)))
        }
    };
    let arms = union.variants.iter().map(|variant| {
        let (gate, arm) = (gate(variant.gated), names::ident(&variant.name));
        quote!(#gate Self::#arm(arm) => #from_field,)
    });
    let docs = format!(" The member `{wire}`, which every arm has.");
    quote! {
        #[doc = #docs]
        pub fn #name(&self) -> Option<#ty> {
            match self {
                #(#arms)*
                Self::Unrecognized(value) => value.get(#wire)#from_json,
            }
        }
    }
}

fn external(item: &Item, union: &Union) -> TokenStream {
    let (name, text) = (names::ident(&item.name), &item.name);
    let objects = || union.variants.iter().filter(|variant| variant.payload.is_some());
    let known = objects().map(|variant| {
        let (gate, wire) = (gate(variant.gated), &variant.wire);
        quote!(#gate #wire)
    });
    let strings = union.variants.iter().filter(|variant| variant.payload.is_none()).map(|variant| {
        let (gate, wire, arm) = (gate(variant.gated), &variant.wire, names::ident(&variant.name));
        quote!(#gate #wire => Self::#arm,)
    });
    let strings: Vec<TokenStream> = strings.collect();
    let from_string = if strings.is_empty() {
        quote!(Self::Unrecognized(name.into()))
    } else {
        quote!(match name { #(#strings)* _ => Self::Unrecognized(name.into()) })
    };
    let members = objects().map(|variant| {
        let (gate, wire, arm) = (gate(variant.gated), &variant.wire, names::ident(&variant.name));
        quote!(#gate #wire => Self::#arm(wire::de::value(map)?),)
    });
    let writes = union.variants.iter().map(|variant| {
        let (gate, wire, arm) = (gate(variant.gated), &variant.wire, names::ident(&variant.name));
        match &variant.payload {
            Some(_) => quote!(#gate Self::#arm(arm) => wire::ser::single(#wire, arm, serializer),),
            None => quote!(#gate Self::#arm => serializer.serialize_str(#wire),),
        }
    });
    let serde = serde_impls(
        &name,
        quote!(match self { #(#writes)* Self::Unrecognized(value) => value.serialize(serializer) }),
        quote!(wire::de::external(deserializer)),
    );
    quote! {
        impl wire::de::External for #name {
            const NAME: &'static str = #text;
            const ARMS: &'static [&'static str] = &[#(#known),*];
            fn from_string(name: &str) -> Self { #from_string }
            fn from_member<'de, A: wire::MapAccess<'de>>(name: &str, map: &mut A) -> Result<Self, A::Error> {
                Ok(match name { #(#members)* _ => Self::Unrecognized(wire::de::value(map)?) })
            }
            fn unrecognized(value: serde_json::Value) -> Self { Self::Unrecognized(value) }
        }
        #serde
    }
}

fn by_type(item: &Item, union: &Union) -> TokenStream {
    let name = names::ident(&item.name);
    let kinds: Vec<&str> = union.variants.iter().map(|variant| variant.wire.as_str()).collect();
    let expected = format!("a {}: {}", item.name, kinds.join(" or "));
    let methods = union.variants.iter().map(|variant| {
        let arm = names::ident(&variant.name);
        match variant.wire.as_str() {
            "string" => quote!(fn string(value: &str) -> Option<Self> { Some(Self::#arm(value.into())) }),
            "integer" if variant.payload == Some(RustType::Int(IntFormat::I64)) => {
                quote!(fn integer(value: i64) -> Option<Self> { Some(Self::#arm(value)) })
            }
            "integer" if matches!(variant.payload, Some(RustType::Integers(_))) => {
                quote!(fn integer(value: i64) -> Option<Self> { wire::de::integer_value(value).map(Self::#arm) })
            }
            "integer" => {
                quote!(fn integer(value: i64) -> Option<Self> { value.try_into().ok().map(Self::#arm) })
            }
            "number" if variant.payload == Some(RustType::F32) => {
                quote!(fn number(value: f64) -> Option<Self> { Some(Self::#arm(value as f32)) })
            }
            "number" => quote!(fn number(value: f64) -> Option<Self> { Some(Self::#arm(value)) }),
            "boolean" => quote!(fn boolean(value: bool) -> Option<Self> { Some(Self::#arm(value)) }),
            "array" => quote! {
                fn array<'de, A: wire::SeqAccess<'de>>(seq: A) -> Result<Option<Self>, A::Error> {
                    wire::de::array_of(seq).map(Self::#arm).map(Some)
                }
            },
            _ => quote! {
                fn object<'de, A: wire::MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
                    wire::de::object_of(map).map(Self::#arm).map(Some)
                }
            },
        }
    });
    let writes = union.variants.iter().map(|variant| {
        let arm = names::ident(&variant.name);
        quote!(Self::#arm(value) => value.serialize(serializer),)
    });
    let serde =
        serde_impls(&name, quote!(match self { #(#writes)* }), quote!(wire::de::by_type(deserializer)));
    quote! {
        impl wire::de::ByType for #name {
            const EXPECTED: &'static str = #expected;
            #(#methods)*
        }
        #serde
    }
}

fn by_keys(item: &Item, union: &Union, open: bool) -> TokenStream {
    let (name, text) = (names::ident(&item.name), &item.name);
    let all: Vec<(usize, &Marks)> = union
        .variants
        .iter()
        .enumerate()
        .flat_map(|(index, variant)| variant.marks.iter().map(move |marks| (index, marks)))
        .collect();
    let arms = all.iter().map(|(_, marks)| {
        let literals = marks.literals.iter().map(|(member, values)| quote!((#member, &[#(#values),*])));
        let fixed = marks.fixed.iter().map(|(member, values)| quote!((#member, &[#(#values),*])));
        let required = marks.required.iter().map(|names| quote!(&[#(#names),*]));
        let known = &marks.known;
        quote! {
            wire::de::Arm { literals: &[#(#literals),*], fixed: &[#(#fixed),*], required: &[#(#required),*], known: &[#(#known),*] }
        }
    });
    let reads = union.variants.iter().enumerate().map(|(index, variant)| {
        let arm = names::ident(&variant.name);
        // The sets of marks of one arm stand side by side.
        let first = all.iter().position(|(of, _)| *of == index).unwrap_or_default();
        let positions = match all.iter().filter(|(of, _)| *of == index).count() {
            0 | 1 => quote!(#first),
            count => {
                let last = first + count - 1;
                quote!(#first..=#last)
            }
        };
        quote!(Some(#positions) => Ok(Self::#arm(object.read()?)),)
    });
    let rest = if open {
        quote!(_ => Ok(Self::Unrecognized(object.keep()?)),)
    } else {
        quote!(_ => Err(wire::de::no_arm(#text)),)
    };
    let writes = union.variants.iter().map(|variant| {
        let arm = names::ident(&variant.name);
        quote!(Self::#arm(value) => value.serialize(serializer),)
    });
    let write_rest = open.then(|| quote!(Self::Unrecognized(value) => value.serialize(serializer),));
    let serde = serde_impls(
        &name,
        quote!(match self { #(#writes)* #write_rest }),
        quote!(wire::de::by_keys(deserializer)),
    );
    quote! {
        impl wire::de::ByKeys for #name {
            const NAME: &'static str = #text;
            const ARMS: &'static [wire::de::Arm] = &[#(#arms),*];
            fn from_object<E: wire::DeError>(object: &wire::de::Chosen<'_>) -> Result<Self, E> {
                match object.arm() { #(#reads)* #rest }
            }
        }
        #serde
    }
}
