//! The registry against fixtures: each rule has a change that it alone applies to, and its opposite.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use codex_appserver_bindgen::model::Model;
use codex_appserver_diff::rules::Written;
use codex_appserver_diff::{Finding, Level, Mirror, Options, RULES, Uses, compare, rule, rules_markdown};
use json_patch::Patch;
use serde::Deserialize;

mod support;

/// The base before and after a change.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    about: String,
    /// Rules that the change meets beside its own.
    #[serde(default)]
    also: BTreeSet<String>,
    /// Compare the stable surface alone.
    #[serde(default)]
    stable_only: bool,
    /// Compare what a program uses alone: methods and types by name.
    #[serde(default)]
    uses: Vec<String>,
    /// What the older protocol differs in from the base.
    #[serde(default = "nothing")]
    before: Patch,
    /// What the newer protocol differs in from the older one.
    patch: Patch,
}

fn nothing() -> Patch {
    Patch(Vec::new())
}

impl Fixture {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a fixture is a text file");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn models(&self) -> (Model, Model) {
        let mut schema = support::base();
        json_patch::patch(&mut schema, &self.before).expect("`before` fits the base");
        let old = support::model(&schema);
        json_patch::patch(&mut schema, &self.patch).expect("`patch` fits the base");
        (old, support::model(&schema))
    }
}

fn fixtures() -> Vec<(String, Fixture)> {
    let files = std::fs::read_dir(support::folder().join("rules")).expect("the folder is there");
    files
        .map(|file| {
            let path = file.expect("readable").path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (name, Fixture::read(&path))
        })
        .collect()
}

#[test]
fn every_rule_as_a_reader_sees_it() {
    insta::glob!("rules/*.json", |path| {
        let fixture = Fixture::read(path);
        let (old, new) = fixture.models();
        let text: String = support::diff(&old, &new).findings.iter().map(shown).collect();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        insta::with_settings!({ description => &fixture.about, snapshot_suffix => "", omit_expression => true }, {
            insta::assert_snapshot!(name, text);
        });
    });
}

/// What the rules do not say one by one: directions, unions as a whole, replaced types, surfaces.
#[test]
fn cases_as_a_reader_sees_them() {
    insta::glob!("cases/*.json", |path| {
        let fixture = Fixture::read(path);
        let (old, new) = fixture.models();
        let mut uses = Uses::default();
        for name in &fixture.uses {
            uses.add(name, [&old, &new]).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        let uses = (!fixture.uses.is_empty()).then_some(uses);
        let stable_only = fixture.stable_only;
        let comparison = compare(&old, &new, &Options { stable_only, uses, ..Options::default() });
        let mut text: String = comparison.findings.iter().map(shown).collect();
        if let Some(left_out) = &comparison.left_out {
            let _ = writeln!(text, "{left_out:#?}");
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        insta::with_settings!({ description => &fixture.about, snapshot_suffix => "", omit_expression => true }, {
            insta::assert_snapshot!(format!("case_{name}"), text);
        });
    });
}

fn shown(finding: &Finding) -> String {
    let Finding { rule, wire, source, direction, stability, place, message, fingerprint, .. } = finding;
    let mut text = format!("{rule} {fingerprint}\n{message}\n");
    for (skew, verdict) in [("old client", &wire.old_client), ("new client", &wire.new_client)] {
        let _ = writeln!(text, "{skew}: {:?}: {}", verdict.level, verdict.text);
    }
    let _ = writeln!(text, "SOURCE {source:?}, {direction:?}, {stability:?}");
    let shape = |shape: &Option<String>| shape.clone().unwrap_or_else(|| "-".to_owned());
    let _ = writeln!(text, "{place}: {} => {}", shape(&finding.old), shape(&finding.new));
    if let Some(note) = &finding.note {
        let _ = writeln!(text, "{note}");
    }
    for reach in &finding.reach {
        let _ = writeln!(text, "  {:?} {} ({})", reach.direction, reach.witness, reach.kind);
    }
    text + "\n"
}

#[test]
fn each_fixture_meets_its_rule_and_no_other() {
    for (name, fixture) in fixtures() {
        let (old, new) = fixture.models();
        let findings = support::diff(&old, &new).findings;
        let found: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
        let mut expected: Vec<&str> =
            fixture.also.iter().map(String::as_str).chain([name.as_str()]).collect();
        expected.sort_unstable();
        let mut sorted = found.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected, "{name}");
    }
}

#[test]
fn every_rule_has_a_fixture() {
    let names: BTreeSet<String> = fixtures().into_iter().map(|(name, _)| name).collect();
    let rules: BTreeSet<String> = RULES.iter().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(names, rules);
}

/// A snapshot outlives its fixture otherwise.
#[test]
fn every_snapshot_has_a_fixture() {
    for file in std::fs::read_dir(support::folder().join("snapshots")).expect("the folder is there") {
        let name = file.expect("readable").file_name().to_string_lossy().into_owned();
        if let Some(fixture) = name.strip_prefix("rules__").and_then(|name| name.strip_suffix(".snap")) {
            let case = fixture.strip_prefix("case_").map(|case| format!("cases/{case}.json"));
            let path = case.unwrap_or_else(|| format!("rules/{fixture}.json"));
            assert!(support::folder().join(path).exists(), "{name} is the snapshot of no fixture; remove it");
        }
    }
}

/// The way back meets the opposite change at the same place, and of that change the rule for who writes it.
#[test]
fn the_way_back_meets_the_mirror() {
    for (name, fixture) in fixtures() {
        let (old, new) = fixture.models();
        let there = support::diff(&old, &new).findings;
        let back = support::diff(&new, &old).findings;
        let rule = rule(&name).expect("a fixture has the name of a rule");
        let Mirror::Rule(mirror) = rule.mirror else { continue };
        let of = |findings: &[Finding], id: &str| {
            let mut found = findings.iter().filter(|finding| finding.rule == id).cloned().collect::<Vec<_>>();
            assert_eq!(found.len(), 1, "{name}: `{id}` in {findings:?}");
            found.remove(0)
        };
        let (one, other) = (of(&there, &name), of(&back, mirror));
        assert_eq!((&one.old, &one.new), (&other.new, &other.old), "{name}");
        assert_eq!(one.direction, other.direction, "{name}");
        assert_eq!(
            (&one.wire.old_client, &one.wire.new_client),
            (&other.wire.new_client, &other.wire.old_client)
        );
        let renamed = name.ends_with("-renamed");
        assert!(
            renamed || (one.place == other.place && one.reach == other.reach),
            "{name}: {one:?} {other:?}"
        );
    }
}

#[test]
fn a_rule_has_an_opposite_or_says_why_not() {
    for rule in RULES {
        match rule.mirror {
            Mirror::Rule(id) => {
                let mirror = self::rule(id).unwrap_or_else(|| panic!("{}: no rule `{id}`", rule.id));
                assert_eq!(mirror.mirror, Mirror::Rule(rule.id), "the opposite of the opposite");
                assert_eq!(mirror.change, rule.change.opposite(), "{}", rule.id);
                assert_eq!(mirror.written, rule.written, "{}", rule.id);
            }
            Mirror::None(why) => assert!(why.ends_with('.'), "{}: a reason is a sentence", rule.id),
        }
    }
}

/// What happens between a new client and an old server is what happens between an old client and a new server if
/// the change is made the other way round.
#[test]
fn the_opposite_swaps_the_skews() {
    for rule in RULES {
        let Mirror::Rule(id) = rule.mirror else { continue };
        let mirror = self::rule(id).expect("checked above");
        assert_eq!((rule.old_client, rule.new_client), (mirror.new_client, mirror.old_client), "{}", rule.id);
    }
}

/// The texts say which side does what, and a rule that stops no check has nothing to waive.
#[test]
fn verdicts_name_the_sides_and_waivers_fit_the_levels() {
    for rule in RULES {
        for judged in [rule.old_client, rule.new_client] {
            assert!(!judged.text.ends_with('.'), "{}", rule.id);
            let sides = judged.text.contains("the client") || judged.text.contains("the server");
            assert!(judged.level == Level::Safe || sides, "{}: {}", rule.id, judged.text);
        }
        let wire = rule.old_client.level.max(rule.new_client.level);
        assert_eq!(rule.waive.starts_with("Waive it"), wire > Level::Safe, "{}", rule.id);
        assert_eq!(
            rule.waive.starts_with("It stops no check"),
            wire.max(rule.source) == Level::Safe,
            "{}",
            rule.id
        );
    }
}

/// Every change has one rule for what the client writes and one for what it reads.
#[test]
fn rules_cover_both_writers_once() {
    for rule in RULES {
        for side in [Written::ByClient, Written::ByServer] {
            let covers = |other: &&codex_appserver_diff::Rule| {
                other.change == rule.change && other.written.is_none_or(|written| written == side)
            };
            assert_eq!(RULES.iter().filter(covers).count(), 1, "{:?} {side:?}", rule.change);
        }
    }
}

#[test]
fn ids_are_unique_and_texts_are_sentences() {
    let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), RULES.len());
    for rule in RULES {
        assert!(rule.id.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'), "{}", rule.id);
        for text in [rule.what, rule.why, rule.example, rule.waive] {
            assert!(text.ends_with('.'), "{}: {text}", rule.id);
        }
        assert!(!rule.title.ends_with('.'), "{}", rule.id);
    }
}

#[test]
fn the_page_of_rules_is_current() {
    let kept = std::fs::read_to_string(support::repo().join("docs/rules.md")).expect("the page is there");
    assert!(
        kept == rules_markdown(),
        "docs/rules.md is not what the registry says; run `cargo xtask diff --rules --out docs/rules.md`"
    );
}

/// A change without a rule would be judged by the first rule of the registry. The compiler does not list the variants
/// of an enum, so they are read from its source.
#[test]
fn every_change_has_a_rule() {
    let source = include_str!("../src/change.rs");
    let body = source.split("pub enum Change {").nth(1).and_then(|rest| rest.split('}').next());
    let lines = body.expect("the enum is there").lines().map(|line| line.trim().trim_end_matches(','));
    let changes: BTreeSet<String> =
        lines.filter(|line| !line.is_empty() && !line.starts_with("//")).map(str::to_owned).collect();
    let judged: BTreeSet<String> = RULES.iter().map(|rule| format!("{:?}", rule.change)).collect();
    assert_eq!(changes, judged, "add a rule for each of them in crates/diff/src/rules/");
}
