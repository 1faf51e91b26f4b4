//! `codex-appserver-client` against the real `codex app-server`, offline: every transport, both kinds of
//! clients.

mod server;
mod side;
mod stage;
mod story;

mod approvals;
mod crowd;
#[cfg(target_os = "linux")]
mod leftovers;
mod life;
mod many;
mod transports;
mod traps;
mod tree;
