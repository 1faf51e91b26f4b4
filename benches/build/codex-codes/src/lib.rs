//! The peer crate as it is: building this target builds it and next to nothing else.

pub use codex_codes;
