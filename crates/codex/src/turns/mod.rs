//! Turns: the result of one, and its state as its handles and streams share it.

mod result;
#[cfg(any(feature = "async", feature = "blocking"))]
mod shared;

pub use result::{Plan, TurnFailed, TurnResult};
#[cfg(any(feature = "async", feature = "blocking"))]
pub(crate) use shared::{SharedTurn, Subscriptions, TurnReader, notice_settings};
