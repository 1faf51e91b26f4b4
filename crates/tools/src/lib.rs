//! The verbs of the command `codex-appserver`; `cargo xtask` in a checkout of the repository has the same.
//!
//! A verb is a module with its arguments (`Args`, which derives `clap::Args`) and a function `run`. Everything here
//! builds without the generated crates, because it also writes them.

pub mod codegen;
pub mod codex;
pub mod decisions;
pub mod diff;
pub mod inputs;
pub mod program;
pub mod schema;
pub mod tree;
pub mod upgrade;

/// The result of a verb that could run; a verb that could not run returns an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to complain about: exit code 0.
    Clean,
    /// A check found something: exit code 1.
    Found,
}
