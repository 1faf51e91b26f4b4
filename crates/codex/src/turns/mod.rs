//! What is known of a turn: what its events add up to, whether it is at work, what the server keeps of it.

#[cfg(feature = "client")]
mod course;
#[cfg(feature = "client")]
mod following;
#[cfg(feature = "client")]
pub(crate) mod life;
#[cfg(feature = "client")]
pub(crate) mod records;
mod result;

#[cfg(feature = "client")]
pub(crate) use course::Course;
#[cfg(feature = "client")]
pub(crate) use following::Following;
#[cfg(feature = "client")]
pub(crate) use life::Life;
pub use result::{Plan, TurnFailed, TurnResult};
