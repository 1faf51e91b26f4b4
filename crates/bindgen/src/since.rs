//! Since which release of codex something exists.

use std::fmt;
use std::str::FromStr;

/// The number of a release of codex.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release(pub u16, pub u16, pub u16);

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers: Option<Vec<u16>> = text.split('.').map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some([major, minor, patch]) => Ok(Self(*major, *minor, *patch)),
            _ => Err(format!("`{text}` is no release such as 0.150.0")),
        }
    }
}

/// When a name came. All fields are empty where it was there in the oldest release that was read, and where nothing
/// is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// The first release with it, where that is not the oldest one read.
    pub release: Option<Release>,
    /// The first release that has it on the stable surface, where it was experimental before.
    pub stable: Option<Release>,
    /// It came and became stable together with what it is a part of.
    pub inherited: bool,
}
