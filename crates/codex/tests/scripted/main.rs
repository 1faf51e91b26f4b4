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
mod opened;
mod records;
mod scenarios;
#[cfg(feature = "experimental")]
mod search;
mod silences;
#[cfg(feature = "structured")]
mod structured;
mod support;
#[cfg(all(feature = "async", feature = "experimental", unix))]
mod tasks;
mod terminal;
#[cfg(feature = "blocking")]
mod threads;
#[cfg(all(feature = "experimental", feature = "structured"))]
mod tools;
#[cfg(all(feature = "async", feature = "experimental", feature = "structured", unix))]
mod tools_in_tasks;
#[cfg(all(feature = "experimental", feature = "structured"))]
mod tools_of_threads;
#[cfg(all(feature = "blocking", feature = "experimental", feature = "structured"))]
mod tools_on_threads;
mod turns;
mod usage;
mod view;
mod waiting;
