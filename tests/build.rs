//! Writes the tables from the definitions of the protocol to the functions that decode and encode them, and of all
//! samples.

use std::fmt::Write as _;
use std::path::Path;

use codex_appserver_bindgen::model::Home;
use codex_appserver_bindgen::names;

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
    std::fs::write(Path::new(&out).join("samples.rs"), samples(experimental)).expect("it is writable");
}

/// A row for each sample in the generated crates: the name of the type, and a function that checks the sample.
fn samples(experimental: bool) -> String {
    let surfaces: &[&str] = if experimental { &["stable", "experimental"] } else { &["stable"] };
    let mut rows = String::new();
    for name in ["enums", "types", "requests", "notifications"] {
        for surface in surfaces {
            let file = format!("../generated/{name}/src/testing/{surface}.rs");
            println!("cargo::rerun-if-changed={file}");
            // A crate may have nothing on a surface.
            let text = std::fs::read_to_string(file).unwrap_or_default();
            for block in text.split("\nimpl ").skip(1) {
                let (rust, rest) = block.split_once(" {").expect("a block has a body");
                let is_arm = rest
                    .trim_start()
                    .trim_start_matches("wire::test_sample!(")
                    .trim_start()
                    .starts_with("object");
                let check = if is_arm { "arm" } else { "value" };
                writeln!(rows, "({rust:?}, || {check}(codex_appserver_{name}::{rust}::sample())),")
                    .expect("a String grows");
            }
        }
    }
    format!("&[\n{rows}]\n")
}
