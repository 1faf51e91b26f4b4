//! Compares two shapes structurally: raw changes with their path, and the pairs of definitions below.

mod literals;
mod objects;
mod relation;
mod unions;

use std::collections::BTreeSet;

use codex_appserver_bindgen::model::Model;
use codex_appserver_bindgen::shape::Shape;

use crate::change::{Change, Raw};
use crate::line;
use crate::pair::Renames;
use crate::path::Path;

/// Aliases of aliases beyond this depth are a circle.
const ALIASES: usize = 64;

/// Types that differ this far down count as other types; no protocol goes there, but hostile files may.
const DEPTH: usize = 200;

/// What the comparison of two shapes found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) changes: Vec<Raw>,
    pub(crate) edges: Vec<Edge>,
}

/// A place where both protocols go on to a definition.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) path: Path,
    pub(crate) old: String,
    pub(crate) new: String,
}

/// A walk through a pair of shapes.
pub(crate) struct Walk<'m, 'r> {
    pub(crate) old: &'m Model,
    pub(crate) new: &'m Model,
    pub(crate) renames: &'r mut Renames,
    /// The pairs of definitions that were entered on the way, where the walk enters definitions at all.
    entered: Option<BTreeSet<(&'m str, &'m str)>>,
    /// How many shapes the walk is inside of.
    depth: usize,
    pub(crate) found: Found,
}

impl<'m, 'r> Walk<'m, 'r> {
    /// A walk that stops at definitions, which are pairs of their own.
    pub(crate) fn new(old: &'m Model, new: &'m Model, renames: &'r mut Renames) -> Self {
        Self { old, new, renames, entered: None, depth: 0, found: Found::default() }
    }

    /// A walk that goes through definitions of different names as if they stood inline.
    fn deep(&mut self) -> Walk<'m, '_> {
        Walk {
            old: self.old,
            new: self.new,
            renames: self.renames,
            // A walk within a walk goes on where that one is, lest a type that contains itself have no end.
            entered: Some(self.entered.clone().unwrap_or_default()),
            depth: self.depth,
            found: Found::default(),
        }
    }

    /// Whether the walk goes through definitions of different names.
    pub(crate) fn is_deep(&self) -> bool {
        self.entered.is_some()
    }

    pub(crate) fn values(&mut self, path: &Path, old: &'m Shape, new: &'m Shape) {
        if self.depth == DEPTH {
            return self.change(path, Change::TypeChanged, old, new);
        }
        self.depth += 1;
        self.shapes(path, old, new);
        self.depth -= 1;
    }

    fn shapes(&mut self, path: &Path, old: &'m Shape, new: &'m Shape) {
        if let (Shape::Ref(a), Shape::Ref(b)) = (old, new)
            && self.is_pair(a, b)
        {
            return self.found.edges.push(Edge { path: path.clone(), old: a.clone(), new: b.clone() });
        }
        let (old, new) = (self.through(self.old, old), self.through(self.new, new));
        match (old, new) {
            (Shape::Any, Shape::Any) | (Shape::Bool, Shape::Bool) | (Shape::String, Shape::String) => {}
            (Shape::IntegerEnum(_) | Shape::BoolLiteral(_), _)
            | (_, Shape::IntegerEnum(_) | Shape::BoolLiteral(_))
                if is_scalar(old) && is_scalar(new) =>
            {
                self.literals(path, old, new);
            }
            (Shape::Any, _) => self.change(path, Change::Narrowed, old, new),
            (_, Shape::Any) => self.change(path, Change::Widened, old, new),
            (Shape::Nullable(old), Shape::Nullable(new)) => self.values(path, old, new),
            (Shape::Nullable(inner), _) => {
                self.change(path, Change::BecameNonNull, old, new);
                self.values(path, inner, new);
            }
            (_, Shape::Nullable(inner)) => {
                self.change(path, Change::BecameNullable, old, new);
                self.values(path, old, inner);
            }
            // A deep walk has gone through all that can be gone through: this is an envelope's own type.
            (Shape::Ref(_), _) | (_, Shape::Ref(_)) if self.entered.is_some() => {
                self.change(path, Change::TypeChanged, old, new);
            }
            (Shape::Ref(_), _) | (_, Shape::Ref(_)) => self.replaced(path, old, new),
            (Shape::Integer(a), Shape::Integer(b)) => self.numbers(path, (old, a.range()), (new, b.range())),
            (Shape::Integer(_), Shape::Number { .. }) => self.change(path, Change::Widened, old, new),
            (Shape::Number { .. }, Shape::Integer(_)) => self.change(path, Change::Narrowed, old, new),
            (Shape::Number { wide: a }, Shape::Number { wide: b }) => {
                let width = |wide: bool| (0, i128::from(wide));
                self.numbers(path, (old, width(*a)), (new, width(*b)));
            }
            (Shape::Array(old), Shape::Array(new)) => self.values(&path.into("[]"), old, new),
            (Shape::Map(old), Shape::Map(new)) => self.values(&path.into("{}"), old, new),
            (Shape::Object(old), Shape::Object(new)) => self.objects(path, old, new, false),
            _ => self.unions(path, old, new),
        }
    }

    /// Numbers of one kind, by the range they cover.
    fn numbers(
        &mut self,
        path: &Path,
        (old, old_range): (&Shape, (i128, i128)),
        (new, new_range): (&Shape, (i128, i128)),
    ) {
        let within = |inner: (i128, i128), outer: (i128, i128)| outer.0 <= inner.0 && inner.1 <= outer.1;
        let change = match (within(old_range, new_range), within(new_range, old_range)) {
            (true, true) => return,
            (true, false) => Change::Widened,
            (false, true) => Change::Narrowed,
            (false, false) => Change::TypeChanged,
        };
        self.change(path, change, old, new);
    }

    pub(crate) fn change(&mut self, path: &Path, change: Change, old: &Shape, new: &Shape) {
        let (old, new) = (line::shape(old), line::shape(new));
        self.found.changes.push(Raw::new(path.clone(), change, Some(old), Some(new)));
    }

    /// Whether the two names are one definition to this walk.
    pub(crate) fn is_pair(&mut self, a: &'m str, b: &'m str) -> bool {
        if a == b {
            return true;
        }
        match &mut self.entered {
            Some(entered) => !entered.insert((a, b)),
            None => self.is_renamed(a, b),
        }
    }

    /// What stands behind a reference: aliases are seen through, and by a deep walk all definitions.
    fn through(&self, model: &'m Model, shape: &'m Shape) -> &'m Shape {
        let mut shape = shape;
        for _ in 0..ALIASES {
            let Shape::Ref(name) = shape else { break };
            match model.definitions.get(name) {
                Some(target) if self.entered.is_some() || is_alias(&target.shape) => shape = &target.shape,
                _ => break,
            }
        }
        shape
    }
}

/// Whether values of this shape are integers, other numbers or booleans.
fn is_scalar(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::Bool
            | Shape::BoolLiteral(_)
            | Shape::Integer(_)
            | Shape::IntegerEnum(_)
            | Shape::Number { .. }
    )
}

/// Whether a definition of this shape is only another name for a Rust type.
pub(crate) fn is_alias(shape: &Shape) -> bool {
    !matches!(
        shape,
        Shape::Object(_)
            | Shape::StringEnum(_)
            | Shape::IntegerEnum(_)
            | Shape::Tagged(_)
            | Shape::External(_)
            | Shape::ByType(_)
            | Shape::ByKeys(_)
    )
}
