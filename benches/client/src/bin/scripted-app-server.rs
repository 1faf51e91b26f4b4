//! The server that all contenders talk to: testkit's, under the same roof as those who race.

fn main() {
    codex_appserver_testkit::scripted::main()
}
