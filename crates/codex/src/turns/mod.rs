//! Turns: the result of one, and its state as its handles and streams share it.

mod agents;
mod files;
#[cfg(feature = "client")]
mod limit;
mod result;
#[cfg(feature = "client")]
mod shared;
mod usage;

pub use agents::{Agent, AgentState};
#[cfg(feature = "client")]
pub(crate) use files::changed as changed_files;
pub use files::{ChangedFile, FileChange};
#[cfg(feature = "client")]
pub use limit::MaxDuration;
pub use result::{Plan, TurnFailed, TurnResult};
#[cfg(feature = "client")]
pub(crate) use shared::{SharedTurn, Subscriptions, TurnReader, notice_settings};
pub use usage::{Tokens, TurnUsage};
