//! The number of a release of codex.

use std::fmt;
use std::str::FromStr;

/// The number of a release of codex, as in `0.145.0`: since when a method exists, or what a server is.
///
/// ```
/// use codex_appserver_wire::Release;
///
/// let server: Release = "0.145.0".parse().expect("a release");
/// assert!(server >= Release::OLDEST && server < Release::new(0, 145, 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    major: u16,
    minor: u16,
    patch: u16,
}

impl Release {
    /// The oldest release whose protocol is known. What it has may be older.
    pub const OLDEST: Self = Self::new(0, 99, 0);

    /// The release with these numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that begins with no release number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read a release number; it looks like 0.150.0")]
pub struct NotARelease(());

/// Reads a version. What follows the three numbers after `-` or `+` does not count: `0.170.0-alpha.1` has most of
/// what 0.170.0 has.
impl FromStr for Release {
    type Err = NotARelease;

    fn from_str(text: &str) -> Result<Self, NotARelease> {
        let numbers = text.split(['-', '+']).next().unwrap_or_default();
        let mut numbers = numbers.split('.').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten().ok_or(NotARelease(()));
        let release = Self::new(next()?, next()?, next()?);
        if numbers.next().is_some() { Err(NotARelease(())) } else { Ok(release) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        let release = |text: &str| text.parse::<Release>().expect("a release");
        assert!(release("0.99.0") < release("0.100.0") && release("0.150.0") < release("0.150.10"));
        assert_eq!(release("0.170.0-alpha.1"), Release::new(0, 170, 0));
        assert_eq!(release("0.142.3+x").to_string(), "0.142.3");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "0", "0.1", "0.1.2.3", "v0.1.2", "0.1.x", "0.1.99999", "-0.1.2", "unknown", "0..1"] {
            assert_eq!(text.parse::<Release>(), Err(NotARelease(())), "{text}");
        }
    }
}
