//! Reads the four unions over methods and finds the response type of each request.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToSnakeCase;
use serde_json::Value;

use super::apply::{FILE, Rows};
use super::{Method, MethodKind, Params, is_envelope};
use crate::decision::Decision;
use crate::error::{Error, Result, step};
use crate::load::{Schema, pointer};
use crate::names;
use crate::normalise::{self, flag, is_experimental};
use crate::rows::ResponseRow;
use crate::shape::{Definition, Description, Shape};
use crate::since::Since;

/// Members of a message beside its method and params, which the envelopes of `wire` have.
const ENVELOPE_MEMBERS: [&str; 3] = ["id", "emittedAtMs", "trace"];

pub(super) fn read(schema: &Schema, rows: &mut Rows<'_>) -> Result<Vec<Method>> {
    let mut methods: Vec<Method> = Vec::new();
    for kind in MethodKind::ALL {
        let at = pointer(kind.union_name());
        let Some(union) = schema.definitions.get(kind.union_name()) else { continue };
        if let Some(members) = union.get("properties").and_then(Value::as_object)
            && let Some(name) = members.keys().find(|name| !ENVELOPE_MEMBERS.contains(&name.as_str()))
        {
            let place = step(&step(&at, "properties"), name);
            return Err(Error::schema(
                place,
                "unsupported: a member of the message envelope that is not known",
            ));
        }
        let Some(arms) = union.get("oneOf").and_then(Value::as_array) else {
            return Err(Error::schema(at, "expected `oneOf` with one arm per method"));
        };
        for (index, arm) in arms.iter().enumerate() {
            let here = step(&step(&at, "oneOf"), index);
            let method = method(schema, kind, arm, &here)?;
            if methods.iter().any(|other| other.kind == kind && other.name == method.name) {
                return Err(Error::schema(here, format!("a second arm for the method `{}`", method.name)));
            }
            methods.push(method);
        }
    }
    let has = |row: &crate::rows::MethodRow| {
        let listed =
            methods.iter().any(|method| method.kind.union_name() == row.union && method.name == row.method);
        listed || !schema.definitions.contains_key(&row.params)
    };
    for row in rows.methods(has) {
        let Some(kind) = MethodKind::ALL.into_iter().find(|kind| kind.union_name() == row.union) else {
            continue;
        };
        methods.push(Method {
            name: row.method.clone(),
            kind,
            params: Params::Required(row.params.clone()),
            response: None,
            experimental: row.experimental,
            deprecated: false,
            description: Description::default(),
            since: Since::default(),
        });
    }
    Ok(methods)
}

fn method(schema: &Schema, kind: MethodKind, arm: &Value, at: &str) -> Result<Method> {
    let names = arm.pointer("/properties/method/enum").and_then(Value::as_array).map(Vec::as_slice);
    let Some([Value::String(name)]) = names else {
        return Err(Error::schema(step(at, "properties"), "expected a `method` with exactly one value"));
    };
    let here = step(&step(at, "properties"), "params");
    let params = match arm.pointer("/properties/params") {
        None => Params::None,
        Some(value) if value.get("type").and_then(Value::as_str) == Some("null") => Params::None,
        Some(value) => match normalise::inline(schema, value, &here)? {
            Shape::Ref(name) => Params::Required(name),
            Shape::Nullable(inner) => match *inner {
                Shape::Ref(name) => Params::Nullable(name),
                _ => return Err(Error::schema(here, "unsupported: params that are no definition")),
            },
            _ => return Err(Error::schema(here, "unsupported: params that are no definition")),
        },
    };
    Ok(Method {
        name: name.clone(),
        kind,
        params,
        response: None,
        experimental: is_experimental(arm),
        deprecated: flag(arm, "deprecated"),
        description: Description::of(arm),
        since: Since::default(),
    })
}

/// `XParams` is answered by `XResponse`, else `a/b` by `ABResponse`, else a row says. Returns what is open.
pub(super) fn find_responses(
    methods: &mut [Method],
    definitions: &BTreeMap<String, Definition>,
    rows: &mut Rows<'_>,
) -> Vec<Decision> {
    let mut decisions = Vec::new();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut wrong: Vec<&ResponseRow> = Vec::new();
    for method in methods.iter_mut().filter(|method| method.kind.is_request()) {
        let by_params = method
            .params
            .definition()
            .and_then(|name| name.strip_suffix("Params"))
            .map(|stem| format!("{stem}Response"));
        let by_method = format!("{}Response", names::method_type(&method.name));
        let found = by_params.into_iter().chain([by_method]).find(|name| definitions.contains_key(name));
        let row = if found.is_none() { rows.response(&method.name) } else { None };
        match row.filter(|row| !definitions.contains_key(&row.response)) {
            Some(row) => wrong.push(row),
            None => method.response = found.or_else(|| row.map(|row| row.response.clone())),
        }
        used.extend(method.response.clone());
    }
    let orphans: Vec<&str> = definitions
        .keys()
        .filter(|name| name.ends_with("Response") && !used.contains(*name) && !is_envelope(name))
        .map(String::as_str)
        .collect();
    let without: Vec<&Method> =
        methods.iter().filter(|method| method.kind.is_request() && method.response.is_none()).collect();
    for method in &without {
        if let Some(row) = wrong.iter().find(|row| row.method == method.name) {
            let problem = format!(
                "the [[response]] row of {} names `{}`, which is no definition; correct its `type`",
                row.method, row.response
            );
            decisions.push(Decision::new(FILE, problem));
            continue;
        }
        let candidates = if orphans.is_empty() {
            "no response type is left over; ask the server".to_owned()
        } else {
            format!("candidates: {}", orphans.join(", "))
        };
        let problem = format!("{}: no response type; {candidates}; add a [[response]] row", method.name);
        let only = if let [only] = orphans[..] { only } else { "…" };
        decisions.push(Decision::new(FILE, problem).row(response_row(&method.name, only)));
    }
    // They are the candidates of the methods above, if there are any.
    for orphan in orphans.into_iter().filter(|_| without.is_empty()) {
        let problem = format!("{orphan}: a response type that no method uses; add a [[response]] row");
        decisions.push(Decision::new(FILE, problem).row(response_row("…", orphan)));
    }
    decisions
}

fn response_row(method: &str, response: &str) -> String {
    format!("[[response]]\nmethod = \"{method}\"\ntype = \"{response}\"\nwhy = \"…\"\n")
}

/// Two methods that become one Rust name would hide each other.
pub(super) fn check_names(methods: &[Method]) -> Result<()> {
    let mut seen: BTreeMap<(bool, String), &str> = BTreeMap::new();
    for method in methods {
        let name = method.name.to_snake_case();
        // Requests and notifications become names in crates of their own.
        if let Some(other) = seen.insert((method.kind.is_request(), name.clone()), &method.name) {
            return Err(Error::schema(
                pointer(method.kind.union_name()),
                format!("the methods `{other}` and `{}` both become `{name}`", method.name),
            ));
        }
    }
    Ok(())
}
