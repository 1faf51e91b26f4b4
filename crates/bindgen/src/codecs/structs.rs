//! Structs and their codecs.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{Context, constructors, docs, rust_type};
use crate::lower::{ChoiceField, FieldItem, Item, Presence, Struct};
use crate::names;

pub(super) fn structure(context: &Context<'_>, item: &Item, structure: &Struct) -> TokenStream {
    let (item_docs, name) = (docs(&item.docs), names::ident(&item.name));
    let fields = structure.fields.iter().map(|field| {
        let (docs, name, ty) = (docs(&field.docs), names::ident(&field.name), field_type(field));
        quote!(#docs pub #name: #ty,)
    });
    let choice = structure.choice.iter().map(|choice| {
        let (name, ty) = (names::ident(&choice.name), names::ident(&choice.enum_name));
        quote!(#[doc = " Exactly one of several members."] pub #name: #ty,)
    });
    let additional = structure.additional.then(|| {
        quote! {
            #[doc = " Members beyond the known ones, which the schema declares to be part of the value."]
            pub additional_members: serde_json::Map<String, serde_json::Value>,
        }
    });
    let secret = structure.fields.iter().any(|field| field.secret);
    let debug = secret.then(|| redacted_debug(item, structure));
    let derives = match (secret, constructors::derives_default(structure)) {
        (false, true) => quote!(Clone, Debug, Default, PartialEq),
        (false, false) => quote!(Clone, Debug, PartialEq),
        (true, true) => quote!(Clone, Default, PartialEq),
        (true, false) => quote!(Clone, PartialEq),
    };
    let codec = codec(item, structure);
    let constructors = constructors::constructors(context, item, structure);
    quote! {
        #item_docs
        #[derive(#derives)]
        #[non_exhaustive]
        pub struct #name { #(#fields)* #(#choice)* #additional }
        #debug
        #constructors
        #codec
    }
}

/// The whole type of a field, its `Option` or `Patch` included.
pub(super) fn field_type(field: &FieldItem) -> TokenStream {
    let ty = rust_type(&field.ty);
    match field.presence {
        Presence::Required | Presence::Default(_) => ty,
        Presence::Nullable | Presence::Optional => quote!(Option<#ty>),
        Presence::Patch => quote!(wire::Patch<#ty>),
    }
}

fn redacted_debug(item: &Item, structure: &Struct) -> TokenStream {
    let (name, text) = (names::ident(&item.name), &item.name);
    let fields = structure.fields.iter().map(|field| {
        let (ident, text) = (names::ident(&field.name), &field.name);
        if field.secret {
            quote!(.field(#text, &wire::Redacted(&self.#ident)))
        } else {
            quote!(.field(#text, &self.#ident))
        }
    });
    let choice = structure.choice.iter().map(|choice| {
        let (ident, text) = (names::ident(&choice.name), &choice.name);
        quote!(.field(#text, &self.#ident))
    });
    quote! {
        #[doc = " Secrets are redacted."]
        impl std::fmt::Debug for #name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(#text)#(#fields)*#(#choice)*.finish_non_exhaustive()
            }
        }
    }
}

fn codec(item: &Item, structure: &Struct) -> TokenStream {
    let (name, text) = (names::ident(&item.name), &item.name);
    if structure.fields.is_empty() && structure.choice.is_none() && !structure.additional {
        return empty_codec(item);
    }
    let (from_map, write) = (from_map(structure), write(structure));
    // An arm has no codec of its own: its union reads and writes the tag.
    let own = structure.arm_tag.is_none().then(|| quote!(wire::impl_object!(#name);));
    quote! {
        impl wire::de::Object for #name {
            const NAME: &'static str = #text;
            #from_map
        }
        impl wire::ser::Fields for #name { #write }
        #own
    }
}

fn empty_codec(item: &Item) -> TokenStream {
    let name = names::ident(&item.name);
    quote! { wire::impl_empty_object!(#name); }
}

fn from_map(structure: &Struct) -> TokenStream {
    let locals = structure.fields.iter().map(|field| {
        let name = names::ident(&field.name);
        match field.presence {
            Presence::Patch => quote!(let mut #name = wire::Patch::Absent;),
            _ => quote!(let mut #name = None;),
        }
    });
    let arms = structure.fields.iter().map(|field| {
        let name = names::ident(&field.name);
        let wires = [&field.wire].into_iter().chain(&field.aliases);
        let value = match field.presence {
            Presence::Required | Presence::Nullable => quote!(Some(wire::de::value(&mut __map)?)),
            Presence::Patch => quote!(wire::de::patch(&mut __map)?),
            Presence::Optional | Presence::Default(_) => quote!(wire::de::value(&mut __map)?),
        };
        quote!(#(#wires)|* => #name = #value,)
    });
    let values = structure.fields.iter().map(|field| {
        let (name, wire) = (names::ident(&field.name), &field.wire);
        match &field.presence {
            Presence::Required | Presence::Nullable => quote!(#name: wire::de::required(#name, #wire)?,),
            Presence::Optional | Presence::Patch => quote!(#name,),
            Presence::Default(default) => {
                let value = constructors::or_default(default, &field.ty);
                quote!(#name: #name.#value,)
            }
        }
    });
    let choice_locals = choice_arms(structure).map(|local| quote!(let mut #local = None;));
    let choice_reads =
        structure.choice.iter().flat_map(|choice| &choice.arms).zip(choice_arms(structure)).map(
            |(arm, local)| {
                let wire = &arm.wire;
                quote!(#wire => #local = wire::de::value(&mut __map)?,)
            },
        );
    let choice_value = structure.choice.as_ref().map(choice_value);
    let second_tag =
        structure.arm_tag.as_ref().map(|tag| quote!(#tag => return Err(wire::de::duplicate(#tag)),));
    let (rest, rest_local, rest_value) = if structure.additional {
        (
            quote!(__name => wire::de::additional(&mut __rest, __name, &mut __map)?,),
            Some(quote!(let mut __rest = serde_json::Map::new();)),
            Some(quote!(additional_members: __rest,)),
        )
    } else {
        (quote!(_ => wire::de::skip(&mut __map)?,), None, None)
    };
    quote! {
        fn from_map<'de, A: wire::MapAccess<'de>>(mut __map: A) -> Result<Self, A::Error> {
            #(#locals)* #(#choice_locals)* #rest_local
            while let Some(__key) = wire::de::key(&mut __map)? {
                match &*__key { #(#arms)* #(#choice_reads)* #second_tag #rest }
            }
            Ok(Self { #(#values)* #choice_value #rest_value })
        }
    }
}

fn choice_arms(structure: &Struct) -> impl Iterator<Item = proc_macro2::Ident> + '_ {
    structure
        .choice
        .iter()
        .flat_map(|choice| &choice.arms)
        .map(|arm| format_ident!("__choice_{}", names::field(&arm.wire)))
}

fn choice_value(choice: &ChoiceField) -> TokenStream {
    let (name, ty) = (names::ident(&choice.name), names::ident(&choice.enum_name));
    let names_text = choice.arms.iter().map(|arm| format!("`{}`", arm.wire)).collect::<Vec<_>>().join(", ");
    let arms = choice.arms.iter().map(|arm| {
        let (variant, local) =
            (names::ident(&arm.variant), format_ident!("__choice_{}", names::field(&arm.wire)));
        quote!(if let Some(value) = #local { #ty::#variant(value) } else)
    });
    quote!(#name: #(#arms)* { return Err(wire::de::missing_choice(#names_text)); },)
}

fn write(structure: &Struct) -> TokenStream {
    let fields = structure.fields.iter().map(|field| {
        let (name, wire) = (names::ident(&field.name), &field.wire);
        let helper = match field.presence {
            Presence::Required | Presence::Nullable | Presence::Default(_) => quote!(field),
            Presence::Optional => quote!(optional),
            Presence::Patch => quote!(patch),
        };
        quote!(wire::ser::#helper(map, #wire, &self.#name)?;)
    });
    let choice = structure.choice.iter().map(|choice| {
        let (name, ty) = (names::ident(&choice.name), names::ident(&choice.enum_name));
        let arms = choice.arms.iter().map(|arm| {
            let (variant, wire) = (names::ident(&arm.variant), &arm.wire);
            quote!(#ty::#variant(value) => wire::ser::field(map, #wire, value)?,)
        });
        quote!(match &self.#name { #(#arms)* })
    });
    let rest = structure.additional.then(|| quote!(wire::ser::additional(map, &self.additional_members)?;));
    quote! {
        fn write<M: wire::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
            #(#fields)* #(#choice)* #rest
            Ok(())
        }
    }
}
