//! A fake `codex app-server` that plays a scenario.

fn main() {
    codex_appserver_testkit::scripted::main()
}
