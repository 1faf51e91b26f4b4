//! The members that decide where a line goes are members of the protocol: a renamed one would route nothing.

use codex_appserver_shapes::wire::shape::{Member, Shape};
use codex_appserver_shapes::{METHODS, definition};

/// A method, whether its params or its response, and the way to a member.
const READ_BY_THE_SCAN: &[(&str, &str, &[&str])] = &[
    ("item/started", "params", &["threadId"]),
    ("item/started", "params", &["turnId"]),
    ("execCommandApproval", "params", &["conversationId"]),
    ("review/start", "response", &["reviewThreadId"]),
    ("serverRequest/resolved", "params", &["requestId"]),
    ("thread/started", "params", &["thread", "id"]),
    ("thread/started", "params", &["thread", "parentThreadId"]),
    ("thread/start", "response", &["thread", "id"]),
    ("turn/started", "params", &["turn", "id"]),
    ("turn/started", "params", &["turn", "rootTurnId"]),
    ("turn/start", "response", &["turn", "id"]),
];

fn members(shape: &Shape) -> &'static [Member] {
    match shape {
        Shape::Named(name) => members(definition(name).expect("a definition of the protocol")),
        Shape::Nullable(shape) => members(shape),
        Shape::Object(object) => object.members,
        _ => &[],
    }
}

#[test]
fn the_scan_reads_members_of_the_protocol() {
    for (name, part, path) in READ_BY_THE_SCAN {
        let method = METHODS.iter().find(|method| method.name == *name).expect("a method of the protocol");
        let shape = if *part == "params" { method.params } else { method.response };
        let mut shape = shape.expect("it has one");
        for step in *path {
            let member = members(&shape).iter().find(|member| member.name == *step);
            shape = member.unwrap_or_else(|| panic!("{name}: {part} has no {path:?}")).shape;
        }
    }
}
