//! One connection as its handles and its driver share it: the core behind a lock, and who waits for what.

mod call;
mod decline;
mod handle;
mod handlers;
mod incoming;
mod link;
mod subscription;
mod watch;

pub(crate) use call::{Pending, decoded};
pub(crate) use handle::{Handle, WeakHandle};
pub(crate) use handlers::{Handlers, Hook};
pub(crate) use incoming::Incoming;
pub(crate) use link::StreamEnd;
pub(crate) use link::{CHUNK, CLOSE_PATIENCE, GRACE, KEPT_BUFFER, Link};
pub(crate) use subscription::Subscription;
pub(crate) use watch::{CloseOnDrop, Watch};
