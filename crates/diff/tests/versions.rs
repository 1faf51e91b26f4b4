//! Real protocols against each other: neighbours, far ends, and each against itself in another dress.

use std::collections::{BTreeMap, BTreeSet};

use codex_appserver_bindgen::model::Model;
use codex_appserver_diff::{Change, Comparison, Finding, Level, Options, Stability, compare};
use serde_json::{Map, Value};

mod support;

use support::{VERSIONS, change, diff, plain_model, protocol};

/// Neighbours, and the oldest with the newest.
fn pairs() -> Vec<(&'static str, &'static str)> {
    let ends = (VERSIONS[0], VERSIONS[VERSIONS.len() - 1]);
    VERSIONS.windows(2).map(|pair| (pair[0], pair[1])).chain([ends]).collect()
}

/// Every pair, and the name of what goes wrong with it.
fn each_pair(check: impl Fn(&str, &Model, &Model)) {
    for (old, new) in pairs() {
        let (a, b) = (support::model(&protocol(old)), support::model(&protocol(new)));
        check(&format!("{old} -> {new}"), &a, &b);
    }
}

#[test]
fn added_and_removed_methods_are_the_set_difference() {
    const COMING: [Change; 4] = [
        Change::RequestAdded,
        Change::ServerRequestAdded,
        Change::NotificationAdded,
        Change::ClientNotificationAdded,
    ];
    for (old, new) in pairs() {
        let (old, new) = (protocol(old), protocol(new));
        let comparison = diff(&plain_model(&old.to_string()), &plain_model(&new.to_string()));
        let places = |wanted: &dyn Fn(Change) -> bool| -> BTreeSet<String> {
            let findings = comparison.findings.iter().filter(|finding| wanted(change(finding)));
            findings.map(|finding| finding.place.clone()).collect()
        };
        let (before, after) = (methods(&old), methods(&new));
        let names = |methods: BTreeSet<(&str, String)>| methods.into_iter().map(|(_, name)| name).collect();
        let added: BTreeSet<String> = names(after.difference(&before).cloned().collect());
        let removed: BTreeSet<String> = names(before.difference(&after).cloned().collect());
        assert_eq!(places(&|change| COMING.contains(&change)), added);
        assert_eq!(places(&|change| COMING.contains(&change.opposite())), removed);
    }
}

/// Read from the file as it stands, without the model.
fn methods(schema: &Value) -> BTreeSet<(&'static str, String)> {
    let unions = ["ClientRequest", "ServerRequest", "ServerNotification", "ClientNotification"];
    let arms = unions.iter().flat_map(|union| {
        let arms = schema["definitions"][union]["oneOf"].as_array().cloned().unwrap_or_default();
        arms.into_iter().map(move |arm| (*union, arm))
    });
    arms.map(|(union, arm)| {
        let name = arm["properties"]["method"]["enum"][0].as_str().expect("a method has a name");
        (union, name.to_owned())
    })
    .collect()
}

#[test]
fn both_directions_agree_on_what_changed() {
    each_pair(|name, old, new| {
        let (there, back) = (diff(old, new), diff(new, old));
        let there = seen_from_new(&there.findings, &there.findings, false);
        let back = seen_from_new(&back.findings, &back.findings, true);
        let only = |one: &[Key], other: &[Key]| -> Vec<Key> {
            one.iter().filter(|key| !other.contains(key)).cloned().collect()
        };
        assert_eq!(only(&there, &back), only(&back, &there), "{name}");
        assert_eq!(there.len(), back.len(), "{name}");
    });
}

/// Both questions are one question, asked of either order: of each finding the skews change places.
#[test]
fn the_way_back_swaps_the_skews() {
    each_pair(|name, old, new| {
        let levels = |findings: &[Finding], back: bool| -> Vec<(Key, Level, Level)> {
            let mut told: Vec<(Key, Level, Level)> = findings
                .iter()
                .map(|finding| {
                    let key = seen_from_new(std::slice::from_ref(finding), findings, back).remove(0);
                    let (old, new) = (finding.wire.old_client.level, finding.wire.new_client.level);
                    if back { (key, new, old) } else { (key, old, new) }
                })
                .collect();
            told.sort();
            told
        };
        let (there, back) = (diff(old, new).findings, diff(new, old).findings);
        let (there, back) = (levels(&there, false), levels(&back, true));
        let differ: Vec<_> = there.iter().zip(&back).filter(|(there, back)| there != back).collect();
        assert!(differ.is_empty(), "{name}: {differ:#?}");
        let worst = |level| there.iter().any(|(_, old, new)| *old == level && *new == Level::Safe);
        assert!(
            worst(Level::Breaking) || worst(Level::Dangerous),
            "{name}: the two questions have one answer"
        );
    });
}

type Key = (Change, String, Option<String>, Option<String>, BTreeSet<(String, String)>);

/// What changed, told from the newer side, whichever way it was found.
fn seen_from_new(findings: &[Finding], all: &[Finding], back: bool) -> Vec<Key> {
    let is_rename =
        |finding: &&Finding| matches!(change(finding), Change::TypeRenamed | Change::MethodRenamed);
    let types = all.iter().filter(|finding| change(finding) == Change::TypeRenamed);
    let renamed: BTreeMap<&str, &str> =
        types.filter_map(|finding| Some((finding.new.as_deref()?, finding.old.as_deref()?))).collect();
    let mut keys: Vec<Key> = findings
        .iter()
        .map(|finding| {
            let reach: BTreeSet<(String, String)> = finding
                .reach
                .iter()
                .filter(|_| !is_rename(&finding))
                .map(|reach| (reach.method.clone(), format!("{:?}", reach.direction)))
                .collect();
            if !back {
                let (old, new) = (finding.old.clone(), finding.new.clone());
                return (change(finding), finding.place.clone(), old, new, reach);
            }
            let (root, rest) = finding.place.split_once('.').unwrap_or((&finding.place, ""));
            let root = renamed.get(root).copied().unwrap_or(root);
            let root =
                if change(finding) == Change::MethodRenamed { finding.old.as_deref() } else { Some(root) };
            let root = root.unwrap_or_default();
            let place = if rest.is_empty() { root.to_owned() } else { format!("{root}.{rest}") };
            (change(finding).opposite(), place, finding.new.clone(), finding.old.clone(), reach)
        })
        .collect();
    keys.sort();
    keys
}

#[test]
fn a_version_equals_itself_shuffled_stripped_and_with_prose() {
    for version in VERSIONS {
        let schema = protocol(version);
        let model = plain_model(&schema.to_string());
        let mut wordy = schema.clone();
        for definition in wordy["definitions"].as_object_mut().expect("definitions").values_mut() {
            describe(definition);
        }
        assert!(wordy.to_string().len() > schema.to_string().len() + 100_000, "prose was added");
        for text in [schema.to_string(), backwards(&schema), wordy.to_string(), backwards(&wordy)] {
            let other = plain_model(&text);
            let is_wordy = text.len() > schema.to_string().len();
            for mut findings in [diff(&model, &other).findings, diff(&other, &model).findings] {
                // Of prose the pinned schema keeps marks, the older ones nothing.
                if is_wordy && version == "pinned" {
                    let all = findings.len();
                    findings.retain(|finding| finding.rule != "description-changed");
                    assert!(all - findings.len() > 500, "{all} findings");
                }
                assert_eq!(findings, [], "{version}");
            }
        }
    }
}

/// The same JSON, every object and every list whose order means nothing the other way round.
fn backwards(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                let value = match (key.as_str(), value) {
                    ("required" | "enum" | "oneOf" | "x-experimental-values", Value::Array(items)) => {
                        let items: Vec<String> = items.iter().rev().map(backwards).collect();
                        format!("[{}]", items.join(","))
                    }
                    (_, value) => backwards(value),
                };
                format!("{}:{value}", Value::from(key.as_str()))
            };
            format!("{{{}}}", members.iter().rev().map(member).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(backwards).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// Words for every schema: what they say must not matter.
fn describe(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    for (key, value) in object.iter_mut() {
        match (key.as_str(), value) {
            ("properties", Value::Object(members)) => members.values_mut().for_each(describe),
            ("oneOf" | "anyOf" | "allOf", Value::Array(items)) => items.iter_mut().for_each(describe),
            ("items" | "additionalProperties", value) => describe(value),
            _ => {}
        }
    }
    let words: Map<String, Value> = [("description", "Deprecated? No, these are words."), ("title", "Words")]
        .into_iter()
        .map(|(key, text)| (key.to_owned(), Value::from(text)))
        .collect();
    object.extend(words);
}

#[test]
fn fingerprints_tell_findings_apart() {
    each_pair(|name, old, new| {
        let comparison = diff(old, new);
        assert!(!comparison.findings.is_empty(), "{name}");
        let prints: BTreeSet<&str> =
            comparison.findings.iter().map(|finding| finding.fingerprint.as_str()).collect();
        assert_eq!(prints.len(), comparison.findings.len(), "{name}");
    });
}

/// The stable surface alone: the same changes, with fewer methods, and so perhaps a milder verdict.
#[test]
fn the_stable_surface_is_a_part_of_the_whole() {
    each_pair(|name, old, new| {
        let all = diff(old, new);
        let options = Options { stable_only: true, ..Options::default() };
        let stable = compare(old, new, &options);
        let places = |comparison: &Comparison| -> BTreeSet<(Change, String)> {
            let of_stable =
                comparison.findings.iter().filter(|finding| finding.stability == Stability::Stable);
            of_stable.map(|finding| (change(finding), finding.place.clone())).collect()
        };
        assert_eq!(places(&all), places(&stable), "{name}");
        assert_eq!(places(&stable).len(), stable.findings.len(), "{name}");
        assert!(all.findings.len() > stable.findings.len(), "{name}");
    });
}

/// A definition's finding reaches methods that use it, each by a way that starts at the method.
#[test]
fn witnesses_lead_from_methods_that_use_the_definition() {
    each_pair(|name, old, new| {
        for finding in diff(old, new).findings {
            let root = finding.place.split(['.', '[']).next().unwrap_or_default();
            for reach in &finding.reach {
                assert!(reach.witness.starts_with(&reach.method), "{name}: {reach:?}");
                if let Some(usage) = new.usage.get(root).or_else(|| old.usage.get(root)) {
                    assert!(usage.methods.contains(&reach.method), "{name}: {root} {reach:?}");
                }
            }
        }
    });
}
