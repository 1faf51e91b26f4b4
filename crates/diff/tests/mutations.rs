//! Single mutations of the pinned schema: each is one finding, the one that the table of rules says.
//!
//! The expectation is written down here a second time, and directions come from the model's own usage, not
//! from the walk that is tested.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use codex_appserver_bindgen::model::{MethodKind, Model};
use codex_appserver_diff::{Direction, Level, Stability};
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

/// As many mutants of each kind as `of_each_kind` says, spread over the schema, so that rare kinds are met as well as
/// common ones.
fn sample(of_each_kind: usize) -> Vec<&'static Mutant> {
    let mut kinds: BTreeMap<&str, Vec<&Mutant>> = BTreeMap::new();
    for mutant in &pinned().mutants {
        kinds.entry(mutant.kind).or_default().push(mutant);
    }
    kinds
        .values()
        .flat_map(|mutants| mutants.iter().step_by(mutants.len().div_ceil(of_each_kind)).copied())
        .collect()
}

/// Checks each mutant, on all processors: a model takes a third of a second in a debug build.
fn check_all(mutants: &[&Mutant]) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut schema = pinned().schema.clone();
            mutant.apply(&mut schema);
            // Some mutations are no protocol any more, such as a payload that another crate would refer to.
            if let Ok(new) = try_model(&schema) {
                check(mutant, &new);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
}

/// Two of each kind unless `MUTATIONS_PER_KIND` says more; all of them take 25 minutes of processor time in a release
/// build.
#[test]
fn a_mutation_is_one_finding_and_the_one_of_the_table() {
    let of_each_kind =
        std::env::var("MUTATIONS_PER_KIND").map_or(2, |number| number.parse().expect("a number"));
    check_all(&sample(of_each_kind));
}

fn check(mutant: &Mutant, new: &Model) {
    let old = &pinned().model;
    let findings = diff(old, new).findings;
    assert_eq!(findings.len(), 1, "{:?}: {:#?}", mutant, findings);
    let finding = &findings[0];
    let expected = expected(mutant, old);
    let wire = [finding.wire.old_client.level, finding.wire.new_client.level];
    let found = (finding.rule.as_str(), wire, finding.source, finding.direction);
    let wanted = (expected.rule, expected.wire, expected.source, expected.direction);
    assert_eq!(found, wanted, "{:?}: {:?}", mutant, finding);
    assert!(finding.place.starts_with(mutant.target.name()), "{:?}: {:?}", mutant, finding);
    let stability = if expected.stable { Stability::Stable } else { Stability::Experimental };
    assert_eq!(finding.stability, stability, "{:?}: {:?}", mutant, finding);
    let reached: BTreeSet<String> = finding.reach.iter().map(|reach| reach.method.clone()).collect();
    assert_eq!(reached, expected.methods, "{:?}", mutant);

    let back = diff(new, old).findings;
    assert_eq!(back.len(), 1, "{:?}: {:#?}", mutant, back);
    assert_eq!(change(&back[0]), change(finding).opposite());
    assert_eq!(&back[0].place, &finding.place);
    assert_eq!((&back[0].old, &back[0].new), (&finding.new, &finding.old));
    assert_eq!(&back[0].reach, &finding.reach);
    assert_eq!(&back[0].wire.old_client, &finding.wire.new_client);
    assert_eq!(&back[0].wire.new_client, &finding.wire.old_client);
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
