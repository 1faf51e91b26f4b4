//! Stands in for `codex` and hits the real one at a kill point.

#[cfg(unix)]
fn main() {
    codex_appserver_testkit::kill_points::main()
}

/// Only Unix has the signals.
#[cfg(not(unix))]
fn main() {}
