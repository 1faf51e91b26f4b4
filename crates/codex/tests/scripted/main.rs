//! The SDK against a scripted server, on both runtimes.

mod agents;
mod announcements;
mod approvals;
mod calls;
mod ends;
mod front_end;
mod history;
mod interrupts;
mod mcp_tools;
mod records;
mod scenarios;
#[cfg(feature = "experimental")]
mod search;
#[cfg(feature = "structured")]
mod structured;
mod support;
#[cfg(all(feature = "async", feature = "experimental", unix))]
mod tasks;
mod terminal;
#[cfg(feature = "blocking")]
mod threads;
mod turns;
mod usage;
mod view;
mod waiting;
