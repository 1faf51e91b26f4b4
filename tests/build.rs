//! Writes the table from the definitions of the protocol to the functions that decode and encode them.

use std::fmt::Write as _;
use std::path::Path;

use codex_appserver_bindgen::lower::names;
use codex_appserver_bindgen::model::Home;

#[path = "src/protocol.rs"]
#[allow(dead_code)]
mod protocol;

fn main() {
    println!("cargo::rerun-if-changed=../schema");
    println!("cargo::rerun-if-changed=src/protocol.rs");
    let experimental = std::env::var_os("CARGO_FEATURE_EXPERIMENTAL").is_some();
    let model = protocol::pinned();
    let mut rows = String::new();
    for name in model.definitions.keys() {
        let usage = &model.usage[name];
        if !experimental && !usage.always_compiled {
            continue;
        }
        let home = match usage.home {
            Home::Enums => "enums",
            Home::Types => "types",
            Home::Requests => "requests",
            Home::Notifications => "notifications",
        };
        let rust = names::type_name(name);
        writeln!(rows, "({name:?}, round_trip::<codex_appserver_{home}::{rust}>),").expect("a String grows");
    }
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("definitions.rs"), format!("&[\n{rows}]\n")).expect("it is writable");
}
