//! What the workspace-level tests share: the repository, its commands, and the real codex.

pub mod compatibility;
pub mod guide;
pub mod json;
pub mod protocol;
pub mod repo;
pub mod sessions;
pub mod stdio;

/// The snippets of the README, compiled and run as doc tests.
#[doc = include_str!("../../README.md")]
mod readme {}
