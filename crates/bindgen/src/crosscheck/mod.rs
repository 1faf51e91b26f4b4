//! The second opinion: typify lowers every plain definition on its own, and whatever it sees that our own
//! lowering does not, or the other way round, is reported unless a reviewed row explains it.

mod ours;
mod plain;
mod quiet;
#[cfg(test)]
mod tests;
mod theirs;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use crate::decision::{Decision, Open};
use crate::error::Result;
use crate::load::{Schema, check_refs};
use crate::lower::Item;
use crate::model::Model;
use crate::rows::{DiffersRow, Typify};
use ours::Ours;
use view::{Difference, View};

const FILE: &str = "schema/typify.toml";
const REMEDY: &str = "; explain it in a [[differs]] row or mend the lowering";

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// How many definitions both sides lowered.
    pub(crate) compared_definitions: usize,
    /// How many members of structs both sides have.
    pub(crate) compared_fields: usize,
    /// Where they differ and no row says why: ``Type.member: ours `X`, typify `Y` ``; then rows that explain nothing.
    pub(crate) open: Open,
}

/// Compares the two lowerings of every plain definition that the model has.
///
/// What is not plain is not compared: unions, and definitions with an object, an enum or a union inside.
/// Neither are the values of defaults, the bounds of numbers and strings, and whether an object keeps
/// members beyond the known ones: typify does not tell.
pub(crate) fn check(
    schema: &Schema,
    model: &Model,
    items: &BTreeMap<String, Item>,
    typify: &Typify,
) -> Result<Report> {
    check_refs(schema)?;
    let plain: Vec<&str> = schema
        .definitions
        .iter()
        .filter(|(name, value)| model.definitions.contains_key(*name) && plain::is_plain(value))
        .map(|(name, _)| name.as_str())
        .collect();
    let ours = Ours { model, items };
    let mut report = Report::default();
    let mut rows = Rows { all: &typify.differs, used: BTreeSet::new() };
    for (name, theirs) in theirs::views(schema, &plain)? {
        let ours = ours.view(name).unwrap_or_else(|| View::Alias(view::NOTHING.to_owned()));
        report.compared_definitions += 1;
        report.compared_fields += ours.shared_members(&theirs);
        let unexplained =
            view::differences(name, &ours, &theirs).into_iter().filter(|found| !rows.explain(found));
        report.open.missing.extend(unexplained.map(|found| unexplained_difference(&found)));
    }
    report.open.idle = rows.unused();
    Ok(report)
}

/// The reviewed list, and which of its rows were of use.
struct Rows<'t> {
    all: &'t [DiffersRow],
    used: BTreeSet<usize>,
}

impl Rows<'_> {
    /// Whether a row says just this.
    fn explain(&mut self, found: &Difference) -> bool {
        let says = |row: &DiffersRow| {
            row.place == found.place && row.ours == found.ours && row.typify == found.typify
        };
        let Some(index) = self.all.iter().position(says) else { return false };
        self.used.insert(index);
        true
    }

    fn unused(&self) -> Vec<Decision> {
        let unused = self.all.iter().enumerate().filter(|(index, _)| !self.used.contains(index));
        unused.map(|(_, row)| Decision::new(FILE, idle(row))).collect()
    }
}

fn unexplained_difference(found: &Difference) -> Decision {
    let Difference { place, ours, typify } = found;
    Decision::new(FILE, format!("{found}{REMEDY}")).row(format!(
        "[[differs]]\nplace = \"{place}\"\nours = \"{ours}\"\ntypify = \"{typify}\"\nwhy = \"…\"\n"
    ))
}

fn idle(row: &DiffersRow) -> String {
    let DiffersRow { place, ours, typify, .. } = row;
    format!(
        "[[differs]] {place}: ours `{ours}`, typify `{typify}` explains nothing: \
         the two agree or differ otherwise; remove the row"
    )
}
