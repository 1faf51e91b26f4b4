//! Compares the lists of methods: their names, their params, and whether they are stable.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::TypeScript;
use super::compare::Comparison;
use super::parse::Ts;
use super::words::{describe, show};
use crate::model::{MethodKind, Params};
use crate::shape::Shape;

impl Comparison<'_> {
    /// The methods of one kind: their names, their params and whether they are stable.
    pub(super) fn methods(&mut self, kind: MethodKind, stable: &TypeScript) {
        let union = kind.union_name();
        let theirs = methods(self.types, kind);
        let stable = methods(stable, kind);
        let ours: BTreeMap<&str, _> =
            self.model.of_kind(kind).map(|method| (method.name.as_str(), method)).collect();
        let names: BTreeSet<&str> = theirs.keys().map(String::as_str).chain(ours.keys().copied()).collect();
        for name in names {
            let place = format!("{union}.{name}");
            let (method, params) = match (ours.get(name), theirs.get(name)) {
                (Some(method), Some(params)) => (method, params),
                (None, _) => {
                    self.report(&place, "no method", "a method");
                    continue;
                }
                (_, None) => {
                    self.report(&place, "a method", "no method");
                    continue;
                }
            };
            let surface = |is_stable: bool| if is_stable { "stable" } else { "experimental" };
            if method.experimental == stable.contains_key(name) {
                self.report(&place, surface(!method.experimental), surface(method.experimental));
            }
            self.params(&format!("{place}.params"), &method.params, params.as_ref());
        }
    }

    fn params(&mut self, place: &str, ours: &Params, theirs: Option<&Ts>) {
        let shape = match ours {
            Params::None => None,
            Params::Required(name) => Some(Shape::Ref(name.clone())),
            Params::Nullable(name) => Some(Shape::Nullable(Box::new(Shape::Ref(name.clone())))),
        };
        match (shape, theirs) {
            (None, None) => {}
            (Some(shape), Some(ty)) => self.shape(place, &shape, ty, 0),
            (Some(shape), None) => self.report(place, describe(&shape), "no params"),
            (None, Some(ty)) => self.report(place, "no params", show(ty)),
        }
    }
}

/// The methods that one of the four unions lists, with the type of their params.
fn methods(types: &TypeScript, kind: MethodKind) -> BTreeMap<String, Option<Ts>> {
    let union = types.types.get(kind.union_name()).map(|ty| types.arms(ty)).unwrap_or_default();
    let mut methods = BTreeMap::new();
    for arm in union {
        let Ts::Object(members) = arm else { continue };
        let member = |name: &str| members.iter().find(|member| member.name == name).map(|member| &member.ty);
        if let Some(Ts::Literal(Value::String(method))) = member("method") {
            let params = member("params").filter(|ty| **ty != Ts::Null).cloned();
            methods.insert(method.clone(), params);
        }
    }
    methods
}
