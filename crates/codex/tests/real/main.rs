//! The SDK on the real codex, its model played by the mock.

mod control;
mod records;
mod stage;
mod turns;
