//! Stands in for codex in the tests of `real`, and kills or stops the real one at a message.

#[cfg(unix)]
fn main() {
    codex_appserver_testkit::kill_points::main()
}

/// Only Unix has the signals.
#[cfg(not(unix))]
fn main() {}
