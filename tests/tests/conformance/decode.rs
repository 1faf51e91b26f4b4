//! The vectors through the typed codecs: decoded, encoded again, compared.

use std::fmt::Debug;

use codex_appserver_bindgen::model::MethodKind;
use codex_appserver_bindgen::vectors::{Class, Subject, Vector};
use codex_appserver_tests::protocol;
use codex_appserver_trace::{Path, Role, Unknowns, Verdict, canonical, check, difference, is_typed};
use codex_appserver_wire::shape::{Kind, Shape};
use codex_appserver_wire::{DecodeError, Deserialize, Serialize, decode, encode};
use serde_json::{Map, Value};

use crate::{assert_only_known, describe, exceptions};

/// What a definition's codec writes after it has read a text, and whether no catch-all was needed.
type RoundTrip = fn(&str) -> Result<(String, bool), DecodeError>;

/// Every definition that is compiled, sorted by name, with its codec.
static DEFINITIONS: &[(&str, RoundTrip)] = include!(concat!(env!("OUT_DIR"), "/definitions.rs"));

fn round_trip<T>(text: &str) -> Result<(String, bool), DecodeError>
where
    T: for<'de> Deserialize<'de> + Serialize + Debug,
{
    let value = decode::<T>(text)?;
    Ok((encode(&value).expect("what was read from JSON is written as JSON"), is_typed(&value)))
}

/// What is wrong with how the codecs treat a vector; none where they do as they should. `text` is its
/// value, the members in one order or another.
fn problem(vector: &Vector, text: &str) -> Option<String> {
    let outcome = match &vector.subject {
        Subject::Definition(name) => definition(name, text)?,
        Subject::Message(kind, method) => check(Role::Sent(shape_kind(*kind)), method, text).verdict,
        Subject::Response(kind, method) => {
            let answer = format!("{{\"id\":7,\"result\":{text}}}");
            check(Role::Answer(shape_kind(*kind)), method, &answer).verdict
        }
    };
    match (vector.class, outcome) {
        (Class::Invalid, Verdict::Failed { path, .. }) if path == vector.path => None,
        (Class::Invalid, Verdict::Failed { path, message }) => {
            Some(format!("the error is placed at `{path}`, not at `{}`: {message}", vector.path))
        }
        (Class::Invalid, _) => Some("it decodes".to_owned()),
        (_, Verdict::Decoded) => None,
        // Methods of a surface that is not compiled.
        (_, Verdict::Unknown) if !cfg!(feature = "experimental") => None,
        (_, Verdict::Unknown) => Some("it ends in a catch-all".to_owned()),
        (_, Verdict::Failed { path, message }) => Some(format!("it does not decode: {path}: {message}")),
        (_, Verdict::Unmatched) => Some("it is taken for an answer".to_owned()),
        (_, Verdict::Changed(found)) => Some(format!("{}: {}", found.path, found.what)),
    }
}

/// What becomes of a value of a definition; none where the definition is not compiled.
fn definition(name: &str, text: &str) -> Option<Verdict> {
    let index = DEFINITIONS.binary_search_by_key(&name, |row| row.0).ok()?;
    let (name, round_trip) = DEFINITIONS[index];
    Some(match round_trip(text) {
        Err(error) => Verdict::Failed { path: error.path().to_owned(), message: error.message().to_owned() },
        Ok((written, is_typed)) => {
            let mut unknowns = Unknowns::default();
            let mut canonical = |text: &str| {
                let value: Value = serde_json::from_str(text).expect("vectors and codecs write JSON");
                canonical(&value, &Shape::Named(name), &Path::ROOT, &mut unknowns)
            };
            match difference(&canonical(text), &canonical(&written)) {
                Some(found) => Verdict::Changed(found),
                None if is_typed || !unknowns.values.is_empty() => Verdict::Decoded,
                None => Verdict::Unknown,
            }
        }
    })
}

fn shape_kind(kind: MethodKind) -> Kind {
    match kind {
        MethodKind::ClientRequest => Kind::ClientRequest,
        MethodKind::ServerRequest => Kind::ServerRequest,
        MethodKind::ServerNotification => Kind::ServerNotification,
        MethodKind::ClientNotification => Kind::ClientNotification,
    }
}

/// JSON text with the members in the other order: tags and methods come late in one of the two.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members.iter().rev();
            let members: Vec<String> = members
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), reversed(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(reversed).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

#[test]
fn the_codecs_do_as_the_vectors_say() {
    let mut failures = Vec::new();
    let mut seen = 0;
    for vector in protocol::pinned().vectors() {
        // What is wrong inside an arm that is not compiled is kept as it is.
        if vector.class == Class::Invalid && !cfg!(feature = "experimental") {
            continue;
        }
        seen += 1;
        let texts = [
            ("", vector.value.to_string()),
            (" (reversed)", reversed(&vector.value)),
            (" (on many lines)", format!("{:#}", vector.value)),
        ];
        for (order, text) in texts {
            if let Some(problem) = problem(&vector, &text) {
                failures.push((describe(&vector), format!("{problem}{order}: {text}")));
                break;
            }
        }
    }
    assert!(seen > if cfg!(feature = "experimental") { 7000 } else { 4000 }, "{seen} vectors");
    let known = if cfg!(feature = "experimental") { exceptions::OF_THE_CODECS } else { &[] };
    assert_only_known("codecs", &failures, known);
}

#[test]
fn nothing_is_left_to_chance() {
    assert!(DEFINITIONS.windows(2).all(|pair| pair[0].0 < pair[1].0), "the table is sorted");
    let all = codex_appserver_shapes::DEFINITIONS.len();
    let compiled = DEFINITIONS.len();
    assert!(
        if cfg!(feature = "experimental") { compiled == all } else { compiled < all },
        "{compiled} of {all}"
    );
    assert_eq!(reversed(&Value::Object(Map::new())), "{}");
}
