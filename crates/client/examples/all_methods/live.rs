//! Values that mean something to the server that is asked: ids that it gave, files that there are.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// What can be said instead of a made-up word.
pub struct Live {
    folder: PathBuf,
    ids: BTreeMap<String, String>,
}

impl Live {
    /// With a folder that may be filled and emptied.
    pub fn new(folder: &Path) -> io::Result<Self> {
        fs::write(folder.join("file.txt"), "to be swept\n")?;
        Ok(Self { folder: folder.to_owned(), ids: BTreeMap::new() })
    }

    /// The value of a member in the params of a method.
    pub fn value(&self, method: &str, member: &str) -> Option<Value> {
        let at = |name: &str| Some(json!(self.folder.join(name)));
        match (method, member) {
            ("fs/createDirectory" | "fs/readDirectory", "path") => at("folder"),
            (_, "path" | "sourcePath") => at("file.txt"),
            (_, "destinationPath") => at("copy.txt"),
            (_, "savePath") => at("saved"),
            (_, "cwd" | "pluginPath" | "source") => Some(json!(self.folder)),
            (_, "extraRoots") => Some(json!([self.folder])),
            ("fuzzyFileSearch" | "fuzzyFileSearch/sessionStart", "roots") => Some(json!([self.folder])),
            ("command/exec", "command") => Some(json!(["echo", "swept"])),
            // There to be killed, and soon gone if nobody does.
            ("process/spawn", "command") => Some(json!(["sleep", "60"])),
            ("thread/shellCommand", "command") => Some(json!("echo swept")),
            (_, "input") => Some(json!([{ "type": "text", "text": "Sweep." }])),
            // The protocol as data has no word for what is a string or a number.
            (_, "requestId") => Some(json!("sweep")),
            (_, "dataBase64") => Some(json!("c3dlcHQK")),
            (_, "execServerUrl") => Some(json!("ws://127.0.0.1:9")),
            (_, "keyPath") => Some(json!("model_verbosity")),
            ("config/value/write", "value") => Some(json!("low")),
            _ => self.id(member).map(|id| json!(id)),
        }
    }

    /// Remembers the ids at the top of an answer: `threadId` itself, or that of an object `thread`. The first of
    /// a kind counts, so that what is created in passing does not take the place of what is in use.
    pub fn learn(&mut self, answer: &str) {
        let Ok(Value::Object(members)) = serde_json::from_str(answer) else { return };
        for (name, value) in members {
            let (name, id) = match &value {
                Value::String(id) if name.ends_with("Id") => (name, id.clone()),
                Value::Object(object) => match object.get("id") {
                    Some(Value::String(id)) => (format!("{name}Id"), id.clone()),
                    _ => continue,
                },
                _ => continue,
            };
            self.ids.entry(name).or_insert(id);
        }
    }

    /// An id by the name of a member: `expectedTurnId` is the id of a turn as well.
    pub fn id(&self, member: &str) -> Option<&str> {
        let known = self.ids.iter().find(|(name, _)| {
            let tail = format!("{}{}", name[..1].to_ascii_uppercase(), &name[1..]);
            *name == member || member.ends_with(&tail)
        });
        known.map(|(_, id)| id.as_str())
    }
}
