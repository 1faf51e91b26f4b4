//! Per definition: which methods reach it, who writes it there, and the shortest way.

use std::collections::VecDeque;

use codex_appserver_bindgen::model::Method;

use crate::change::Raw;
use crate::finding::{Direction, Reach};
use crate::graph::{Graph, Link};
use crate::methods::kind_name;
use crate::path::{self, Path, Sides};

/// The ways from the `params` and the `result` of every common method.
pub(crate) struct Reachability<'g, 'm> {
    graph: &'g Graph<'m>,
    roots: Vec<Root<'g, 'm>>,
}

struct Root<'g, 'm> {
    method: &'m Method,
    direction: Direction,
    links: Vec<&'g Link>,
    any: Trail,
    old: Trail,
    new: Trail,
}

/// For each node the link by which it was reached first.
struct Trail(Vec<Option<Step>>);

#[derive(Clone, Copy)]
struct Step {
    /// The node before; none for the method itself.
    from: Option<usize>,
    link: usize,
}

/// A method that reaches a change.
#[derive(Clone)]
pub(crate) struct Reached {
    pub(crate) reach: Reach,
    pub(crate) stable: bool,
}

impl<'g, 'm> Reachability<'g, 'm> {
    pub(crate) fn of(graph: &'g Graph<'m>) -> Self {
        let mut roots = Vec::new();
        for pair in &graph.methods {
            for part in ["params", "result"] {
                let links: Vec<&Link> =
                    pair.links.iter().filter(|link| link.path.steps[0].starts_with(part)).collect();
                if !links.is_empty() {
                    roots.push(Root {
                        method: pair.method,
                        direction: direction(pair.method, part),
                        any: Trail::through(graph, &links, |_| true),
                        old: Trail::through(graph, &links, |sides| sides.old),
                        new: Trail::through(graph, &links, |sides| sides.new),
                        links,
                    });
                }
            }
        }
        Self { graph, roots }
    }

    /// Every method that reaches a change in the definition `node`.
    pub(crate) fn reached(&self, node: usize, raw: &Raw) -> Vec<Reached> {
        let stable = raw.path.stable;
        self.roots
            .iter()
            .filter(|root| root.any.has(node))
            .map(|root| {
                // The way on the stable surface says more than a shorter one beside it.
                let trail = match () {
                    () if stable.new && root.new.has(node) => Some(&root.new),
                    () if stable.old && root.old.has(node) => Some(&root.old),
                    () => None,
                };
                let witness = self.witness(root, trail.unwrap_or(&root.any), node, &raw.path);
                Reached { reach: reach(root.method, root.direction, witness), stable: trail.is_some() }
            })
            .collect()
    }

    fn witness(&self, root: &Root<'g, 'm>, trail: &Trail, node: usize, inside: &Path) -> String {
        let mut paths = vec![inside];
        let mut at = Some(node);
        while let Some(step) = at.and_then(|node| trail.0[node]) {
            let link = match step.from {
                Some(from) => &self.graph.nodes[from].links[step.link],
                None => root.links[step.link],
            };
            paths.push(&link.path);
            at = step.from;
        }
        witness(&root.method.name, paths.into_iter().rev())
    }
}

impl Trail {
    /// Breadth first: the first way to a node has the fewest definitions on it.
    fn through(graph: &Graph<'_>, links: &[&Link], follow: impl Fn(Sides) -> bool) -> Self {
        let mut trail = Self(vec![None; graph.nodes.len()]);
        let mut queue = VecDeque::new();
        let enter = |trail: &mut Self, queue: &mut VecDeque<usize>, link: &Link, step: Step| {
            if follow(link.path.stable) && trail.0[link.to].is_none() {
                trail.0[link.to] = Some(step);
                queue.push_back(link.to);
            }
        };
        for (index, link) in links.iter().enumerate() {
            enter(&mut trail, &mut queue, link, Step { from: None, link: index });
        }
        while let Some(node) = queue.pop_front() {
            for (index, link) in graph.nodes[node].links.iter().enumerate() {
                enter(&mut trail, &mut queue, link, Step { from: Some(node), link: index });
            }
        }
        trail
    }

    fn has(&self, node: usize) -> bool {
        self.0[node].is_some()
    }
}

/// A change in the method itself, its `params` or its `result`.
pub(crate) fn of_method(method: &Method, path: &Path) -> Reached {
    let part = path.steps.first().map_or("", String::as_str);
    let witness = witness(&method.name, std::iter::once(path));
    Reached { reach: reach(method, direction(method, part), witness), stable: path.stable.any() }
}

fn witness<'p>(method: &str, paths: impl Iterator<Item = &'p Path>) -> String {
    let steps = paths.flat_map(|path| path.steps.iter().map(String::as_str));
    path::joined(method, steps, " → ")
}

fn reach(method: &Method, direction: Direction, witness: String) -> Reach {
    Reach { method: method.name.clone(), kind: kind_name(method.kind).to_owned(), direction, witness }
}

/// The sender writes all but the answer.
fn direction(method: &Method, part: &str) -> Direction {
    match method.kind.from_client() != part.starts_with("result") {
        true => Direction::ClientWrites,
        false => Direction::ClientReads,
    }
}
