//! One message: decoded as the type that its method demands, encoded again, and compared.

use std::fmt::Debug;

use codex_appserver_notifications::{ClientNotification, ServerNotification};
use codex_appserver_requests::method::{visit_client_request, visit_server_request};
use codex_appserver_requests::{ClientRequest, ServerRequest};
use codex_appserver_shapes::method as find_method;
use codex_appserver_wire::shape::{Kind, Member, Method, Object, Shape};
use codex_appserver_wire::{
    DecodeError, ErrorEnvelope, Request, RequestVisitor, ResponseEnvelope, Serialize, decode, encode,
};
use serde_json::{Map, Value};

use crate::canonical::canonical;
use crate::difference::{Difference, difference};
use crate::head::Head;
use crate::path::Path;
use crate::unknowns::Unknowns;

/// What a message is, by its place in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A request or a notification.
    Sent(Kind),
    /// The answer to a request of this kind.
    Answer(Kind),
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It decodes, and encodes to the same message.
    Decoded,
    /// The bindings do not know its method; it is kept whole.
    Unknown,
    /// It does not decode.
    Failed {
        /// The JSON path of what is wrong.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// It decodes, and encodes to another message.
    Changed(Difference),
    /// It is an answer, and its request is not in the trace.
    Unmatched,
}

/// A message after it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What became of it.
    pub verdict: Verdict,
    /// What was in it that the protocol does not know.
    pub unknowns: Unknowns,
}

/// Decodes a message, encodes it again and compares the two. For an answer, `method` is that of its
/// request.
pub fn check(role: Role, method: &str, text: &str) -> Checked {
    let mut unknowns = Unknowns::default();
    let verdict = match again(role, method, text) {
        Err(error) => Verdict::Failed { path: error.path().to_owned(), message: error.message().to_owned() },
        Ok(again) => {
            let (Role::Sent(kind) | Role::Answer(kind)) = role;
            let known = find_method(method, kind);
            match compare(known, text, &again.written, &mut unknowns) {
                Err(verdict) => verdict,
                Ok(Some(difference)) => Verdict::Changed(difference),
                Ok(None) if !is_known(known) => Verdict::Unknown,
                Ok(None) if again.is_typed || !unknowns.values.is_empty() => Verdict::Decoded,
                Ok(None) => Verdict::Failed {
                    path: String::new(),
                    message: "the protocol knows all of it, the types do not".to_owned(),
                },
            }
        }
    };
    Checked { verdict, unknowns }
}

/// Whether the bindings, as they were compiled, have a type for the method.
fn is_known(method: Option<&Method>) -> bool {
    method.is_some_and(|method| cfg!(feature = "experimental") || !method.experimental)
}

/// A message after it was read and written.
struct Again {
    written: String,
    /// Nothing of it ended in a catch-all, as what is unknown does.
    is_typed: bool,
}

/// What the typed codecs write after they have read the message.
fn again(role: Role, method: &str, text: &str) -> Result<Again, DecodeError> {
    match role {
        Role::Sent(Kind::ClientRequest) => written(ClientRequest::decode(text)),
        Role::Sent(Kind::ServerRequest) => written(ServerRequest::decode(text)),
        Role::Sent(Kind::ServerNotification) => written(ServerNotification::decode(text)),
        Role::Sent(Kind::ClientNotification) => written(ClientNotification::decode(text)),
        Role::Answer(_) if is_error(text) => written(decode::<ErrorEnvelope>(text)),
        Role::Answer(Kind::ClientRequest) => {
            visit_client_request(method, Answer(text)).unwrap_or_else(|| raw_answer(text))
        }
        Role::Answer(_) => visit_server_request(method, Answer(text)).unwrap_or_else(|| raw_answer(text)),
    }
}

fn written<T: Serialize + Debug>(decoded: Result<T, DecodeError>) -> Result<Again, DecodeError> {
    decoded.map(|value| Again {
        written: encode(&value).expect("what was read from JSON is written as JSON"),
        is_typed: is_typed(&value),
    })
}

/// Whether nothing of a value ended in a catch-all. Without the experimental surface what belongs to it does,
/// and nothing can be said.
pub fn is_typed(value: &dyn Debug) -> bool {
    if !cfg!(feature = "experimental") {
        return true;
    }
    // Strings are the odd parts between quotes, once escaped ones are gone: all catch-alls are named alike.
    let debug = format!("{value:?}").replace("\\\\", "").replace("\\\"", "");
    !debug.split('"').step_by(2).any(|code| code.contains("Unrecognized("))
}

fn is_error(text: &str) -> bool {
    Head::read(text).is_ok_and(|head| head.has_error && !head.has_result)
}

/// Reads an answer as the response type of its method.
struct Answer<'t>(&'t str);

impl RequestVisitor for Answer<'_> {
    type Output = Result<Again, DecodeError>;

    fn visit<R: Request>(self) -> Self::Output {
        written(decode::<ResponseEnvelope<R::Response>>(self.0))
    }
}

fn raw_answer(text: &str) -> Result<Again, DecodeError> {
    written(decode::<ResponseEnvelope<Value>>(text)).map(|again| Again { is_typed: false, ..again })
}

/// Compares the canonical forms of what was read and what was written.
fn compare(
    method: Option<&Method>,
    read: &str,
    written: &str,
    unknowns: &mut Unknowns,
) -> Result<Option<Difference>, Verdict> {
    let parse = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| Verdict::Failed {
            path: String::new(),
            message: format!("decoded, but cannot be compared: {error}"),
        })
    };
    let read = canonical_message(&parse(read)?, method, unknowns);
    // What is unknown in the copy was unknown in the original.
    let written = canonical_message(&parse(written)?, method, &mut Unknowns::default());
    Ok(difference(&read, &written))
}

/// The `error` member of an answer.
const ERROR: Shape = Shape::Object(Object {
    members: &[
        Member::required("code", Shape::Integer),
        Member::required("message", Shape::String),
        Member::optional("data", Shape::Any),
    ],
    open: false,
});

/// The `trace` member of a request.
const TRACE: Shape = Shape::Object(Object {
    members: &[Member::optional("traceparent", Shape::String), Member::optional("tracestate", Shape::String)],
    open: false,
});

fn canonical_message(message: &Value, method: Option<&Method>, unknowns: &mut Unknowns) -> Value {
    let Value::Object(members) = message else { return message.clone() };
    let mut kept = Map::new();
    for (name, value) in members {
        let path = Path::ROOT.member(name);
        let shape = match (name.as_str(), method) {
            ("trace" | "emittedAtMs", _) if value.is_null() => continue,
            ("method" | "id" | "emittedAtMs", _) => Some(Shape::Any),
            ("error", _) => Some(ERROR),
            ("trace", _) => Some(TRACE),
            ("params", Some(method)) => {
                if says_nothing(value, method.params.as_ref()) {
                    continue;
                }
                method.params
            }
            ("result", Some(method)) => method.response,
            ("params" | "result", None) => Some(Shape::Any),
            _ => None,
        };
        match shape {
            Some(shape) => {
                kept.insert(name.clone(), canonical(value, &shape, &path, unknowns));
            }
            None => unknowns.member(&path),
        }
    }
    Value::Object(kept)
}

/// Whether params might as well be absent: `null` where they may be left out, or `null` or `{}` for a
/// method whose params have no members.
fn says_nothing(params: &Value, shape: Option<&Shape>) -> bool {
    let is_empty = params.is_null() || params.as_object().is_some_and(Map::is_empty);
    match shape {
        None => is_empty,
        Some(Shape::Nullable(_)) => params.is_null(),
        Some(Shape::Named(name)) => match codex_appserver_shapes::definition(name) {
            Some(Shape::Object(object)) => is_empty && object.members.is_empty() && !object.open,
            _ => false,
        },
        _ => false,
    }
}
