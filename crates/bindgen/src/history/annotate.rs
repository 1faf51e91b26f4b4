//! Says of every name in a model when it came.

use std::collections::BTreeMap;

use super::names::{arm_name, join};
use super::{History, Life, Release, Since, State, renames};
use crate::model::Model;
use crate::shape::{Definition, Object, Shape};

pub(super) fn model(history: &History, model: &mut Model) {
    let Ok(release) = model.codex_version.parse::<Release>() else { return };
    let Ok(pin) = history.releases.binary_search(&release) else { return };
    let releases = &history.releases[..=pin];
    let types = renames::followed(&history.types, releases.len());
    for method in &mut model.methods {
        let listed =
            history.methods.get(method.kind.union_name()).and_then(|lives| lives.parts.get(&method.name));
        // A method that only a row of the tables knows came with its params at the latest.
        let params = || Some(&types.get(method.params.definition()?)?.own);
        method.since = listed.or_else(params).map(|life| since(life, releases)).unwrap_or_default();
    }
    for definition in model.definitions.values_mut() {
        if let Some(lives) = types.get(&definition.name) {
            definition.since = since(&lives.own, releases);
            let Definition { shape: of, since, .. } = definition;
            Annotator { parts: &lives.parts, releases }.shape(of, *since, "");
        }
    }
}

/// What the states of a name mean for the last of these releases.
pub(super) fn since(life: &Life, releases: &[Release]) -> Since {
    let life = &life[..releases.len()];
    let there = |state: &State| *state != State::Absent;
    let start = match life.iter().rposition(|state| !there(state)) {
        None => 0,
        Some(gap) if gap + 1 < life.len() => gap + 1,
        // The schema lists it no more, or never did, and a row of the tables has added it.
        Some(_) => match life.iter().position(there) {
            Some(first) => first,
            None => return Since::default(),
        },
    };
    let stable = match life.iter().rposition(|state| *state == State::Experimental) {
        Some(last) if last >= start => releases.get(last + 1).copied(),
        _ => None,
    };
    Since { release: (start > 0).then(|| releases[start]), stable, inherited: false }
}

struct Annotator<'h> {
    parts: &'h BTreeMap<String, Life>,
    releases: &'h [Release],
}

impl Annotator<'_> {
    /// When a part came that the tables may have given another name, and the path it has in the history.
    fn part(&self, path: &str, names: &[&String], owner: Since) -> (Since, String) {
        let mut life: Life = vec![State::Absent; self.releases.len()];
        let mut here = None;
        for candidate in names.iter().map(|name| join(path, name)) {
            let Some(known) = self.parts.get(&candidate) else { continue };
            life.iter_mut().zip(known).for_each(|(state, known)| *state = (*state).max(*known));
            if here.is_none() || known[self.releases.len() - 1] != State::Absent {
                here = Some(candidate);
            }
        }
        let Some(here) = here else { return (Since::default(), join(path, names[0])) };
        let since = since(&life, self.releases);
        let inherited = (since.release, since.stable) == (owner.release, owner.stable);
        (Since { inherited, ..since }, here)
    }

    fn shape(&self, shape: &mut Shape, owner: Since, path: &str) {
        match shape {
            Shape::Array(inner) | Shape::Map(inner) | Shape::Nullable(inner) => {
                self.shape(inner, owner, path)
            }
            Shape::Object(object) => self.object(object, owner, path),
            Shape::StringEnum(values) => {
                for value in values {
                    value.since = self.part(path, &[&value.wire], owner).0;
                }
            }
            Shape::IntegerEnum(literals) => {
                for value in &mut literals.values {
                    value.since = self.part(path, &[&value.wire.to_string()], owner).0;
                }
            }
            Shape::Tagged(tagged) => {
                for arm in &mut tagged.arms {
                    let (since, here) = self.part(path, &[&arm.value], owner);
                    arm.since = since;
                    self.object(&mut arm.object, since, &here);
                }
            }
            Shape::External(arms) => {
                for arm in arms {
                    let (since, here) = self.part(path, &[&arm.value], owner);
                    arm.since = since;
                    if let Some(payload) = &mut arm.payload {
                        self.shape(payload, since, &here);
                    }
                }
            }
            Shape::ByType(arms) => {
                for arm in arms {
                    let (since, here) = self.part(path, &[&arm_name(arm)], owner);
                    self.shape(arm, since, &here);
                }
            }
            Shape::ByKeys(arms) => {
                for arm in arms {
                    let (since, here) = self.part(path, &[&arm_name(&arm.shape)], owner);
                    arm.since = since;
                    self.shape(&mut arm.shape, since, &here);
                }
            }
            _ => {}
        }
    }

    fn object(&self, object: &mut Object, owner: Since, path: &str) {
        for field in object.fields.iter_mut().chain(&mut object.choice) {
            let names: Vec<&String> = [&field.wire].into_iter().chain(&field.aliases).collect();
            let (since, here) = self.part(path, &names, owner);
            field.since = since;
            self.shape(&mut field.shape, since, &here);
        }
    }
}
