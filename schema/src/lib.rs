//! The canonical schema of the Codex app-server protocol and the tables of its bindings, as text.
//!
//! In the repository these are the files of the folder `schema/`. Programs that run without a checkout read them from
//! this crate.

/// The files by name.
pub const FILES: &[(&str, &str)] = &[
    ("app-server.json", include_str!("../app-server.json")),
    ("boxes.toml", include_str!("../boxes.toml")),
    ("docs.toml", include_str!("../docs.toml")),
    ("extra.json", include_str!("../extra.json")),
    ("history.json", include_str!("../history.json")),
    ("overrides.toml", include_str!("../overrides.toml")),
    ("provenance.toml", include_str!("../provenance.toml")),
    ("typify.toml", include_str!("../typify.toml")),
    ("waivers.toml", include_str!("../waivers.toml")),
];

/// Returns the text of the file with this name, such as `app-server.json`.
pub fn file(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_there() {
        let folder = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the folder is there");
        let names = folder.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"));
        let mut data: Vec<String> = names
            .filter(|name| name != "Cargo.toml" && (name.ends_with(".toml") || name.ends_with(".json")))
            .collect();
        data.sort();
        assert_eq!(FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), data);
        assert!(file("app-server.json").is_some_and(|text| text.starts_with('{')));
        assert_eq!(file("Cargo.toml"), None);
    }
}
