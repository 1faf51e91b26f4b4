//! What a program uses of the protocol: methods and types by name.

use std::collections::BTreeSet;

use codex_appserver_bindgen::model::Model;

use crate::finding::LeftOut;

/// How alike two names are at least, from 0 to 1, so that one is proposed for the other.
const ALIKE: f64 = 0.6;
/// How alike a name is of which another one is a part.
const PART: f64 = 0.8;
/// How much less alike than the best name the others may be.
const NEAR: f64 = 0.15;
/// How many characters of an unknown name are shown.
const SHOWN: usize = 60;
/// How many names are proposed.
const PROPOSED: usize = 3;

/// A name that neither protocol knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither protocol knows `{name}`; {advice}")]
pub struct UnknownName {
    /// The name.
    pub name: String,
    /// The names that are most like it, or what to write instead.
    advice: String,
}

/// A line of a list that names nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}{more}")]
pub struct ListError {
    file: String,
    line: usize,
    problem: UnknownName,
    more: String,
}

/// The methods and types that a program uses. A type stands for itself and the types in it, whichever method
/// carries it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    methods: BTreeSet<String>,
    types: BTreeSet<String>,
    unknown: BTreeSet<String>,
}

impl Uses {
    /// Adds a method or a type by its wire name.
    ///
    /// # Errors
    ///
    /// Neither protocol has a method or a type of that name.
    pub fn add(&mut self, name: &str, protocols: [&Model; 2]) -> Result<(), UnknownName> {
        let known = Known::of(protocols);
        self.add_known(name, &known)
    }

    /// Adds each line of a list. Blank lines and what follows a `#` are skipped; `file` is what errors call it.
    ///
    /// # Errors
    ///
    /// Neither protocol has a method or a type of the name in a line.
    pub fn add_list(&mut self, file: &str, text: &str, protocols: [&Model; 2]) -> Result<(), ListError> {
        let known = Known::of(protocols);
        let mut errors = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let name = line.split('#').next().unwrap_or_default().trim();
            if !name.is_empty()
                && let Err(error) = self.add_known(name, &known)
            {
                errors.push((index + 1, error));
            }
        }
        let more = match errors.len() {
            0 | 1 => String::new(),
            2 => format!(" (line {} is unknown as well)", errors[1].0),
            _ => {
                let lines: Vec<String> = errors[1..].iter().map(|(line, _)| line.to_string()).collect();
                format!(" (lines {} are unknown as well)", lines.join(", "))
            }
        };
        match errors.into_iter().next() {
            None => Ok(()),
            Some((line, problem)) => Err(ListError { file: file.to_owned(), line, problem, more }),
        }
    }

    /// Adds methods that a recording names. Those that neither protocol knows are reported, and are no error:
    /// a recording of another version may hold them, and so may one of a client that made a mistake.
    pub fn add_recorded<'n>(&mut self, methods: impl IntoIterator<Item = &'n str>, protocols: [&Model; 2]) {
        let known = Known::of(protocols);
        for method in methods {
            let names = if known.methods.contains(method) { &mut self.methods } else { &mut self.unknown };
            names.insert(method.to_owned());
        }
    }

    /// The methods, by name.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(String::as_str)
    }

    /// Whether there is no method and no type.
    pub fn is_empty(&self) -> bool {
        self.methods.is_empty() && self.types.is_empty()
    }

    pub(crate) fn has_method(&self, name: &str) -> bool {
        self.methods.contains(name)
    }

    pub(crate) fn has_type(&self, name: &str) -> bool {
        self.types.contains(name)
    }

    /// The report of what is left out, before anything is.
    pub(crate) fn left_out(&self) -> LeftOut {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect();
        LeftOut {
            methods: list(&self.methods),
            types: list(&self.types),
            unknown: list(&self.unknown),
            ..LeftOut::default()
        }
    }

    fn add_known(&mut self, name: &str, known: &Known<'_>) -> Result<(), UnknownName> {
        match (known.methods.contains(name), known.types.contains(name)) {
            (true, _) => self.methods.insert(name.to_owned()),
            (false, true) => self.types.insert(name.to_owned()),
            (false, false) => {
                let shown: String = name.chars().take(SHOWN).collect();
                let cut = if shown.len() < name.len() { "…" } else { "" };
                return Err(UnknownName { name: shown + cut, advice: known.advice(name) });
            }
        };
        Ok(())
    }
}

/// The names of two protocols.
struct Known<'m> {
    methods: BTreeSet<&'m str>,
    types: BTreeSet<&'m str>,
}

impl<'m> Known<'m> {
    fn of(protocols: [&'m Model; 2]) -> Self {
        let methods = protocols.iter().flat_map(|model| &model.methods).map(|method| method.name.as_str());
        let types = protocols.iter().flat_map(|model| model.definitions.keys()).map(String::as_str);
        Self { methods: methods.collect(), types: types.collect() }
    }

    /// The names that are most like one that is unknown.
    fn advice(&self, name: &str) -> String {
        // Comparing takes time with the length, and no name is that long.
        let name = if name.len() > 4 * SHOWN { "" } else { name };
        let lower = name.to_lowercase();
        let mut near: Vec<(f64, &str)> = self
            .methods
            .iter()
            .chain(&self.types)
            .map(|known| (strsim::normalized_damerau_levenshtein(&lower, &known.to_lowercase()), *known))
            .map(|(alike, known)| {
                // A name without its beginning or end, such as `start` or `ThreadStart`.
                let part = name.len() > 3 && known.contains(name);
                (if part { alike.max(PART) } else { alike }, known)
            })
            .filter(|(alike, _)| *alike >= ALIKE)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let best = near.first().map_or(0.0, |(alike, _)| *alike);
        near.retain(|(alike, _)| *alike >= best - NEAR);
        let near: Vec<String> = near.iter().take(PROPOSED).map(|(_, name)| format!("`{name}`")).collect();
        match &near[..] {
            [] => "write the wire name of a method, such as `turn/start`, or of a type, such as `Turn`"
                .to_owned(),
            [only] => format!("did you mean {only}?"),
            [most @ .., last] => format!("did you mean {} or {last}?", most.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(name: &str) -> String {
        let methods = ["thread/start", "thread/started", "thread/archive", "turn/start"];
        let types = ["Thread", "ThreadItem", "ThreadStartParams", "Turn"];
        let known = Known { methods: methods.into(), types: types.into() };
        known.advice(name)
    }

    #[test]
    fn a_long_line_is_cut_and_not_compared() {
        let known = Known { methods: ["turn/start"].into(), types: [].into() };
        let error = Uses::default().add_known(&"a".repeat(1 << 20), &known).expect_err("no name");
        let text = error.to_string();
        let start = format!("neither protocol knows `{}…`; write the wire name", "a".repeat(SHOWN));
        assert!(text.starts_with(&start), "{text}");
    }

    #[test]
    fn the_most_similar_names_are_proposed() {
        for (name, expected) in [
            ("thread/strat", "did you mean `thread/start` or `thread/started`?"),
            ("thread/archived", "did you mean `thread/archive`?"),
            ("threaditem", "did you mean `ThreadItem`?"),
            ("StartParams", "did you mean `ThreadStartParams`?"),
            ("Tread", "did you mean `Thread`?"),
        ] {
            assert_eq!(advice(name), expected, "{name}");
        }
        assert!(advice("xyzzy").starts_with("write the wire name of a method"));
    }
}
