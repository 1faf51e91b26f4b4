//! The pairs of definitions that both protocols reach, and how: only they can have changed. What is reached
//! through an added or a removed method, member or arm alone is covered by that one finding.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use codex_appserver_bindgen::model::{Method, Model};

use crate::boxes::Boxes;
use crate::change::{Change, Raw};
use crate::pair::Renames;
use crate::path::Path;
use crate::walk::{Edge, Found, Walk};

/// Where both protocols go, from their common methods on.
#[derive(Debug, Default)]
pub(crate) struct Graph<'m> {
    pub(crate) methods: Vec<MethodPair<'m>>,
    pub(crate) nodes: Vec<Node>,
    index: BTreeMap<(String, String), usize>,
}

/// A method of both protocols, as the new one has it.
#[derive(Debug)]
pub(crate) struct MethodPair<'m> {
    pub(crate) method: &'m Method,
    pub(crate) changes: Vec<Raw>,
    pub(crate) links: Vec<Link>,
}

/// A definition of both protocols.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) changes: Vec<Raw>,
    pub(crate) links: Vec<Link>,
}

/// A way to a node.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) path: Path,
    pub(crate) to: usize,
}

impl<'m> Graph<'m> {
    pub(crate) fn build(
        old: &'m Model,
        new: &'m Model,
        common: &[(&'m Method, &'m Method)],
        renames: &mut Renames,
    ) -> Self {
        let mut graph = Self::default();
        let boxes = Boxes::of(old, new);
        let mut queue = VecDeque::new();
        for (old_method, new_method) in common {
            let mut walk = Walk::new(old, new, renames);
            walk.methods(old_method, new_method);
            let Found { mut changes, edges } = walk.found;
            changes.extend(boxes.of_params(old_method, new_method));
            let links = graph.links(edges, &mut queue);
            graph.methods.push(MethodPair { method: new_method, changes, links });
        }
        for name in old.usage.keys().filter(|name| is_root(old, name) && is_root(new, name)) {
            graph.node(name, name, &mut queue);
        }
        while let Some(index) = queue.pop_front() {
            let (old_name, new_name) = (graph.nodes[index].old.clone(), graph.nodes[index].new.clone());
            let found = definitions(old, new, &old_name, &new_name, renames);
            graph.nodes[index].links = graph.links(found.edges, &mut queue);
            graph.nodes[index].changes = found.changes;
            graph.nodes[index].changes.extend(boxes.of_type(&old_name, &new_name));
        }
        graph
    }

    /// The definitions of these names, and those that they consist of.
    pub(crate) fn below(&self, named: impl Fn(&str) -> bool) -> BTreeSet<usize> {
        let is_named = |node: &Node| named(&node.old) || named(&node.new);
        let mut open: Vec<usize> =
            (0..self.nodes.len()).filter(|index| is_named(&self.nodes[*index])).collect();
        let mut below = BTreeSet::new();
        while let Some(index) = open.pop() {
            if below.insert(index) {
                open.extend(self.nodes[index].links.iter().map(|link| link.to));
            }
        }
        below
    }

    fn node(&mut self, old: &str, new: &str, queue: &mut VecDeque<usize>) -> usize {
        let key = (old.to_owned(), new.to_owned());
        if let Some(index) = self.index.get(&key) {
            return *index;
        }
        let index = self.nodes.len();
        self.nodes.push(Node {
            old: key.0.clone(),
            new: key.1.clone(),
            changes: Vec::new(),
            links: Vec::new(),
        });
        self.index.insert(key, index);
        queue.push_back(index);
        index
    }

    /// Short ways first, so that the first one found is the shortest.
    fn links(&mut self, edges: Vec<Edge>, queue: &mut VecDeque<usize>) -> Vec<Link> {
        let mut links: Vec<Link> = edges
            .into_iter()
            .map(|edge| Link { to: self.node(&edge.old, &edge.new, queue), path: edge.path })
            .collect();
        links.sort_by(|a, b| (a.path.steps.len(), &a.path.steps).cmp(&(b.path.steps.len(), &b.path.steps)));
        links
    }
}

/// Data that the client reads although no method names it, such as the `data` of an error.
fn is_root(model: &Model, name: &str) -> bool {
    model.usage.get(name).is_some_and(|usage| usage.methods.is_empty())
}

fn definitions(old: &Model, new: &Model, old_name: &str, new_name: &str, renames: &mut Renames) -> Found {
    // What the envelope is made of is in no model and the same in all versions.
    let (Some(a), Some(b)) = (old.definitions.get(old_name), new.definitions.get(new_name)) else {
        return Found::default();
    };
    let mut walk = Walk::new(old, new, renames);
    let path = Path::default();
    if old_name != new_name {
        let names = (Some(old_name.to_owned()), Some(new_name.to_owned()));
        walk.found.changes.push(Raw::new(path.clone(), Change::TypeRenamed, names.0, names.1));
    }
    walk.deprecation(&path, (a.deprecated, b.deprecated));
    walk.description(&path, (&a.description, &b.description));
    walk.values(&path, &a.shape, &b.shape);
    walk.found
}
