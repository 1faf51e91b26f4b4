//! Decides what of the old protocol is what of the new one: equal names, and proposed renames.

use std::collections::{BTreeMap, BTreeSet};

use codex_appserver_bindgen::model::{Method, MethodKind, Model};

/// Definitions that go by another name now.
#[derive(Debug, Default)]
pub(crate) struct Renames {
    by_old: BTreeMap<String, String>,
    new: BTreeSet<String>,
}

impl Renames {
    pub(crate) fn is_free(&self, old: &str, new: &str) -> bool {
        !self.by_old.contains_key(old) && !self.new.contains(new)
    }

    pub(crate) fn add(&mut self, old: &str, new: &str) {
        self.by_old.insert(old.to_owned(), new.to_owned());
        self.new.insert(new.to_owned());
    }

    pub(crate) fn has(&self, old: &str, new: &str) -> bool {
        self.by_old.get(old).is_some_and(|name| name == new)
    }
}

/// The methods of two protocols.
pub(crate) struct MethodPairs<'m> {
    pub(crate) common: Vec<(&'m Method, &'m Method)>,
    pub(crate) removed: Vec<&'m Method>,
    pub(crate) added: Vec<&'m Method>,
}

/// A method is its kind and its name.
pub(crate) fn methods<'m>(old: &'m Model, new: &'m Model) -> MethodPairs<'m> {
    let index = |model: &'m Model| -> BTreeMap<(MethodKind, &'m str), &'m Method> {
        model.methods.iter().map(|method| ((method.kind, method.name.as_str()), method)).collect()
    };
    let (old, new) = (index(old), index(new));
    MethodPairs {
        common: old.iter().filter_map(|(key, method)| Some((*method, *new.get(key)?))).collect(),
        removed: old.iter().filter(|(key, _)| !new.contains_key(*key)).map(|(_, method)| *method).collect(),
        added: new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(_, method)| *method).collect(),
    }
}

/// Pairs of a removed and an added method that could be one method under two names: `alike` says whether
/// they take and return the same, and their names share a word. A method with several candidates has none.
pub(crate) fn renamed_methods<'m>(
    pairs: &MethodPairs<'m>,
    mut alike: impl FnMut(&'m Method, &'m Method) -> bool,
) -> Vec<(&'m Method, &'m Method)> {
    let mut candidates: Vec<(&Method, &Method)> = Vec::new();
    for old in &pairs.removed {
        for new in pairs.added.iter().filter(|new| new.kind == old.kind) {
            if shares_word(&old.name, &new.name) && alike(old, new) {
                candidates.push((old, new));
            }
        }
    }
    let only = |(old, new): &(&Method, &Method)| {
        let rivals = candidates.iter().filter(|(a, b)| std::ptr::eq(*a, *old) || std::ptr::eq(*b, *new));
        rivals.count() == 1
    };
    candidates.iter().filter(|pair| only(pair)).copied().collect()
}

fn shares_word(a: &str, b: &str) -> bool {
    let words = words(b);
    self::words(a).iter().any(|word| words.contains(word))
}

/// `account/rateLimits/read` is `account`, `rate`, `limits`, `read`.
fn words(name: &str) -> BTreeSet<String> {
    let mut spaced = String::new();
    for letter in name.chars() {
        match letter {
            letter if letter.is_uppercase() => spaced.extend([' '].into_iter().chain(letter.to_lowercase())),
            letter if letter.is_alphanumeric() => spaced.push(letter),
            _ => spaced.push(' '),
        }
    }
    spaced.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_related_by_a_word() {
        assert!(shares_word("account/rateLimits/read", "limits/list"));
        assert!(!shares_word("thread/start", "turn/begin"));
    }
}
