//! The verbs of the command `codex-appserver`; `cargo xtask` in a checkout of the repository has the same.
//!
//! A verb is a module with its arguments (`Args`, which derives `clap::Args`) and a function `run`. To add one, write
//! the module, and a variant of `Verb` in `main.rs` here and in `xtask/src/main.rs`. Help texts and messages are written
//! for `cargo xtask`; [`program`] puts the name of the running program in its place.
//!
//! Without the feature `program` everything here builds without the generated crates, because `cargo xtask` has to
//! write these. `main.rs` needs the feature: it adds the verbs that `cargo xtask` launches as programs of their own
//! (`record` and `trace`), and hands over what the program knows without a checkout ([`inputs::Embedded`]).

pub mod codegen;
pub mod codex;
pub mod decisions;
pub mod diff;
pub mod history;
pub mod inputs;
pub mod probe;
pub mod program;
pub mod protocols;
pub mod schema;
pub mod tree;
pub mod upgrade;
pub mod vendor;

/// The result of a verb that could run; a verb that could not run returns an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to complain about: exit code 0.
    Clean,
    /// A check found something: exit code 1.
    Found,
}
