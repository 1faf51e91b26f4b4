//! The protocol on one page: a line per method, for people who review a change.

use crate::model::{Method, MethodKind, Model, Params};
use crate::names;

/// `direction method Params -> Response [flags]`, sorted.
pub(crate) fn index(model: &Model) -> String {
    let mut lines: Vec<String> = model.methods.iter().map(line).collect();
    lines.sort();
    lines.join("\n") + "\n"
}

fn line(method: &Method) -> String {
    let direction = match method.kind {
        MethodKind::ClientRequest | MethodKind::ClientNotification => "client",
        MethodKind::ServerRequest | MethodKind::ServerNotification => "server",
    };
    let role = if method.kind.is_request() { "request" } else { "notification" };
    let params = match &method.params {
        Params::None => "()".to_owned(),
        Params::Required(name) => names::type_name(name),
        Params::Nullable(name) => format!("{}?", names::type_name(name)),
    };
    let response = match (&method.response, method.kind.is_request()) {
        (Some(name), _) => format!(" -> {}", names::type_name(name)),
        (None, true) => " -> any".to_owned(),
        (None, false) => String::new(),
    };
    let mut flags = Vec::new();
    flags.extend(method.experimental.then_some("experimental"));
    flags.extend(method.deprecated.then_some("deprecated"));
    let flags = if flags.is_empty() { String::new() } else { format!(" [{}]", flags.join(", ")) };
    format!("{direction} {role} {} {params}{response}{flags}", method.name)
}
