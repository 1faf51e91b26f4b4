//! Applies the rows of `overrides.toml` and `extra.json`, and keeps count of which ones were of use.

use std::collections::{BTreeMap, BTreeSet};

use crate::decision::Decision;
use crate::error::Result;
use serde_json::Value;

use crate::load::{METHOD_UNIONS, Schema, children, ref_name};
use crate::rows::{MethodRow, Overrides, ResponseRow};
use crate::shape::{Definition, Field, Shape};

/// The table that most rows are in.
pub(super) const FILE: &str = "schema/overrides.toml";

pub(super) struct Rows<'t> {
    overrides: &'t Overrides,
    extra: &'t BTreeMap<String, Value>,
    used: BTreeSet<String>,
}

impl<'t> Rows<'t> {
    pub(super) fn new(overrides: &'t Overrides, extra: &'t BTreeMap<String, Value>) -> Self {
        Self { overrides, extra, used: BTreeSet::new() }
    }

    fn mark(&mut self, row: String) {
        self.used.insert(row);
    }

    /// The schema with the definitions of `extra.json` that it lacks and has the ground for.
    pub(super) fn add_definitions(&mut self, schema: &Schema) -> Result<Schema> {
        let mut schema = schema.clone();
        let mut wanted: Vec<&String> =
            self.extra.keys().filter(|name| !schema.definitions.contains_key(*name)).collect();
        loop {
            let known = |target: &str| {
                schema.definitions.contains_key(target) || wanted.iter().any(|name| *name == target)
            };
            let grounded: Vec<&String> =
                wanted.iter().copied().filter(|name| refs_of(&self.extra[*name]).all(known)).collect();
            if grounded.len() == wanted.len() {
                break;
            }
            wanted = grounded;
        }
        for name in wanted {
            self.used.insert(name.clone());
            schema.definitions.insert(name.clone(), self.extra[name].clone());
        }
        crate::load::check_refs(&schema)?;
        Ok(schema)
    }

    pub(super) fn methods(&mut self, has: impl Fn(&MethodRow) -> bool) -> Vec<&'t MethodRow> {
        let rows: Vec<&'t MethodRow> = self.overrides.method.iter().filter(|row| !has(row)).collect();
        rows.iter().for_each(|row| self.mark(method_label(row)));
        rows
    }

    pub(super) fn response(&mut self, method: &str) -> Option<&'t ResponseRow> {
        let row = self.overrides.response.iter().find(|row| row.method == method)?;
        self.mark(response_label(row));
        Some(row)
    }

    pub(super) fn roots(&mut self, definitions: &BTreeMap<String, Definition>) -> Vec<&'t str> {
        let roots: Vec<&'t str> = self
            .overrides
            .root
            .iter()
            .map(|row| row.definition.as_str())
            .filter(|name| definitions.contains_key(*name))
            .collect();
        roots.iter().for_each(|name| self.mark(root_label(name)));
        roots
    }

    /// Writes the name that is on the wire and reads the schema's name as well.
    pub(super) fn rename_members(&mut self, definitions: &mut BTreeMap<String, Definition>) {
        for row in &self.overrides.wire_name {
            let Some(definition) = definitions.get_mut(&row.definition) else { continue };
            for (from, to) in &row.members {
                let mut found = false;
                each_field(&mut definition.shape, &mut |field| {
                    if field.wire == *from {
                        field.aliases.push(std::mem::replace(&mut field.wire, to.clone()));
                        found = true;
                    }
                });
                rename_marks(&mut definition.shape, from, to);
                if found {
                    self.used.insert(member_label("wire_name", &row.definition, from));
                }
            }
        }
    }

    pub(super) fn mark_distinct_nulls(&mut self, definitions: &mut BTreeMap<String, Definition>) {
        for row in &self.overrides.distinct_null {
            let Some(definition) = definitions.get_mut(&row.definition) else { continue };
            for name in &row.members {
                let mut found = false;
                each_field(&mut definition.shape, &mut |field| {
                    if field.wire == *name && !field.required && matches!(field.shape, Shape::Nullable(_)) {
                        field.distinct_null = true;
                        found = true;
                    }
                });
                if found {
                    self.used.insert(member_label("distinct_null", &row.definition, name));
                }
            }
        }
    }

    /// Rows that changed nothing.
    pub(super) fn unused(&self) -> Vec<Decision> {
        let overrides = &self.overrides;
        let labels = (overrides.response.iter().map(response_label))
            .chain(overrides.method.iter().map(method_label))
            .chain(overrides.root.iter().map(|row| root_label(&row.definition)))
            .chain(overrides.wire_name.iter().flat_map(|row| {
                row.members.keys().map(|name| member_label("wire_name", &row.definition, name))
            }))
            .chain(overrides.distinct_null.iter().flat_map(|row| {
                row.members.iter().map(|name| member_label("distinct_null", &row.definition, name))
            }));
        let rows = labels.map(|label| (FILE, label));
        let extra = self.extra.keys().map(|name| ("schema/extra.json", name.clone()));
        rows.chain(extra)
            .filter(|(_, label)| !self.used.contains(label))
            .map(|(file, label)| {
                Decision::new(
                    file,
                    format!(
                        "{label} changes nothing: the schema has it already or lacks the place; remove the row"
                    ),
                )
            })
            .collect()
    }
}

/// Every definition that a schema refers to.
fn refs_of(schema: &Value) -> impl Iterator<Item = &str> {
    let mut found = Vec::new();
    let mut queue = vec![schema];
    while let Some(schema) = queue.pop() {
        found.extend(ref_name(schema));
        children(schema, "", &mut |child, _| queue.push(child));
    }
    found.into_iter()
}

fn response_label(row: &ResponseRow) -> String {
    format!("[[response]] {}", row.method)
}

fn method_label(row: &MethodRow) -> String {
    let known = METHOD_UNIONS.contains(&row.union.as_str());
    format!("[[method]] {}{}", row.method, if known { "" } else { " (of no known union)" })
}

fn root_label(name: &str) -> String {
    format!("[[root]] {name}")
}

fn member_label(table: &str, definition: &str, member: &str) -> String {
    format!("[[{table}]] {definition}.{member}")
}

fn rename_marks(shape: &mut Shape, from: &str, to: &str) {
    let Shape::ByKeys(arms) = shape else { return };
    for marks in arms.iter_mut().flat_map(|arm| &mut arm.marks) {
        for names in marks.required.iter_mut().chain([&mut marks.known]) {
            if names.iter().any(|name| name == from) {
                names.insert(0, to.to_owned());
            }
        }
    }
}

/// Every member of the objects that a definition consists of, those of union arms included.
fn each_field(shape: &mut Shape, change: &mut dyn FnMut(&mut Field)) {
    match shape {
        Shape::Object(object) => object.fields.iter_mut().for_each(change),
        Shape::Tagged(tagged) => {
            tagged.arms.iter_mut().flat_map(|arm| &mut arm.object.fields).for_each(change);
        }
        Shape::ByKeys(arms) => {
            for arm in arms {
                each_field(&mut arm.shape, change);
            }
        }
        Shape::Nullable(inner) => each_field(inner, change),
        _ => {}
    }
}
