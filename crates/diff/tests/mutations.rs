//! Random single mutations of the pinned schema: each is one finding, the one that the table of rules says.
//!
//! The expectation is written down here a second time, and directions come from the model's own usage, not
//! from the walk that is tested.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use codex_appserver_bindgen::model::{MethodKind, Model};
use codex_appserver_diff::{Direction, Level, Stability};
use proptest::prelude::*;
use serde_json::Value;

mod mutants;
mod support;

use mutants::{Mutant, Target, Verdicts};
use support::{change, diff, model, protocol, try_model};

struct Pinned {
    schema: Value,
    model: Model,
    mutants: Vec<Mutant>,
}

/// Read once: a mutant is made from a copy.
fn pinned() -> &'static Pinned {
    static PINNED: OnceLock<Pinned> = OnceLock::new();
    PINNED.get_or_init(|| {
        let schema = protocol("pinned");
        let model = model(&schema);
        let mutants = mutants::all(&schema, &model);
        Pinned { schema, model, mutants }
    })
}

/// One kind of mutation after the other, so that rare kinds are met as well as common ones.
fn any_mutant() -> impl Strategy<Value = &'static Mutant> {
    let kinds: Vec<&str> = {
        let kinds: BTreeSet<&str> = pinned().mutants.iter().map(|mutant| mutant.kind).collect();
        kinds.into_iter().collect()
    };
    (proptest::sample::select(kinds), any::<proptest::sample::Index>()).prop_map(|(kind, index)| {
        let of_kind: Vec<&Mutant> = pinned().mutants.iter().filter(|mutant| mutant.kind == kind).collect();
        *index.get(&of_kind)
    })
}

/// A model takes a third of a second in a debug build; `PROPTEST_CASES=3000 cargo test --release` is thorough.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutation_is_one_finding_and_the_one_of_the_table(mutant in any_mutant()) {
        let mut schema = pinned().schema.clone();
        mutant.apply(&mut schema);
        // Some mutations are no protocol any more, such as a payload that another crate would refer to.
        let new = try_model(&schema);
        prop_assume!(new.is_ok());
        let new = new.expect("checked above");
        check(mutant, &new)?;
    }
}

fn check(mutant: &Mutant, new: &Model) -> Result<(), TestCaseError> {
    let old = &pinned().model;
    let findings = diff(old, new).findings;
    prop_assert_eq!(findings.len(), 1, "{:?}: {:#?}", mutant, findings);
    let finding = &findings[0];
    let expected = expected(mutant, old);
    let wire = [finding.wire.old_client.level, finding.wire.new_client.level];
    let found = (finding.rule.as_str(), wire, finding.source, finding.direction);
    let wanted = (expected.rule, expected.wire, expected.source, expected.direction);
    prop_assert_eq!(found, wanted, "{:?}: {:?}", mutant, finding);
    prop_assert!(finding.place.starts_with(mutant.target.name()), "{:?}: {:?}", mutant, finding);
    let stability = if expected.stable { Stability::Stable } else { Stability::Experimental };
    prop_assert_eq!(finding.stability, stability, "{:?}: {:?}", mutant, finding);
    let reached: BTreeSet<String> = finding.reach.iter().map(|reach| reach.method.clone()).collect();
    prop_assert_eq!(reached, expected.methods, "{:?}", mutant);

    let back = diff(new, old).findings;
    prop_assert_eq!(back.len(), 1, "{:?}: {:#?}", mutant, back);
    prop_assert_eq!(change(&back[0]), change(finding).opposite());
    prop_assert_eq!(&back[0].place, &finding.place);
    prop_assert_eq!((&back[0].old, &back[0].new), (&finding.new, &finding.old));
    prop_assert_eq!(&back[0].reach, &finding.reach);
    prop_assert_eq!(&back[0].wire.old_client, &finding.wire.new_client);
    prop_assert_eq!(&back[0].wire.new_client, &finding.wire.old_client);
    Ok(())
}

struct Expected {
    rule: &'static str,
    wire: [Level; 2],
    source: Level,
    direction: Direction,
    stable: bool,
    methods: BTreeSet<String>,
}

/// The worse of the two verdicts where the place is written and read.
fn expected(mutant: &Mutant, model: &Model) -> Expected {
    let Verdicts { written, read } = &mutant.verdicts;
    let (direction, stable, methods) = match &mutant.target {
        Target::Definition(name) => {
            let usage = &model.usage[name];
            let direction = match (usage.written, usage.read) {
                (true, true) => Direction::Both,
                (true, false) => Direction::ClientWrites,
                (false, _) => Direction::ClientReads,
            };
            (direction, usage.stable, usage.methods.clone())
        }
        Target::Method(kind, name) => {
            let client = matches!(kind, MethodKind::ClientRequest | MethodKind::ClientNotification);
            let direction = if client { Direction::ClientWrites } else { Direction::ClientReads };
            (direction, true, BTreeSet::from([name.clone()]))
        }
    };
    let of = |(rule, old, new, source): mutants::Verdict| (rule, [old, new], source);
    let (rule, wire, source) = match direction {
        Direction::ClientWrites => of(*written),
        Direction::ClientReads => of(*read),
        Direction::Both => {
            let rule = if (read.1, read.3) > (written.1, written.3) { read.0 } else { written.0 };
            (rule, [written.1.max(read.1), written.2.max(read.2)], written.3.max(read.3))
        }
    };
    Expected { rule, wire, source, direction, stable: stable && mutant.stable, methods }
}

/// Every kind of mutation has places in the schema, or the property would say less than it seems to.
#[test]
fn there_are_mutants_of_every_kind() {
    let kinds: BTreeSet<&str> = pinned().mutants.iter().map(|mutant| mutant.kind).collect();
    for kind in mutants::TABLE.iter().map(|(kind, _)| *kind) {
        assert!(kinds.contains(kind), "no place for `{kind}`");
    }
    assert_eq!(kinds.len(), mutants::TABLE.len());
}
