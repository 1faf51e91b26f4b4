//! The SDK on the real codex, its model played by the mock.

#![cfg(feature = "async")]

#[cfg(all(unix, feature = "blocking", feature = "experimental", feature = "structured", feature = "ws"))]
mod addresses;
mod agents;
#[path = "../programs/codex.rs"]
mod codex;
mod control;
mod errors;
#[cfg(feature = "blocking")]
#[path = "../programs/example.rs"]
mod example;
mod facts;
mod history;
#[cfg(all(unix, feature = "blocking", feature = "ws"))]
mod kill_matrix;
#[cfg(all(unix, feature = "experimental", feature = "structured", feature = "ws"))]
mod listening;
#[cfg(feature = "blocking")]
mod questions;
mod records;
#[cfg(feature = "experimental")]
mod search;
#[cfg(all(unix, feature = "blocking", feature = "ws"))]
mod shared;
#[cfg(all(unix, feature = "experimental", feature = "structured", feature = "ws"))]
mod silences;
mod stage;
#[cfg(all(unix, feature = "blocking", feature = "ws"))]
mod supervised;
#[cfg(all(feature = "experimental", feature = "structured"))]
mod tools;
mod turns;
