//! The way from a definition or a method to something inside, and on which surface it runs.

/// Steps from a definition or a method inwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path {
    /// Members and arms; `[]` and `{}` behind a step go into a list or a map.
    pub(crate) steps: Vec<String>,
    /// Whether every step is stable in the old protocol, and in the new one.
    pub(crate) stable: Sides,
}

/// A fact about both protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) old: bool,
    pub(crate) new: bool,
}

impl Default for Sides {
    fn default() -> Self {
        Self { old: true, new: true }
    }
}

impl Sides {
    pub(crate) fn and(self, other: Self) -> Self {
        Self { old: self.old && other.old, new: self.new && other.new }
    }

    pub(crate) fn any(self) -> bool {
        self.old || self.new
    }
}

impl Path {
    /// Into a member or an arm that both protocols have; the flags say where it is experimental.
    pub(crate) fn step(&self, name: &str, old_experimental: bool, new_experimental: bool) -> Self {
        let mut path = self.clone();
        path.steps.push(name.to_owned());
        path.stable = path.stable.and(Sides { old: !old_experimental, new: !new_experimental });
        path
    }

    /// To a member or an arm that only the old protocol has.
    pub(crate) fn old_only(&self, name: &str, experimental: bool) -> Self {
        let mut path = self.step(name, experimental, true);
        path.stable.new = false;
        path
    }

    /// To a member or an arm that only the new protocol has.
    pub(crate) fn new_only(&self, name: &str, experimental: bool) -> Self {
        self.step(name, true, experimental)
    }

    /// Into the items of a list or the values of a map.
    pub(crate) fn into(&self, suffix: &str) -> Self {
        let mut path = self.clone();
        match path.steps.last_mut() {
            Some(last) => last.push_str(suffix),
            None => path.steps.push(suffix.to_owned()),
        }
        path
    }

    /// `Type.member.inner[]`.
    pub(crate) fn place(&self, root: &str) -> String {
        joined(root, self.steps.iter().map(String::as_str), ".")
    }
}

/// Steps in one line; one that goes into a list or a map belongs to what stands before it.
pub(crate) fn joined<'s>(root: &str, steps: impl Iterator<Item = &'s str>, separator: &str) -> String {
    let mut text = root.to_owned();
    for step in steps {
        if !step.starts_with("[]") && !step.starts_with("{}") {
            text.push_str(separator);
        }
        text.push_str(step);
    }
    text
}
