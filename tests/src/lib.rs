//! What the workspace-level tests share: the repository, its commands, and the real codex.

pub mod json;
pub mod repo;
pub mod stdio;
