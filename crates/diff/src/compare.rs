//! The whole way from two models to findings.

use codex_appserver_bindgen::model::{Method, Model};

use crate::change::Raw;
use crate::finding::{Comparison, Direction, Finding, Side, Stability};
use crate::graph::Graph;
use crate::methods::addition;
use crate::pair::{self, MethodPairs, Renames};
use crate::path::{Path, Sides};
use crate::reach::{self, Reachability, Reached};
use crate::walk::Walk;
use crate::{Change, fingerprint, line, message, order, rules};

/// What is compared, and what the two protocols are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only what stable methods reach through stable members and arms.
    pub stable_only: bool,
    /// What the user called the older protocol; its codex version where this is empty.
    pub old_name: String,
    /// What the user called the newer protocol; its codex version where this is empty.
    pub new_name: String,
}

/// Compares two protocols.
pub fn compare(old: &Model, new: &Model, options: &Options) -> Comparison {
    let pairs = pair::methods(old, new);
    let mut renames = Renames::default();
    let graph = Graph::build(old, new, &pairs.common, &mut renames);
    let renamed = pair::renamed_methods(&pairs, |a, b| Walk::new(old, new, &mut renames).alike(a, b));

    let mut judge = Judge { stable_only: options.stable_only, findings: Vec::new() };
    judge.came_and_went(&pairs);
    judge.renamed(&renamed);
    for pair in &graph.methods {
        for raw in &pair.changes {
            judge.finding(&pair.method.name, raw, vec![reach::of_method(pair.method, &raw.path)]);
        }
    }
    let reachability = Reachability::of(&graph);
    for (index, node) in graph.nodes.iter().enumerate() {
        for raw in &node.changes {
            judge.finding(&node.new, raw, reachability.reached(index, raw));
        }
    }
    let mut findings = judge.findings;
    order::sort(&mut findings);
    Comparison { old: side(old, &options.old_name), new: side(new, &options.new_name), findings }
}

fn side(model: &Model, name: &str) -> Side {
    let name = if name.is_empty() { &model.codex_version } else { name };
    Side {
        name: name.to_owned(),
        codex_version: model.codex_version.clone(),
        methods: model.methods.len(),
        types: model.definitions.len(),
    }
}

struct Judge {
    stable_only: bool,
    findings: Vec<Finding>,
}

impl Judge {
    fn came_and_went(&mut self, pairs: &MethodPairs<'_>) {
        for method in &pairs.removed {
            let change = addition(method.kind).opposite();
            let stable = Sides { old: !method.experimental, new: false };
            self.method(method, change, stable, [Some(line::method(method)), None]);
        }
        for method in &pairs.added {
            let stable = Sides { old: false, new: !method.experimental };
            self.method(method, addition(method.kind), stable, [None, Some(line::method(method))]);
        }
    }

    fn renamed(&mut self, renamed: &[(&Method, &Method)]) {
        for (old, new) in renamed {
            let stable = Sides { old: !old.experimental, new: !new.experimental };
            let names = [Some(old.name.clone()), Some(new.name.clone())];
            self.method(new, Change::MethodRenamed, stable, names);
        }
    }

    fn method(&mut self, method: &Method, change: Change, stable: Sides, [old, new]: [Option<String>; 2]) {
        let raw = Raw::new(Path { steps: Vec::new(), stable }, change, old, new);
        self.finding(&method.name, &raw, vec![reach::of_method(method, &raw.path)]);
    }

    /// One change is one finding, whoever it reaches.
    fn finding(&mut self, root: &str, raw: &Raw, mut reached: Vec<Reached>) {
        if self.stable_only {
            reached.retain(|reached| reached.stable);
            if reached.is_empty() {
                return;
            }
        }
        let stable = reached.iter().any(|reached| reached.stable);
        let mut reach: Vec<_> = reached.into_iter().map(|reached| reached.reach).collect();
        reach.sort();
        // What no method reaches stands in the `data` of an error.
        let direction = reach
            .iter()
            .map(|reach| reach.direction)
            .reduce(|a, b| if a == b { a } else { Direction::Both })
            .unwrap_or(Direction::ClientReads);
        let verdict = rules::judge(raw, direction);
        let place = raw.path.place(root);
        self.findings.push(Finding {
            rule: verdict.rule.id.to_owned(),
            wire: verdict.wire,
            source: verdict.source,
            direction,
            stability: if stable { Stability::Stable } else { Stability::Experimental },
            message: message::sentence(raw, &place, &verdict),
            fingerprint: fingerprint::of(verdict.rule.id, &place, raw.old.as_deref(), raw.new.as_deref()),
            place,
            old: raw.old.clone(),
            new: raw.new.clone(),
            reach,
            waived: None,
        });
    }
}
