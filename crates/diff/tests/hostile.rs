//! Files that no server writes: the comparison ends, and says something.

use codex_appserver_bindgen::model::Model;
use serde_json::{Value, json};

mod support;

use support::{base, diff, model};

/// The base with more definitions, of which a member of `Both` is one.
fn with(definitions: impl IntoIterator<Item = (String, Value)>, member: &str) -> Model {
    let mut schema = base();
    schema["definitions"].as_object_mut().expect("definitions").extend(definitions);
    schema["definitions"]["Both"]["properties"]["extra"] = reference(member);
    model(&schema)
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/definitions/{name}")})
}

#[test]
fn aliases_in_a_circle() {
    let circle = [("A".to_owned(), reference("B")), ("B".to_owned(), reference("A"))];
    let text = [("C".to_owned(), json!({"type": "object", "properties": {"c": {"type": "string"}}}))];
    let (old, new) = (with(circle, "A"), with(text, "C"));
    for (old, new) in [(&old, &new), (&new, &old)] {
        let findings = diff(old, new).findings;
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(findings[0].rule, "request-type-changed");
    }
}

/// Two chains of definitions that go on for longer than a stack is deep.
#[test]
fn long_chains_of_replaced_definitions() {
    let chain = |prefix: &str| -> Vec<(String, Value)> {
        (0..2000)
            .map(|index| {
                let next = reference(&format!("{prefix}{}", (index + 1) % 2000));
                let text = json!({"type": "string"});
                let (one, two) = (format!("{prefix}{index}"), format!("{prefix}More"));
                let members = json!({one: text, two: text, "next": next});
                (format!("{prefix}{index}"), json!({"type": "object", "properties": members}))
            })
            .collect()
    };
    let (old, new) = (with(chain("One"), "One0"), with(chain("Two"), "Two0"));
    let findings = diff(&old, &new).findings;
    let rules: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, ["request-type-changed"], "{findings:#?}");
}

/// Unions that contain themselves, against lists that do.
#[test]
fn types_that_contain_themselves() {
    let tree = |name: &str| {
        let items = json!({"type": "array", "items": reference(name)});
        (name.to_owned(), json!({"anyOf": [{"type": "string"}, items]}))
    };
    let list = |name: &str| (name.to_owned(), json!({"type": "array", "items": reference(name)}));
    let (old, new) = (with([tree("Tree")], "Tree"), with([list("List")], "List"));
    assert_eq!(diff(&old, &new).findings.len(), 1);
    assert_eq!(diff(&new, &old).findings.len(), 1);
    let (old, new) = (with([tree("Tree")], "Tree"), with([tree("Bush")], "Bush"));
    let rules: Vec<String> = diff(&old, &new).findings.into_iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["type-renamed"]);
}

/// An arm that names required members and describes none of them.
#[test]
fn an_arm_without_properties_is_itself() {
    let mut schema = base();
    let arm = schema["definitions"]["SentTarget"]["oneOf"][0].as_object_mut().expect("an arm");
    arm.remove("properties");
    let model = model(&schema);
    assert_eq!(diff(&model, &model).findings, []);
}
