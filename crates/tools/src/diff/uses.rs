//! `--uses`: what a program uses, read from recordings and from lists of names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use codex_appserver_bindgen::model::Model;
use codex_appserver_diff::Uses;
use codex_appserver_record::{Content, Entry, Reader};
use serde::Deserialize;

use crate::inputs;

/// Reads all files; without one there is nothing to limit.
pub fn read(files: &[PathBuf], protocols: [&Model; 2]) -> Result<Option<Uses>> {
    if files.is_empty() {
        return Ok(None);
    }
    let mut uses = Uses::default();
    for file in files {
        let bytes = inputs::read(file)?;
        let shown = inputs::shown(file);
        if is_trace(&bytes) {
            let methods = recorded(file, &bytes)?;
            uses.add_recorded(methods.iter().map(String::as_str), protocols);
        } else {
            let text = String::from_utf8(bytes).with_context(|| format!("{shown} is not UTF-8"))?;
            uses.add_list(&shown, &text, protocols)?;
        }
    }
    if uses.is_empty() {
        let files: Vec<String> = files.iter().map(|file| inputs::shown(file)).collect();
        bail!(
            "--uses {}: names no method or type of the two protocols; record a session, or list one name a line",
            files.join(" ")
        );
    }
    Ok(Some(uses))
}

/// A trace is lines of JSON objects, a list has no brace.
fn is_trace(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

/// The part of a message that says what it is about.
#[derive(Deserialize)]
struct Message {
    method: Option<String>,
}

/// The methods that either side sent.
fn recorded(file: &Path, bytes: &[u8]) -> Result<BTreeSet<String>> {
    let mut methods = BTreeSet::new();
    for (line, entry) in Reader::new(bytes) {
        let place = || format!("{}:{line}", inputs::shown(file));
        let text = match entry.with_context(place)? {
            Entry::Header(_) => continue,
            Entry::Row(row) => match row.content {
                Content::Line(text) => text,
                Content::Bytes(_) => continue,
            },
            Entry::Bare(text) => text,
        };
        // What is no message on the wire names no method, such as the garbage of a client that is being tested.
        if let Ok(Message { method: Some(method) }) = serde_json::from_str(&text) {
            methods.insert(method);
        }
    }
    Ok(methods)
}
