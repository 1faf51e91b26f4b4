//! Manifests and readmes of the generated crates.

use super::print::header;
use super::{Crate, Emission};
use crate::codecs::Codecs;

/// Where the generated crates stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In this repository: everything shared comes from its workspace.
    Workspace,
    /// In a workspace of their own, with the wire crate at this path.
    StandAlone {
        /// Path of `codex-appserver-wire`, absolute or relative to the root of that workspace.
        wire: String,
    },
}

pub(super) fn files(emission: &Emission<'_>) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for of in emission.crates() {
        files.push((format!("{}/Cargo.toml", of.folder()), manifest(emission, of)));
        files.push((format!("{}/README.md", of.folder()), readme(emission, of)));
    }
    if let Layout::StandAlone { .. } = emission.layout {
        files.push(("Cargo.toml".into(), root_manifest(emission)));
    }
    files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()
}

fn purpose(of: Crate) -> &'static str {
    match of {
        Crate::Enums => "String enums of the Codex app-server protocol",
        Crate::Types => "Structs and unions of the Codex app-server protocol",
        Crate::Requests => "Typed requests of the Codex app-server protocol",
        Crate::Notifications => "Typed notifications of the Codex app-server protocol",
        Crate::Methods => "Every Codex app-server method as a call on any transport",
        Crate::Shapes => "The Codex app-server protocol as data",
    }
}

fn manifest(emission: &Emission<'_>, of: Crate) -> String {
    let name = emission.package(of);
    let head = header("#", "crates/bindgen/src/emit/manifests.rs");
    let inherited = ["version", "edition", "rust-version", "license", "authors", "keywords", "categories"];
    let package: String = match emission.layout {
        Layout::Workspace => inherited.iter().map(|key| format!("{key}.workspace = true\n")).collect(),
        Layout::StandAlone { .. } => {
            format!("version = \"{}\"\nedition = \"2024\"\n", crate_version(emission))
        }
    };
    let mut dependencies = vec!["codex-appserver-wire".to_owned()];
    dependencies.extend(of.dependencies().iter().map(|dependency| emission.package(*dependency)));
    dependencies.extend((emission.codecs == Codecs::SerdeDerive).then(|| "serde".to_owned()));
    let dependencies: String = dependencies.iter().map(|name| format!("{name}.workspace = true\n")).collect();
    let passed_on = |feature: &str| -> Vec<String> {
        let packages = of.dependencies().iter().map(|dependency| emission.package(*dependency));
        packages.map(|package| format!("\"{package}/{feature}\"")).collect()
    };
    let testing = (emission.codecs == Codecs::Written).then(|| {
        let mut features = vec!["\"codex-appserver-wire/testing\"".to_owned()];
        features.extend(passed_on("testing"));
        format!(
            "# For tests: `sample` for every type, and `new` and setters for what the server writes.\n\
             testing = [{}]\n",
            features.join(", ")
        )
    });
    // Data needs no codecs, and has both surfaces.
    let (feature, json, all_features) = match of {
        Crate::Shapes => (String::new(), "", ""),
        _ => (
            format!(
                "[features]\n# Methods, union arms and types of the experimental surface.\n\
                 experimental = [{}]\n{}\n",
                passed_on("experimental").join(", "),
                testing.unwrap_or_default()
            ),
            "serde_json.workspace = true\n",
            "[package.metadata.docs.rs]\nall-features = true\n\n",
        ),
    };
    format!(
        "{head}\n[package]\nname = \"{name}\"\n\
         description = \"{purpose}\"\n\
         documentation = \"https://docs.rs/{name}\"\nreadme = \"README.md\"\n{package}\n\
         {feature}[dependencies]\n{dependencies}{json}\n{all_features}[lints]\nworkspace = true\n",
        purpose = purpose(of),
    )
}

/// The codex version, where cargo takes it for a version.
fn crate_version<'e>(emission: &'e Emission<'_>) -> &'e str {
    let codex = emission.model.codex_version.as_str();
    let plain = codex.split('.').count() == 3 && codex.split('.').all(|part| part.parse::<u32>().is_ok());
    if plain { codex } else { env!("CARGO_PKG_VERSION") }
}

fn root_manifest(emission: &Emission<'_>) -> String {
    let head = header("#", "crates/bindgen/src/emit/manifests.rs");
    let Layout::StandAlone { wire } = emission.layout else { return head };
    let members: String = emission.crates().map(|of| format!("\"{}\", ", of.folder())).collect();
    let mut paths: String = emission
        .crates()
        .map(|of| format!("{} = {{ path = \"{}\" }}\n", emission.package(of), of.folder()))
        .collect();
    if emission.codecs == Codecs::SerdeDerive {
        paths.push_str("serde = { version = \"1\", features = [\"derive\"] }\n");
    }
    let wire = toml::Value::String(wire.clone());
    format!(
        "{head}\n[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n[workspace.dependencies]\n{paths}\
         codex-appserver-wire = {{ path = {wire} }}\nserde_json = \"1\"\n\n\
         [workspace.lints.rust]\nunsafe_code = \"forbid\"\nmissing_docs = \"warn\"\n",
        members.trim_end_matches(", "),
    )
}

fn readme(emission: &Emission<'_>, of: Crate) -> String {
    let (name, purpose) = (emission.package(of), purpose(of));
    let more = match of {
        Crate::Shapes => {
            "What every message and definition is made of, as statics: names, presence, defaults and arms, both\n\
             surfaces. For tools that look at JSON without a Rust type.\n"
        }
        _ => {
            "The cargo feature `experimental` adds the experimental methods, union arms and types. Types are open: \
             a value, an\narm or a method of a newer server is kept, never an error.\n"
        }
    };
    format!(
        "<!-- @generated by cargo xtask codegen -->\n# {name}\n\n{purpose}, generated from its JSON \
         Schema. The crate's documentation says from which version of codex.\n\n{more}"
    )
}
