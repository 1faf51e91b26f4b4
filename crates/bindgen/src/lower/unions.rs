//! Unions as enums.

use super::docs::since_docs;
use super::{FieldItem, ItemKind, Lowering, RustType, Union, UnionKind, Variant};
use crate::error::{Error, Result};
use crate::load::pointer;
use crate::names;
use crate::shape::{Definition, ExternalArm, KeyArm, Shape, Tagged};

impl<'m> Lowering<'m> {
    pub(super) fn tagged(
        &mut self,
        name: &str,
        definition: &'m Definition,
        tagged: &'m Tagged,
    ) -> Result<Union> {
        let mut variants = Vec::new();
        let mut arm_fields: Vec<Vec<FieldItem>> = Vec::new();
        let variant_names = names::variants(tagged.arms.iter().map(|arm| arm.value.as_str()));
        for (arm, variant) in tagged.arms.iter().zip(variant_names) {
            let structure =
                self.structure(&format!("{variant}{name}"), definition, &arm.object, Some(&tagged.tag))?;
            arm_fields.push(structure.fields.clone());
            let bare = structure.fields.is_empty() && structure.choice.is_none() && !structure.additional;
            let gated = arm.experimental || !self.model.usage[&definition.name].always_compiled;
            let payload = if bare {
                None
            } else {
                let arm_name = self.arm_name(&variant, name);
                let docs = vec![format!("The arm `{}` of [`{name}`].", arm.value)];
                self.add(arm_name.clone(), definition, docs, ItemKind::Struct(structure), gated)?;
                Some(RustType::Named(arm_name))
            };
            variants.push(Variant {
                name: variant,
                wire: arm.value.clone(),
                payload,
                marks: Vec::new(),
                gated: arm.experimental,
                docs: self.arm_docs(
                    &arm.value,
                    arm.since,
                    arm.experimental,
                    arm.deprecated,
                    &arm.description,
                ),
            });
        }
        let shared = shared_fields(&arm_fields);
        self.union(definition, UnionKind::Tagged(tagged.tag.clone()), variants, shared)
    }

    pub(super) fn external(
        &mut self,
        name: &str,
        definition: &'m Definition,
        arms: &'m [ExternalArm],
    ) -> Result<Union> {
        let mut variants = Vec::new();
        let variant_names = names::variants(arms.iter().map(|arm| arm.value.as_str()));
        for (arm, variant) in arms.iter().zip(variant_names) {
            let payload = match &arm.payload {
                None => None,
                Some(payload) => {
                    let arm_name = self.arm_name(&variant, name);
                    Some(self.rust_type(payload, &arm_name, definition)?)
                }
            };
            variants.push(Variant {
                name: variant,
                wire: arm.value.clone(),
                payload,
                marks: Vec::new(),
                gated: arm.experimental,
                docs: self.arm_docs(&arm.value, arm.since, arm.experimental, false, &arm.description),
            });
        }
        self.union(definition, UnionKind::External, variants, Vec::new())
    }

    pub(super) fn by_type(
        &mut self,
        name: &str,
        definition: &'m Definition,
        arms: &'m [Shape],
    ) -> Result<Union> {
        let mut variants = Vec::new();
        for arm in arms {
            let wire = self.json_type(arm);
            let variant = match arm {
                Shape::Ref(target) => {
                    names::distinguishing(&[&names::type_name(target), name]).swap_remove(0)
                }
                _ => names::variant(wire),
            };
            let payload = Some(self.rust_type(arm, &format!("{variant}{name}"), definition)?);
            let docs = vec![format!("A value of the JSON type {wire}.")];
            variants.push(Variant {
                name: variant,
                wire: wire.into(),
                payload,
                marks: Vec::new(),
                gated: false,
                docs,
            });
        }
        self.union(definition, UnionKind::ByType, variants, Vec::new())
    }

    pub(super) fn by_keys(
        &mut self,
        name: &str,
        definition: &'m Definition,
        arms: &'m [KeyArm],
    ) -> Result<Union> {
        let variant_names = key_arm_names(arms);
        let mut variants = Vec::new();
        for (arm, variant) in arms.iter().zip(variant_names) {
            let arm_name = self.arm_name(&variant, name);
            let payload = Some(self.rust_type(&arm.shape, &arm_name, definition)?);
            let mut docs = vec![match &arm.shape {
                Shape::Ref(target) => format!("An object of the type `{target}`."),
                _ => format!("An object with {}.", required_in_words(arm)),
            }];
            docs.extend(since_docs(arm.since, false));
            let wire = variant.clone();
            variants.push(Variant {
                name: variant,
                wire,
                payload,
                marks: arm.marks.clone(),
                gated: false,
                docs,
            });
        }
        self.union(definition, UnionKind::ByKeys, variants, Vec::new())
    }

    fn union(
        &self,
        definition: &Definition,
        kind: UnionKind,
        variants: Vec<Variant>,
        shared: Vec<FieldItem>,
    ) -> Result<Union> {
        for (index, variant) in variants.iter().enumerate() {
            if let Some(other) = variants[..index].iter().find(|other| other.name == variant.name) {
                return Err(Error::schema(
                    pointer(&definition.name),
                    format!(
                        "the arms `{}` and `{}` both become `{}`",
                        other.wire, variant.wire, variant.name
                    ),
                ));
            }
        }
        Ok(Union { kind, variants, shared })
    }

    /// `{Arm}{Union}`, or the other way round where a definition has that name.
    fn arm_name(&self, variant: &str, union: &str) -> String {
        let name = format!("{variant}{union}");
        let taken = self.model.definitions.keys().any(|other| names::type_name(other) == name);
        if taken { format!("{union}{variant}") } else { name }
    }

    fn json_type(&self, shape: &Shape) -> &'static str {
        match shape {
            Shape::String | Shape::StringEnum(_) => "string",
            Shape::Integer(_) | Shape::IntegerEnum(_) => "integer",
            Shape::Number { .. } => "number",
            Shape::Bool | Shape::BoolLiteral(_) => "boolean",
            Shape::Array(_) => "array",
            Shape::Ref(target) => {
                self.model.definitions.get(target).map_or("object", |target| self.json_type(&target.shape))
            }
            _ => "object",
        }
    }
}

/// Members that all arms have, with one name and one type.
fn shared_fields(arms: &[Vec<FieldItem>]) -> Vec<FieldItem> {
    let Some((first, rest)) = arms.split_first() else { return Vec::new() };
    let same = |a: &FieldItem, b: &FieldItem| a.name == b.name && a.ty == b.ty && a.presence == b.presence;
    first
        .iter()
        .filter(|field| rest.iter().all(|arm| arm.iter().any(|other| same(field, other))))
        .cloned()
        .collect()
}

/// Definitions are named by what differs in their names, objects by the members they alone require.
fn key_arm_names(arms: &[KeyArm]) -> Vec<String> {
    let targets: Vec<&str> = arms
        .iter()
        .filter_map(|arm| match &arm.shape {
            Shape::Ref(target) => Some(target.as_str()),
            _ => None,
        })
        .collect();
    if targets.len() == arms.len() {
        return names::distinguishing(&targets);
    }
    let required = |arm: &KeyArm| -> Vec<String> {
        arm.marks.iter().flat_map(|marks| marks.required.iter().map(|names| names[0].clone())).collect()
    };
    arms.iter()
        .map(|arm| {
            let own: Vec<String> = required(arm)
                .into_iter()
                .filter(|name| arms.iter().filter(|other| required(other).contains(name)).count() == 1)
                .map(|name| names::variant(&name))
                .collect();
            if own.is_empty() { "Other".to_owned() } else { own.join("And") }
        })
        .collect()
}

fn required_in_words(arm: &KeyArm) -> String {
    let names: Vec<String> =
        arm.marks.iter().flat_map(|marks| &marks.required).map(|names| format!("`{}`", names[0])).collect();
    names.join(" and ")
}
