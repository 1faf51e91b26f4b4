//! The whole way from two models to findings.

use codex_appserver_bindgen::model::{Method, Model};

use crate::change::Raw;
use crate::finding::{Comparison, Direction, Finding, LeftOut, Level, Reach, Side, Stability};
use crate::graph::Graph;
use crate::methods::addition;
use crate::pair::{self, MethodPairs, Renames};
use crate::path::{Path, Sides};
use crate::reach::{self, Reachability, Reached};
use crate::uses::Uses;
use crate::walk::Walk;
use crate::{Change, fingerprint, line, message, order, rules};

/// What is compared, and what the two protocols are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only what stable methods reach through stable members and arms.
    pub stable_only: bool,
    /// Only what a program uses; the rest is counted in [`Comparison::left_out`].
    pub uses: Option<Uses>,
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

    let uses = options.uses.as_ref();
    let left_out = uses.map(Uses::left_out);
    let mut judge = Judge { stable_only: options.stable_only, uses, findings: Vec::new(), left_out };
    judge.came_and_went(&pairs);
    judge.renamed(&renamed);
    for pair in &graph.methods {
        for raw in &pair.changes {
            judge.finding(&pair.method.name, raw, vec![reach::of_method(pair.method, &raw.path)]);
        }
    }
    let reachability = Reachability::of(&graph);
    let named = uses.map(|uses| graph.below(|name| uses.has_type(name))).unwrap_or_default();
    for (index, node) in graph.nodes.iter().enumerate() {
        for raw in &node.changes {
            let reached = reachability.reached(index, raw);
            match named.contains(&index) {
                true => judge.finding_of(&node.new, raw, reached),
                false => judge.finding(&node.new, raw, reached),
            }
        }
    }
    let Judge { mut findings, left_out, .. } = judge;
    order::sort(&mut findings);
    Comparison { old: side(old, &options.old_name), new: side(new, &options.new_name), findings, left_out }
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

struct Judge<'o> {
    stable_only: bool,
    uses: Option<&'o Uses>,
    findings: Vec<Finding>,
    left_out: Option<LeftOut>,
}

impl Judge<'_> {
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
        let reached = vec![reach::of_method(method, &raw.path)];
        let types = method.params.definition().into_iter().chain(method.response.as_deref());
        match types.into_iter().any(|name| self.uses.is_some_and(|uses| uses.has_type(name))) {
            true => self.finding_of(&method.name, &raw, reached),
            false => self.finding(&method.name, &raw, reached),
        }
    }

    /// The finding of a change, if it concerns what the program uses; of the methods it names only those.
    fn finding(&mut self, root: &str, raw: &Raw, reached: Vec<Reached>) {
        let Some(uses) = self.uses else { return self.finding_of(root, raw, reached) };
        // The server decides whether it sends a new request. What no method reaches may reach any program.
        if reached.is_empty() || raw.change == Change::ServerRequestAdded {
            return self.finding_of(root, raw, reached);
        }
        let former = raw.old.as_deref().filter(|_| raw.change == Change::MethodRenamed);
        let used = |reached: &&Reached| {
            uses.has_method(&reached.reach.method) || former.is_some_and(|name| uses.has_method(name))
        };
        let concerned: Vec<Reached> = reached.iter().filter(used).cloned().collect();
        let surface = |reached: &[Reached]| !self.stable_only || reached.iter().any(|reached| reached.stable);
        if !concerned.is_empty() && surface(&concerned) {
            return self.finding_of(root, raw, concerned);
        }
        if surface(&reached)
            && let Some(left_out) = &mut self.left_out
        {
            let judgement = rules::judge(raw, direction(reached.iter().map(|reached| &reached.reach)));
            left_out.findings += 1;
            left_out.old_client.add(judgement.wire.old_client.level);
            left_out.new_client.add(judgement.wire.new_client.level);
            left_out.source.add(judgement.source);
            let breaks =
                [judgement.wire.old_client.level, judgement.source].map(|level| level == Level::Breaking);
            left_out.breaks_wire_alone += usize::from(breaks == [true, false]);
        }
    }

    /// One change is one finding, whoever it reaches.
    fn finding_of(&mut self, root: &str, raw: &Raw, mut reached: Vec<Reached>) {
        if self.stable_only {
            reached.retain(|reached| reached.stable);
            if reached.is_empty() {
                return;
            }
        }
        let stable = reached.iter().any(|reached| reached.stable);
        let mut reach: Vec<_> = reached.into_iter().map(|reached| reached.reach).collect();
        reach.sort();
        let direction = direction(reach.iter());
        let judgement = rules::judge(raw, direction);
        let place = raw.path.place(root);
        self.findings.push(Finding {
            rule: judgement.rule.id.to_owned(),
            note: message::note(raw, &judgement),
            wire: judgement.wire,
            source: judgement.source,
            direction,
            stability: if stable { Stability::Stable } else { Stability::Experimental },
            message: message::happened(raw, &place),
            fingerprint: fingerprint::of(judgement.rule.id, &place, raw.old.as_deref(), raw.new.as_deref()),
            place,
            old: raw.old.clone(),
            new: raw.new.clone(),
            reach,
            waived: None,
        });
    }
}

/// Who writes the place, by the ways to it. What no method reaches stands in the `data` of an error.
fn direction<'r>(reach: impl Iterator<Item = &'r Reach>) -> Direction {
    let both = |a, b| if a == b { a } else { Direction::Both };
    reach.map(|reach| reach.direction).reduce(both).unwrap_or(Direction::ClientReads)
}
