//! The source files of this crate, for programs that copy it into a workspace of generated crates.

/// The files below `src`, sorted by path: the path with `/` between folders, and the text.
pub const FILES: &[(&str, &str)] = &[
    ("codec.rs", include_str!("codec.rs")),
    ("de/by_keys.rs", include_str!("de/by_keys.rs")),
    ("de/by_type.rs", include_str!("de/by_type.rs")),
    ("de/external.rs", include_str!("de/external.rs")),
    ("de/mod.rs", include_str!("de/mod.rs")),
    ("de/object.rs", include_str!("de/object.rs")),
    ("de/tagged.rs", include_str!("de/tagged.rs")),
    ("envelope.rs", include_str!("envelope.rs")),
    ("error.rs", include_str!("error.rs")),
    ("error_kind.rs", include_str!("error_kind.rs")),
    ("handler.rs", include_str!("handler.rs")),
    ("id.rs", include_str!("id.rs")),
    ("integer_enum.rs", include_str!("integer_enum.rs")),
    ("lib.rs", include_str!("lib.rs")),
    ("lines.rs", include_str!("lines.rs")),
    ("message.rs", include_str!("message.rs")),
    ("nullable.rs", include_str!("nullable.rs")),
    ("paged.rs", include_str!("paged.rs")),
    ("path.rs", include_str!("path.rs")),
    ("redact.rs", include_str!("redact.rs")),
    ("release.rs", include_str!("release.rs")),
    ("reorder.rs", include_str!("reorder.rs")),
    ("request.rs", include_str!("request.rs")),
    ("ser.rs", include_str!("ser.rs")),
    ("shape.rs", include_str!("shape.rs")),
    ("sources.rs", include_str!("sources.rs")),
    ("string_enum.rs", include_str!("string_enum.rs")),
    ("testing.rs", include_str!("testing.rs")),
    ("text.rs", include_str!("text.rs")),
    ("transport.rs", include_str!("transport.rs")),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_source_file_is_there() {
        let mut found = Vec::new();
        list(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), "", &mut found);
        found.sort();
        assert_eq!(FILES.iter().map(|(path, _)| *path).collect::<Vec<_>>(), found);
    }

    fn list(folder: &Path, prefix: &str, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let entry = entry.expect("readable");
            let name = format!("{prefix}{}", entry.file_name().to_str().expect("UTF-8"));
            match entry.path().is_dir() {
                true => list(&entry.path(), &format!("{name}/"), found),
                false => found.push(name),
            }
        }
    }
}
