//! JSON paths, spelt as decode errors spell them; built on the way down, written only when needed.

use std::borrow::Cow;
use std::fmt;

/// A place in a JSON value, by the place above it.
#[derive(Clone, Copy, Debug)]
pub struct Path<'p> {
    above: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Member(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    /// The value as a whole: its path is empty.
    pub const ROOT: Self = Self { above: None, step: Step::Member("") };

    /// A member of the object at this path.
    pub fn member(&'p self, name: &'p str) -> Self {
        Self { above: Some(self), step: Step::Member(name) }
    }

    /// An item of the array at this path.
    pub fn index(&'p self, index: usize) -> Self {
        Self { above: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(above) = self.above else { return Ok(()) };
        write!(f, "{above}")?;
        match self.step {
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Member(name) if !is_plain(name) => write!(f, "[{:?}]", shortened(name)),
            Step::Member(name) if above.above.is_none() => f.write_str(&shortened(name)),
            Step::Member(name) => write!(f, ".{}", shortened(name)),
        }
    }
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$'))
}

/// The start of a text that the traffic chose: a name can be as long as a message.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    const ENOUGH: usize = 120;
    match text.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_a_dot_between_and_indices_brackets() {
        let (params, input) = (Path::ROOT.member("params"), "input");
        let input = params.member(input);
        let item = input.index(0);
        assert_eq!(item.member("url").to_string(), "params.input[0].url");
        assert_eq!(Path::ROOT.index(3).to_string(), "[3]");
        assert_eq!(Path::ROOT.to_string(), "");
        assert_eq!(params.member("/a \"b\"").to_string(), r#"params["/a \"b\""]"#);
        assert!(params.member(&"x".repeat(1 << 20)).to_string().len() < 200);
    }
}
