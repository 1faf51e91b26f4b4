//! The parts of a request for permissions, of which some may be granted and others not.

use std::fmt;

use codex_appserver_methods::protocol::{
    FileSystemAccessMode, FileSystemPath, FileSystemSandboxEntry, FileSystemSpecialPath,
    GrantedPermissionProfile, PathFileSystemPath, PermissionGrantScope, PermissionsRequestApprovalResponse,
    RequestPermissionProfile,
};

use super::Decision;

/// One thing that the agent wants to be allowed. `Display` says it to people, as in `write /srv/www`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Permission {
    /// To use the network.
    Network,
    /// To read or write files.
    Files(FileSystemSandboxEntry),
}

/// The parts of a request, each of them once. What it forbids is no part: that is granted along with any part.
pub(crate) fn parts(wanted: &RequestPermissionProfile) -> Vec<Permission> {
    let network = wanted.network.as_ref().is_some_and(|network| network.enabled == Some(true));
    let mut parts = if network { vec![Permission::Network] } else { Vec::new() };
    let Some(files) = &wanted.file_system else { return parts };
    let listed = files.entries.iter().flatten().filter(|entry| !is_denial(entry)).cloned();
    let read = files.read.iter().flatten().map(|path| entry(path, FileSystemAccessMode::Read));
    let write = files.write.iter().flatten().map(|path| entry(path, FileSystemAccessMode::Write));
    for part in listed.chain(read).chain(write).map(Permission::Files) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

/// The parts that were chosen, in the words of the request.
pub(crate) fn grant(
    wanted: &RequestPermissionProfile,
    scope: PermissionGrantScope,
    chosen: impl Fn(&Permission) -> bool,
) -> Decision {
    let mut granted = GrantedPermissionProfile::new();
    granted.network = wanted.network.clone().filter(|_| {
        let parts = parts(wanted);
        parts.contains(&Permission::Network) && chosen(&Permission::Network)
    });
    let is_chosen = |entry: FileSystemSandboxEntry| chosen(&Permission::Files(entry));
    let paths = |paths: &Option<Vec<String>>, access: FileSystemAccessMode| -> Option<Vec<String>> {
        let chosen = paths.iter().flatten().filter(|path| is_chosen(entry(path, access.clone())));
        Some(chosen.cloned().collect()).filter(|paths: &Vec<_>| !paths.is_empty())
    };
    if let Some(wanted) = &wanted.file_system {
        let mut files = wanted.clone();
        files.read = paths(&wanted.read, FileSystemAccessMode::Read);
        files.write = paths(&wanted.write, FileSystemAccessMode::Write);
        let entries = wanted.entries.iter().flatten();
        let entries: Vec<_> =
            entries.filter(|entry| is_denial(entry) || is_chosen((*entry).clone())).cloned().collect();
        let grants = entries.iter().any(|entry| !is_denial(entry));
        files.entries = Some(entries).filter(|_| grants);
        granted.file_system =
            Some(files).filter(|files| grants || files.read.is_some() || files.write.is_some());
    }
    PermissionsRequestApprovalResponse::new(granted).scope(scope).into()
}

/// What takes access away. Without it the rest would be more than was asked for.
fn is_denial(entry: &FileSystemSandboxEntry) -> bool {
    entry.access == FileSystemAccessMode::Deny
}

fn entry(path: &str, access: FileSystemAccessMode) -> FileSystemSandboxEntry {
    FileSystemSandboxEntry::new(access, FileSystemPath::from(PathFileSystemPath::new(path)))
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Files(entry) = self else { return f.write_str("use the network") };
        let access = &entry.access;
        match &entry.path {
            FileSystemPath::Path(path) => write!(f, "{access} {}", path.path),
            FileSystemPath::GlobPattern(glob) => write!(f, "{access} what matches {}", glob.pattern),
            FileSystemPath::Special(special) => match &special.value {
                FileSystemSpecialPath::Root => write!(f, "{access} everything"),
                FileSystemSpecialPath::Minimal => write!(f, "{access} what programs need"),
                FileSystemSpecialPath::ProjectRoots(roots) => {
                    write!(f, "{access} the project's folders")?;
                    roots.subpath.as_ref().map_or(Ok(()), |path| write!(f, ", there {path}"))
                }
                FileSystemSpecialPath::Tmpdir => write!(f, "{access} the folder for temporary files"),
                FileSystemSpecialPath::SlashTmp => write!(f, "{access} /tmp"),
                other => write!(f, "{access} {other:?}"),
            },
            other => write!(f, "{access} {other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn profile(profile: Value) -> RequestPermissionProfile {
        serde_json::from_value(profile).expect("a profile")
    }

    fn path(access: &str, path: &str) -> Value {
        json!({"access": access, "path": {"type": "path", "path": path}})
    }

    /// As codex asks: paths stand twice.
    fn wanted() -> RequestPermissionProfile {
        profile(json!({
            "network": {"enabled": true},
            "fileSystem": {
                "read": ["/etc"], "write": ["/a", "/b"],
                "entries": [path("read", "/etc"), path("write", "/a"), path("write", "/b"), path("deny", "/a/secret")],
            },
        }))
    }

    fn granted(wanted: &RequestPermissionProfile, chosen: &[&str]) -> Value {
        let decision =
            grant(wanted, PermissionGrantScope::Turn, |part| chosen.contains(&part.to_string().as_str()));
        let Decision::Permissions(answer) = decision else { panic!("{decision:?}") };
        serde_json::to_value(answer).expect("JSON")["permissions"].clone()
    }

    #[test]
    fn each_part_is_named_once() {
        let parts: Vec<_> = parts(&wanted()).iter().map(ToString::to_string).collect();
        assert_eq!(parts, ["use the network", "read /etc", "write /a", "write /b"]);
        let older = profile(json!({"network": {"enabled": false}, "fileSystem": {"write": ["/a"]}}));
        let parts: Vec<_> = super::parts(&older).iter().map(ToString::to_string).collect();
        assert_eq!(parts, ["write /a"]);
        for (special, said) in [
            (json!({"kind": "root"}), "read everything"),
            (json!({"kind": "project_roots", "subpath": "docs"}), "read the project's folders, there docs"),
        ] {
            let entry = json!({"access": "read", "path": {"type": "special", "value": special}});
            let parts = super::parts(&profile(json!({"fileSystem": {"entries": [entry]}})));
            assert_eq!(parts[0].to_string(), said);
        }
    }

    #[test]
    fn exactly_the_chosen_parts_are_granted() {
        for (chosen, expected) in [
            (&[][..], json!({})),
            (&["use the network"], json!({"network": {"enabled": true}})),
            (
                &["read /etc"],
                json!({"fileSystem": {
                    "read": ["/etc"], "entries": [path("read", "/etc"), path("deny", "/a/secret")],
                }}),
            ),
            (
                &["write /b", "use the network"],
                json!({
                    "network": {"enabled": true},
                    "fileSystem": {"write": ["/b"], "entries": [path("write", "/b"), path("deny", "/a/secret")]},
                }),
            ),
            (&["write /elsewhere"], json!({})),
        ] {
            assert_eq!(granted(&wanted(), chosen), expected, "{chosen:?}");
        }
        let older = profile(json!({"network": {"enabled": false}, "fileSystem": {"write": ["/a", "/b"]}}));
        let all = ["use the network", "write /a"];
        assert_eq!(granted(&older, &all), json!({"fileSystem": {"write": ["/a"]}}));
    }
}
