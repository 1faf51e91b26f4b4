//! `schema/history.json`: reading and writing.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use serde_json::Value;

use super::{History, Life, Lives, Release, State};
use crate::error::{Error, Result};
use crate::load::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "//")]
    _about: String,
    versions: Vec<String>,
    methods: BTreeMap<String, Vec<Value>>,
    types: BTreeMap<String, Vec<Value>>,
}

const ABOUT: &str =
    "In which codex releases each name exists. Written by `cargo xtask schema history`; do not edit.";

impl History {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// It is not what [`to_json`](Self::to_json) writes; the error names the place.
    pub fn parse(source: &Source<'_>) -> Result<Self> {
        let file: File = serde_json::from_slice(source.bytes)
            .map_err(|error| Error::Json { file: source.name.to_owned(), error })?;
        let wrong =
            |place: &str, problem: String| Error::table(&format!("{}#/{place}", source.name), problem);
        let releases: Vec<Release> = file
            .versions
            .iter()
            .map(|text| text.parse().map_err(|problem| wrong("versions", problem)))
            .collect::<Result<_>>()?;
        if !releases.is_sorted_by(|a, b| a < b) {
            return Err(wrong("versions", "not in ascending order".into()));
        }
        let read = |section: &str, owners: BTreeMap<String, Vec<Value>>| {
            let owners = owners.into_iter().map(|(name, rows)| {
                let mut lives = Lives::default();
                let group = group(&rows, &releases, &mut lives);
                lives.own = group.map_err(|problem| wrong(&format!("{section}/{name}"), problem))?;
                Ok((name, lives))
            });
            owners.collect::<Result<BTreeMap<_, _>>>()
        };
        let (methods, types) = (read("methods", file.methods)?, read("types", file.types)?);
        Ok(Self { methods, types, releases })
    }

    /// The file: the same history, the same bytes.
    pub fn to_json(&self) -> String {
        let versions: Vec<String> = self.releases.iter().map(Release::to_string).collect();
        let mut out =
            format!("{{\n\"//\": {},\n\"versions\": {},\n", Value::from(ABOUT), Value::from(versions));
        for (section, owners, end) in [("methods", &self.methods, ",\n"), ("types", &self.types, "\n}\n")] {
            let owners: Vec<String> = owners.iter().map(|(name, lives)| self.owner(name, lives)).collect();
            // Writing to a string does not fail.
            let _ = write!(out, "\"{section}\": {{\n{}\n}}{end}", owners.join(",\n"));
        }
        out
    }

    /// One definition: its history with the parts that share it, then a line for each other history.
    fn owner(&self, name: &str, lives: &Lives) -> String {
        let own = self.changes(&lives.own);
        let mut groups: BTreeMap<Vec<(Release, State)>, Vec<Value>> = BTreeMap::new();
        for (part, life) in &lives.parts {
            groups.entry(self.changes(life)).or_default().push(part.as_str().into());
        }
        let first = line(&own, groups.remove(&own).unwrap_or_default());
        let more: String =
            groups.into_iter().map(|(changes, parts)| format!(",\n  [{}]", line(&changes, parts))).collect();
        format!("{}: [{first}{more}]", Value::from(name))
    }

    /// The releases in which the state is another than in the one before.
    fn changes(&self, life: &Life) -> Vec<(Release, State)> {
        let mut before = State::Absent;
        let states = self.releases.iter().copied().zip(life.iter().copied());
        states.filter(|(_, state)| std::mem::replace(&mut before, *state) != *state).collect()
    }
}

/// A history and the names that have it, as the items of an array.
fn line(changes: &[(Release, State)], parts: Vec<Value>) -> String {
    let words = changes.iter().map(|(release, state)| match state {
        State::Stable => release.to_string(),
        State::Experimental => format!("{release} experimental"),
        State::Absent => format!("{release} gone"),
    });
    let history = Value::from(words.collect::<Vec<_>>().join(", "));
    [history].into_iter().chain(parts).map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}

/// Reads a history, the names that have it, and the groups of names that have another one.
fn group(items: &[Value], releases: &[Release], lives: &mut Lives) -> std::result::Result<Life, String> {
    let Some((Value::String(history), items)) = items.split_first() else {
        return Err("does not begin with a history such as `0.99.0`".into());
    };
    let own = life(history, releases)?;
    for item in items {
        match item {
            Value::String(part) => {
                if lives.parts.insert(part.clone(), own.clone()).is_some() {
                    return Err(format!("`{part}` stands in it twice"));
                }
            }
            Value::Array(items) => drop(group(items, releases, lives)?),
            _ => return Err(format!("`{item}` is neither a name nor a group of names")),
        }
    }
    Ok(own)
}

fn life(text: &str, releases: &[Release]) -> std::result::Result<Life, String> {
    let mut life = vec![State::Absent; releases.len()];
    for change in text.split(", ") {
        let (release, state) = match change.split_once(' ') {
            None => (change, State::Stable),
            Some((release, "experimental")) => (release, State::Experimental),
            Some((release, "gone")) => (release, State::Absent),
            Some((_, word)) => return Err(format!("`{word}` is neither `experimental` nor `gone`")),
        };
        let release: Release = release.parse()?;
        let index =
            releases.binary_search(&release).map_err(|_| format!("{release} is not in `versions`"))?;
        life[index..].fill(state);
    }
    Ok(life)
}
