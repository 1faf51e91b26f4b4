//! The shared server, on the real codex: many programs at once, killed programs, and what crashes leave.
//!
//! The programs are this one: with a home in its environment it plays a client.

#[cfg(all(target_os = "linux", feature = "async", feature = "blocking", feature = "ws"))]
#[path = "../programs/mod.rs"]
#[expect(dead_code, reason = "it has no example to run")]
mod programs;
#[cfg(all(target_os = "linux", feature = "async", feature = "blocking", feature = "ws"))]
mod stage;
#[cfg(all(target_os = "linux", feature = "async", feature = "blocking", feature = "ws"))]
mod trials;

#[cfg(all(target_os = "linux", feature = "async", feature = "blocking", feature = "ws"))]
fn main() -> std::process::ExitCode {
    if stage::plays_a_client() {
        return std::process::ExitCode::SUCCESS;
    }
    let arguments = libtest_mimic::Arguments::from_args();
    libtest_mimic::run(&arguments, trials::trials()).exit_code()
}

/// Only Linux says in a file system which processes there are.
#[cfg(not(all(target_os = "linux", feature = "async", feature = "blocking", feature = "ws")))]
fn main() {}
