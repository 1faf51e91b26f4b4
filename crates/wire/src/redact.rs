//! Keeps secrets out of logs.

use std::fmt;

/// Stands in for a secret in `Debug` output: says whether there is one, never which.
pub struct Redacted<'a, T>(pub &'a T);

impl fmt::Debug for Redacted<'_, String> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for Redacted<'_, Option<String>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some([redacted])" } else { "None" })
    }
}
