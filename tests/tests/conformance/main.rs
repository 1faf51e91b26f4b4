//! The codecs against the schema: thousands of values made from it, with the `jsonschema` crate as judge of
//! the values and the protocol as data as judge of what comes back.

mod decode;
mod exceptions;
mod oracle;
mod samples;

use codex_appserver_bindgen::vectors::{Class, Subject, Vector};

/// A vector as people look for it.
fn describe(vector: &Vector) -> String {
    let subject = match &vector.subject {
        Subject::Definition(name) => name.clone(),
        Subject::Message(kind, method) => format!("{} {method}", kind.union_name()),
        Subject::Response(_, method) => format!("answer to {method}"),
    };
    let class = match vector.class {
        Class::Valid => "valid",
        Class::Tolerated => "tolerated",
        Class::Invalid => "invalid",
    };
    format!("{subject}, {class}, {}", vector.what)
}

/// Holds what failed against the list of known exceptions: an unknown failure and an exception that no
/// longer fails are errors alike.
fn assert_only_known(stage: &str, failures: &[(String, String)], known: &[(&str, &str)]) {
    let is_known = |what: &str| known.iter().any(|(start, _)| what.starts_with(start));
    let unexplained: Vec<String> = failures
        .iter()
        .filter(|(what, _)| !is_known(what))
        .map(|(what, problem)| format!("{what}: {problem}"))
        .collect();
    let stale: Vec<&str> = known
        .iter()
        .map(|(start, _)| *start)
        .filter(|start| !failures.iter().any(|(what, _)| what.starts_with(start)))
        .collect();
    assert!(
        unexplained.is_empty() && stale.is_empty(),
        "{stage}: {} unexplained:\n{}\nexceptions that no longer fail: {stale:?}",
        unexplained.len(),
        unexplained.iter().take(40).cloned().collect::<Vec<_>>().join("\n"),
    );
}

/// How many there are of everything, so that a hole in the covering set shows in review.
#[test]
fn the_vectors_cover_the_protocol() {
    let model = codex_appserver_tests::protocol::pinned();
    let vectors = model.vectors();
    let of = |class: Class| vectors.iter().filter(move |vector| vector.class == class);
    for (class, range) in
        [(Class::Valid, 2000..4000), (Class::Tolerated, 1000..3000), (Class::Invalid, 3000..6000)]
    {
        let count = of(class).count();
        assert!(range.contains(&count), "{class:?}: {count}");
    }
    for name in model.definitions.keys() {
        let subject = Subject::Definition(name.clone());
        assert!(of(Class::Valid).any(|vector| vector.subject == subject), "{name} has no valid vector");
    }
    for method in &model.methods {
        let subject = Subject::Message(method.kind, method.name.clone());
        assert!(of(Class::Valid).any(|vector| vector.subject == subject), "{} has none", method.name);
    }
    let mut described: Vec<String> = vectors.iter().map(describe).collect();
    described.sort();
    let twice: Vec<&[String]> = described.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "one name for two vectors: {:?}", &twice[..twice.len().min(5)]);
}
