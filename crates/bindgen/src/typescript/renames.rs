//! Members that both sides have under different names: `turn_id` in the JSON Schema, `turnId` in TypeScript.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToLowerCamelCase;

use super::FILE;
use super::compare::Difference;
use crate::decision::Decision;

/// Members by definition, each with its name in the schema and in TypeScript.
pub(super) struct Renames {
    members: BTreeMap<String, BTreeMap<String, String>>,
    places: BTreeSet<String>,
}

/// The pairs among the differences: a member that TypeScript lacks, and beside it one that the schema lacks, whose names
/// differ in their case alone.
pub(super) fn of(differences: &[&Difference]) -> Renames {
    let only_in = |schema: &str| -> BTreeSet<(&str, &str)> {
        let members = differences.iter().filter(|found| found.schema == schema && found.typescript != schema);
        members.filter_map(|found| found.place.rsplit_once('.')).collect()
    };
    let (ours, theirs) = (only_in("a member"), only_in("no member"));
    let mut renames = Renames { members: BTreeMap::new(), places: BTreeSet::new() };
    for (parent, from) in ours {
        let to = from.to_lower_camel_case();
        if theirs.contains(&(parent, to.as_str())) {
            renames.places.extend([format!("{parent}.{from}"), format!("{parent}.{to}")]);
            let definition = parent.split('.').next().unwrap_or(parent);
            renames.members.entry(definition.to_owned()).or_default().insert(from.to_owned(), to);
        }
    }
    renames
}

impl Renames {
    /// Whether a difference is one half of a pair.
    pub(super) fn covers(&self, found: &Difference) -> bool {
        self.places.contains(&found.place)
    }

    /// One decision for each definition.
    pub(super) fn decisions(&self) -> impl Iterator<Item = Decision> {
        self.members.iter().map(|(definition, members)| {
            let list = |pair: fn((&String, &String)) -> String| -> String {
                members.iter().map(pair).collect::<Vec<_>>().join(", ")
            };
            let names = list(|(from, to)| format!("`{from}` is `{to}`"));
            let problem = format!(
                "{definition}: in TypeScript {names}; the server writes the names of TypeScript as a rule: check that, \
                 then add them to the [[wire_name]] row of the type"
            );
            let members = list(|(from, to)| format!("{from} = \"{to}\""));
            Decision::new(FILE, problem).row(format!(
                "[[wire_name]]\ntype = \"{definition}\"\nmembers = {{ {members} }}\nwhy = \"…\"\n"
            ))
        })
    }
}
