//! The program between a client and a server of the library's own.

#![cfg(unix)]

#[path = "../../../codex/tests/programs/codex.rs"]
mod codex;
mod ends;
mod listen;
mod messages;
mod places;
mod races;
mod raw;
mod real;
mod reconnect;
mod suite;
mod support;
