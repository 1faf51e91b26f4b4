//! The names of one protocol: methods by kind, and the parts of each definition by their path in it.

use std::collections::BTreeMap;

use super::State;
use crate::error::Result;
use crate::load::Schema;
use crate::model::{MethodKind, Model, is_envelope};
use crate::normalise;
use crate::shape::{Object, Shape};

/// One definition, or one union over methods: its own state, and that of its parts.
pub(super) type Owner = (State, BTreeMap<String, State>);

/// The names of a protocol, as the schema has them: the tables beside the schema change nothing here, so that a row
/// that is added today needs no codex of last year.
pub(super) struct Names {
    /// By the name of the union that lists them.
    pub(super) methods: BTreeMap<String, Owner>,
    /// By the name of the definition, those included that no method reaches.
    pub(super) types: BTreeMap<String, Owner>,
}

impl Names {
    pub(super) fn of(schema: &Schema) -> Result<Self> {
        let methods = Model::methods_of(schema)?;
        let methods = MethodKind::ALL.into_iter().map(|kind| {
            let of_kind = methods.iter().filter(|method| method.kind == kind);
            let names = of_kind.map(|method| (method.name.clone(), State::of(method.experimental)));
            (kind.union_name().to_owned(), (State::Stable, names.collect()))
        });
        let types = normalise::definitions(schema)?.into_iter().filter(|(name, _)| !is_envelope(name));
        let types = types.map(|(name, definition)| {
            let own = State::of(schema.definitions.get(&name).is_some_and(normalise::is_experimental));
            let mut parts = BTreeMap::new();
            visit(&definition.shape, own, "", &mut |path, state| {
                parts.insert(path, state);
            });
            (name, (own, parts))
        });
        Ok(Self { methods: methods.collect(), types: types.collect() })
    }
}

/// The path of a part: names on the wire with dots between them.
pub(super) fn join(path: &str, name: &str) -> String {
    let name = name.replace('~', "~0").replace('.', "~1");
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

/// What an arm that no tag names is called: the definition it is, or the JSON type or the members it has.
pub(super) fn arm_name(shape: &Shape) -> String {
    match shape {
        Shape::Ref(name) => name.clone(),
        Shape::Bool | Shape::BoolLiteral(_) => "boolean".to_owned(),
        Shape::Integer(_) | Shape::IntegerEnum(_) => "integer".to_owned(),
        Shape::Number { .. } => "number".to_owned(),
        Shape::String | Shape::StringEnum(_) => "string".to_owned(),
        Shape::Array(_) => "array".to_owned(),
        Shape::Object(object) => {
            let required = object.fields.iter().filter(|field| field.required);
            let names: Vec<&str> = required.map(|field| field.wire.as_str()).collect();
            if names.is_empty() { "object".to_owned() } else { names.join("+") }
        }
        _ => "object".to_owned(),
    }
}

/// Calls `found` with every part of a shape. A part of something experimental is experimental.
fn visit(shape: &Shape, own: State, path: &str, found: &mut dyn FnMut(String, State)) {
    let below = |experimental: bool| if experimental { State::Experimental } else { own };
    match shape {
        Shape::Array(inner) | Shape::Map(inner) | Shape::Nullable(inner) => visit(inner, own, path, found),
        Shape::Object(object) => members(object, own, path, found),
        Shape::StringEnum(values) => {
            for value in values {
                found(join(path, &value.wire), below(value.experimental));
            }
        }
        Shape::IntegerEnum(literals) => {
            for value in &literals.values {
                found(join(path, &value.wire.to_string()), below(value.experimental));
            }
        }
        Shape::Tagged(tagged) => {
            for arm in &tagged.arms {
                let (here, state) = (join(path, &arm.value), below(arm.experimental));
                found(here.clone(), state);
                members(&arm.object, state, &here, found);
            }
        }
        Shape::External(arms) => {
            for arm in arms {
                let (here, state) = (join(path, &arm.value), below(arm.experimental));
                found(here.clone(), state);
                if let Some(payload) = &arm.payload {
                    visit(payload, state, &here, found);
                }
            }
        }
        Shape::ByType(arms) => arms.iter().for_each(|arm| untagged(arm, own, path, found)),
        Shape::ByKeys(arms) => arms.iter().for_each(|arm| untagged(&arm.shape, own, path, found)),
        _ => {}
    }
}

fn untagged(arm: &Shape, own: State, path: &str, found: &mut dyn FnMut(String, State)) {
    let here = join(path, &arm_name(arm));
    found(here.clone(), own);
    visit(arm, own, &here, found);
}

fn members(object: &Object, own: State, path: &str, found: &mut dyn FnMut(String, State)) {
    for field in object.fields.iter().chain(&object.choice) {
        let here = join(path, &field.wire);
        let state = if field.experimental { State::Experimental } else { own };
        found(here.clone(), state);
        visit(&field.shape, state, &here, found);
    }
}
