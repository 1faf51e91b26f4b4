//! Values for tests: a sample of every type, and constructors for what the server writes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::{Map, Value, json};

use super::{Context, constructors, rust_type};
use crate::lower::{FieldItem, Item, ItemKind, Presence, RustType, Struct, Union, UnionKind, Variant};
use crate::names;

/// The JSON of a sample: the required members alone, of unions the first arm that is not experimental. None for
/// what has no values of its own.
pub(crate) fn sample(context: &Context<'_>, item: &Item) -> Option<Value> {
    match &item.kind {
        ItemKind::Alias(_) => None,
        ItemKind::Union(Union { kind: UnionKind::Choice, .. }) => None,
        _ => Samples { context }.item(item, &mut Vec::new()),
    }
}

/// `sample` for an item, and `new` and setters for a struct that only the server writes; the others have them
/// already.
///
/// A macro of the wire crate writes each function, on a line of its own, so that little code is generated and a new
/// member shows as one line.
pub(crate) fn functions(context: &Context<'_>, item: &Item) -> Option<TokenStream> {
    let name = names::ident(&item.name);
    let json = literal(&sample(context, item)?.to_string());
    let structure = item.kind.structure();
    let is_arm = structure.is_some_and(|structure| structure.arm_tag.is_some());
    let read = if is_arm { quote!(object) } else { quote!(value) };
    let constructors =
        structure.filter(|structure| !structure.written).map(|structure| constructors(context, structure));
    Some(quote!(impl #name { wire::test_sample!(#read #json); #constructors }))
}

/// A raw string, which needs no escapes for what JSON consists of.
fn literal(json: &str) -> proc_macro2::Literal {
    let raw = (!json.contains("\"#")).then(|| format!("r#\"{json}\"#").parse().ok()).flatten();
    raw.unwrap_or_else(|| proc_macro2::Literal::string(json))
}

fn constructors(context: &Context<'_>, structure: &Struct) -> TokenStream {
    let member = |field: &FieldItem| {
        let (name, kind, ty) = (names::ident(&field.name), kind(context, field), stored(field));
        quote!(#name: #kind #ty)
    };
    let choice = structure.choice.iter().map(|choice| {
        let (name, ty) = (names::ident(&choice.name), names::ident(&choice.enum_name));
        quote!(#name: value #ty)
    });
    let arguments = structure.required().into_iter().map(member).chain(choice);
    let setters = structure.fields.iter().map(|field| {
        let member = member(field);
        let renamed = matches!(field.name.as_str(), "new" | "default" | "sample").then(|| {
            let setter = format_ident!("with_{}", field.name);
            quote!(#setter =>)
        });
        quote!(wire::test_setter!(#renamed #member);)
    });
    quote!(wire::test_new!(#(#arguments),*); #(#setters)*)
}

/// The kind of a member, in the words of `wire::test_type!`.
fn kind(context: &Context<'_>, field: &FieldItem) -> TokenStream {
    let optional = field.presence == Presence::Optional;
    match field.presence {
        Presence::Nullable => quote!(value),
        Presence::Patch => quote!(patch),
        _ if constructors::is_string_list(&field.ty) && optional => quote!(some_strings),
        _ if constructors::is_string_list(&field.ty) => quote!(strings),
        _ if constructors::converts(context, &field.ty) && optional => quote!(some_into),
        _ if constructors::converts(context, &field.ty) => quote!(into),
        _ if optional => quote!(some),
        _ => quote!(value),
    }
}

fn stored(field: &FieldItem) -> TokenStream {
    let ty = rust_type(&field.ty);
    if field.presence == Presence::Nullable { quote!(Option<#ty>) } else { ty }
}

fn integer(value: i128) -> Option<Value> {
    i64::try_from(value).map(Value::from).or_else(|_| u64::try_from(value).map(Value::from)).ok()
}

struct Samples<'c> {
    context: &'c Context<'c>,
}

impl<'c> Samples<'c> {
    /// `open` holds the items being made: a union that holds itself has another arm to offer.
    fn item(&self, item: &'c Item, open: &mut Vec<&'c str>) -> Option<Value> {
        if open.contains(&item.name.as_str()) {
            return None;
        }
        open.push(&item.name);
        let value = match &item.kind {
            ItemKind::Alias(ty) => self.value(ty, open),
            ItemKind::IntegerEnum(_, values) => values.first().and_then(|value| integer(value.wire)),
            ItemKind::StringEnum(values) => values.first().map(|value| json!(value.wire)),
            ItemKind::Struct(structure) => self.members(structure, open).map(Value::Object),
            ItemKind::Union(union) => self.union(union, open),
        };
        open.pop();
        value
    }

    fn value(&self, ty: &'c RustType, open: &mut Vec<&'c str>) -> Option<Value> {
        Some(match ty {
            RustType::Bool => json!(false),
            RustType::Int(_) => json!(1),
            RustType::F32 | RustType::F64 => json!(0.5),
            RustType::String => json!("sample"),
            RustType::Json | RustType::JsonMap | RustType::Map(_) => json!({}),
            RustType::Vec(_) => json!([]),
            RustType::Option(_) => Value::Null,
            RustType::Boxed(inner) => self.value(inner, open)?,
            RustType::Named(name) | RustType::Integers(name) => {
                self.item(self.context.items.get(name)?, open)?
            }
            // Ids of requests; what else the wire crate has is an object without required members.
            RustType::Wire("RequestId") => json!(1),
            RustType::Wire(_) => json!({}),
        })
    }

    fn members(&self, structure: &'c Struct, open: &mut Vec<&'c str>) -> Option<Map<String, Value>> {
        let mut members = Map::new();
        for field in &structure.fields {
            let value = match field.presence {
                Presence::Required if field.literal.is_some() => json!(field.literal),
                Presence::Required => self.value(&field.ty, open)?,
                Presence::Nullable => Value::Null,
                Presence::Optional | Presence::Default(_) | Presence::Patch => continue,
            };
            members.insert(field.wire.clone(), value);
        }
        if let Some(choice) = &structure.choice {
            let mut arms = choice.arms.iter();
            let (wire, value) = arms.find_map(|arm| Some((arm.wire.clone(), self.value(&arm.ty, open)?)))?;
            members.insert(wire, value);
        }
        Some(members)
    }

    fn union(&self, union: &'c Union, open: &mut Vec<&'c str>) -> Option<Value> {
        let stable = union.variants.iter().filter(|variant| !variant.gated);
        let all = stable.chain(union.variants.iter().filter(|variant| variant.gated));
        let mut values = all.map(|variant| self.arm(&union.kind, variant, open));
        values.find_map(|value| value)
    }

    fn arm(&self, kind: &UnionKind, variant: &'c Variant, open: &mut Vec<&'c str>) -> Option<Value> {
        let payload = match &variant.payload {
            Some(ty) => Some(self.value(ty, open)?),
            None => None,
        };
        Some(match (kind, payload) {
            (UnionKind::Tagged(tag), payload) => {
                let mut members = payload.unwrap_or_else(|| json!({}));
                members.as_object_mut()?.insert(tag.clone(), json!(variant.wire));
                members
            }
            (UnionKind::External, None) => json!(variant.wire),
            (UnionKind::External, Some(payload)) => json!({ &variant.wire: payload }),
            (_, mut payload) => {
                // What tells the arm from its neighbours has to be in it.
                if let Some(marks) = variant.marks.first() {
                    let literals = marks
                        .literals
                        .iter()
                        .map(|(name, values)| (name, values.first().map(|text| json!(text))));
                    let fixed = marks.fixed.iter().map(|(name, values)| {
                        (name, values.first().and_then(|text| serde_json::from_str(text).ok()))
                    });
                    for (name, value) in literals.chain(fixed) {
                        payload.as_mut().and_then(Value::as_object_mut)?.insert(name.clone(), value?);
                    }
                }
                payload?
            }
        })
    }
}
