//! The worker on the real codex, its model played by the mock, on both databases.

#![cfg(unix)]

#[path = "../../../codex/tests/programs/codex.rs"]
mod codex;
#[allow(dead_code, reason = "the tests of the store use all of it")]
#[path = "../support/mod.rs"]
mod support;

mod losses;
mod questions;
mod stage;
mod turns;
