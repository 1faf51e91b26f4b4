//! Compares two versions of the Codex app-server protocol: what breaks, for whom, and why.
//!
//! [`compare`] takes two models of `codex-appserver-bindgen` and returns a [`finding::Comparison`]. The modules
//! are the stages: `pair` decides what of the old protocol is what of the new one, `walk` turns each pair of
//! shapes into raw changes with their path, `graph` follows the pairs that both protocols have from their common
//! methods, `reach` says by which way and in which direction each method gets to a change, [`rules`] gives the
//! verdicts, `fingerprint` names a finding, and `order` puts the worst first.

mod boxes;
mod change;
mod compare;
pub mod finding;
mod fingerprint;
mod graph;
pub mod history;
mod line;
mod message;
mod methods;
mod order;
mod pair;
mod path;
mod reach;
pub mod report;
pub mod rules;
mod rules_markdown;
pub mod semver;
pub mod uses;
pub mod verdict;
pub mod waivers;
mod walk;

pub use change::Change;
pub use compare::{Options, compare};
pub use finding::{
    Comparison, Counts, Direction, Finding, LeftOut, Level, Reach, Side, Stability, Verdict, Wire,
};
pub use rules::{Mirror, RULES, Rule, rule};
pub use rules_markdown::rules_markdown;
pub use uses::Uses;

/// Compiles what the readme shows.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
