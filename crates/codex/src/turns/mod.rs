//! Turns: the result of one, and its state as its handles and streams share it.

mod result;
#[cfg(feature = "client")]
mod shared;

pub use result::{Plan, TurnFailed, TurnResult};
#[cfg(feature = "client")]
pub(crate) use shared::{SharedTurn, Subscriptions, TurnReader, notice_settings};
