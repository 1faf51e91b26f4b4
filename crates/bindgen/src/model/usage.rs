//! Who uses each definition: by which methods, in which direction, on which surface, and where it lives.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::Rows;
use super::{Method, is_envelope};
use crate::error::{Error, Result};
use crate::load::pointer;
use crate::shape::{Definition, Shape};

/// How the protocol uses a definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The methods that reach it, by wire name.
    pub methods: BTreeSet<String>,
    /// The client writes it.
    pub written: bool,
    /// The client reads it.
    pub read: bool,
    /// A stable method reaches it through stable members and arms.
    pub stable: bool,
    /// It is compiled without the feature `experimental`: a stable method reaches it, be it through an
    /// experimental member, since members are never gated.
    pub always_compiled: bool,
    /// The crate it is generated into.
    pub home: Home,
}

/// The generated crate that a definition lives in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Home {
    /// Enums of strings and of integers.
    Enums,
    /// Whatever is no method's own payload.
    #[default]
    Types,
    /// Params and responses of requests.
    Requests,
    /// Params of notifications.
    Notifications,
}

pub(super) fn of(
    methods: &[Method],
    definitions: &BTreeMap<String, Definition>,
    rows: &mut Rows<'_>,
) -> Result<BTreeMap<String, Usage>> {
    let mut usage: BTreeMap<String, Usage> = BTreeMap::new();
    for method in methods {
        let from_client = method.kind.from_client();
        if let Some(params) = method.params.definition() {
            Walk { method, writes: from_client, definitions, usage: &mut usage }
                .visit(params, !method.experimental);
        }
        if let Some(response) = &method.response {
            Walk { method, writes: !from_client, definitions, usage: &mut usage }
                .visit(response, !method.experimental);
        }
    }
    for root in rows.roots(definitions) {
        add_root(root, definitions, &mut usage);
    }
    usage.retain(|name, _| !is_envelope(name));
    assign_homes(methods, definitions, &mut usage)?;
    Ok(usage)
}

struct Walk<'m> {
    method: &'m Method,
    writes: bool,
    definitions: &'m BTreeMap<String, Definition>,
    usage: &'m mut BTreeMap<String, Usage>,
}

impl<'m> Walk<'m> {
    /// Three walks in one: everything the method reaches, what it reaches without gated arms, and what
    /// it reaches through stable members and arms alone.
    fn visit(mut self, root: &'m str, stable: bool) {
        self.pass(root, &|_, _| true, &|usage, walk| {
            usage.methods.insert(walk.method.name.clone());
            usage.written |= walk.writes;
            usage.read |= !walk.writes;
        });
        if stable {
            self.pass(root, &|_, arm| !arm, &|usage, _| usage.always_compiled = true);
            self.pass(root, &|field, arm| !field && !arm, &|usage, _| usage.stable = true);
        }
    }

    fn pass(&mut self, root: &'m str, follow: &dyn Fn(bool, bool) -> bool, mark: &dyn Fn(&mut Usage, &Self)) {
        for name in reach(root, self.definitions, follow) {
            let mut entry = self.usage.remove(name).unwrap_or_default();
            mark(&mut entry, self);
            self.usage.insert(name.to_owned(), entry);
        }
    }
}

fn reach<'d>(
    root: &'d str,
    definitions: &'d BTreeMap<String, Definition>,
    follow: &dyn Fn(bool, bool) -> bool,
) -> BTreeSet<&'d str> {
    let mut reached = BTreeSet::new();
    let mut queue = vec![root];
    while let Some(name) = queue.pop() {
        let Some(definition) = definitions.get(name).filter(|_| reached.insert(name)) else { continue };
        definition.shape.refs(&mut |target, edge| {
            if follow(edge.experimental_field, edge.experimental_arm) {
                queue.push(target);
            }
        });
    }
    reached
}

/// A root is data the client reads, such as what stands in an error's `data`.
fn add_root(root: &str, definitions: &BTreeMap<String, Definition>, usage: &mut BTreeMap<String, Usage>) {
    for name in reach(root, definitions, &|_, _| true) {
        let entry = usage.entry(name.to_owned()).or_default();
        entry.read = true;
    }
}

/// Payloads live with their methods; a type that is more than a payload stays where all can reach it.
fn assign_homes(
    methods: &[Method],
    definitions: &BTreeMap<String, Definition>,
    usage: &mut BTreeMap<String, Usage>,
) -> Result<()> {
    let payloads = |request: bool| -> BTreeSet<&str> {
        methods
            .iter()
            .filter(|method| method.kind.is_request() == request)
            .flat_map(|method| method.params.definition().into_iter().chain(method.response.as_deref()))
            .collect()
    };
    let (requests, notifications) = (payloads(true), payloads(false));
    for (name, entry) in usage.iter_mut() {
        let shape = &definitions[name].shape;
        entry.home = match (requests.contains(name.as_str()), notifications.contains(name.as_str())) {
            _ if matches!(shape, Shape::StringEnum(_) | Shape::IntegerEnum(_)) => Home::Enums,
            (true, false) => Home::Requests,
            (false, true) => Home::Notifications,
            _ => Home::Types,
        };
    }
    for (name, entry) in usage.iter() {
        let mut wrong = None;
        definitions[name].shape.refs(&mut |target, _| {
            let home = usage.get(target).map(|usage| usage.home).unwrap_or_default();
            let crosses = home != entry.home && matches!(home, Home::Requests | Home::Notifications);
            if crosses {
                wrong = Some(target.to_owned());
            }
        });
        if let Some(target) = wrong {
            return Err(Error::schema(
                pointer(name),
                format!("refers to `{target}`, the payload of a method, which lives in a crate above it"),
            ));
        }
    }
    Ok(())
}
