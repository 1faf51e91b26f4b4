//! What both lowerings are brought to before they are compared: one notation for types, one for members.

use std::collections::BTreeMap;

/// A definition as one of the two lowerings sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// A struct: its members, by [`keyed`] name.
    Struct(BTreeMap<String, Member>),
    /// An enum of strings: its values, by [`keyed`] name, each as that side calls it.
    Values(BTreeMap<String, String>),
    /// Another name for the type.
    Alias(String),
}

/// A member as one side sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// What that side calls it.
    pub(super) name: String,
    /// Its type, and what may stand for a missing one.
    pub(super) reading: String,
    /// A reading of the other side that means the same.
    pub(super) same_as: Option<String>,
}

/// A place where the two sides differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// `Type`, or `Type.member`.
    pub(super) place: String,
    pub(super) ours: String,
    pub(super) typify: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ours `{}`, typify `{}`", self.place, self.ours, self.typify)
    }
}

/// What a place without a counterpart is called.
pub(super) const NOTHING: &str = "nothing";

/// How a member reads that is an `Option` and may be missing, which then is `None`.
pub(super) fn optional(ty: &str) -> String {
    format!("Option<{ty}>, may be missing")
}

/// How a member reads that may be missing and is no `Option`: it has a default then.
pub(super) fn defaulted(ty: &str) -> String {
    format!("{ty}, a default when missing")
}

/// What is left of a wire name in any Rust name made of it. Case and punctuation go, and so does the `x`
/// that typify puts before a leading digit.
fn key(name: &str) -> String {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match plain.strip_prefix('x') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest.to_owned(),
        _ => plain,
    }
}

/// Sorted by [`key`]. Where names have the same one, as `a-b` and `ab` do, the later ones are numbered: that
/// keeps the sides from agreeing when one of them lacks a name.
pub(super) fn keyed<T>(entries: impl IntoIterator<Item = (String, T)>) -> BTreeMap<String, T> {
    let mut all = BTreeMap::new();
    for (name, value) in entries {
        let plain = key(&name);
        let taken = (2..).map(|number| format!("{plain}#{number}"));
        let free = std::iter::once(plain.clone()).chain(taken).find(|key| !all.contains_key(key));
        all.insert(free.unwrap_or(plain), value);
    }
    all
}

impl View {
    /// The whole of it, for the rare case that the two sides see different kinds of types.
    fn summary(&self) -> String {
        match self {
            Self::Struct(members) => format!("struct of {}", members.len()),
            Self::Values(values) => format!("enum of {}", values.len()),
            Self::Alias(ty) => ty.clone(),
        }
    }

    /// How many members both sides have.
    pub(super) fn shared_members(&self, other: &Self) -> usize {
        match (self, other) {
            (Self::Struct(a), Self::Struct(b)) => a.keys().filter(|key| b.contains_key(*key)).count(),
            _ => 0,
        }
    }
}

/// Where the two views of a definition differ.
pub(super) fn differences(definition: &str, ours: &View, typify: &View) -> Vec<Difference> {
    match (ours, typify) {
        (View::Struct(ours), View::Struct(typify)) => pairs(ours, typify)
            .filter_map(|(ours, typify)| member_difference(definition, ours, typify))
            .collect(),
        (View::Values(ours), View::Values(typify)) => pairs(ours, typify)
            .filter_map(|(ours, typify)| value_difference(definition, ours, typify))
            .collect(),
        (View::Alias(ours), View::Alias(typify)) if ours == typify => Vec::new(),
        _ => {
            vec![Difference { place: definition.to_owned(), ours: ours.summary(), typify: typify.summary() }]
        }
    }
}

/// The entries of both maps side by side; at least one of each pair is there.
fn pairs<'v, T>(
    ours: &'v BTreeMap<String, T>,
    typify: &'v BTreeMap<String, T>,
) -> impl Iterator<Item = (Option<&'v T>, Option<&'v T>)> {
    let only_typify = typify.iter().filter(|(key, _)| !ours.contains_key(*key));
    ours.iter()
        .map(|(key, value)| (Some(value), typify.get(key)))
        .chain(only_typify.map(|(_, value)| (None, Some(value))))
}

fn member_difference(definition: &str, ours: Option<&Member>, typify: Option<&Member>) -> Option<Difference> {
    if let (Some(ours), Some(typify)) = (ours, typify)
        && (ours.reading == typify.reading || ours.same_as.as_ref() == Some(&typify.reading))
    {
        return None;
    }
    let name = &ours.or(typify)?.name;
    let reading = |member: Option<&Member>| member.map_or(NOTHING, |member| &member.reading).to_owned();
    Some(Difference { place: format!("{definition}.{name}"), ours: reading(ours), typify: reading(typify) })
}

fn value_difference(definition: &str, ours: Option<&String>, typify: Option<&String>) -> Option<Difference> {
    if ours.is_some() && typify.is_some() {
        return None;
    }
    let called = |value: Option<&String>| value.map_or(NOTHING, String::as_str).to_owned();
    let place = format!("{definition}.{}", ours.or(typify)?);
    Some(Difference { place, ours: called(ours), typify: called(typify) })
}
