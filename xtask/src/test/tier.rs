//! The tiers of `cargo xtask test`.

use std::fmt;

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// What the README and CI run.
    Default,
    /// Everything, every night.
    Full,
    /// No tier: runs only when it is named.
    Named,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Default => "default",
            Self::Full => "full",
            Self::Named => "named",
        })
    }
}
