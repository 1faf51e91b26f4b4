//! Takes out of a recording what belongs to the machine, the moment or the vendor, so that it can be
//! committed and that recording it again changes little.
//!
//! * Folders become `/workspace`, `/home/user` and `/tmp`; host, system and ports have fixed names.
//! * Ids become `00000000-0000-7000-8000-00000000000N`, in order of appearance, wherever they stand; hashes
//!   likewise.
//! * Times become one moment, durations one duration; `t` and `emittedAtMs` grow with the rows.
//! * Prose that is not ours is cut short.
//!
//! Members keep their order and their JSON type: a cleaned line decodes as the line did.

mod json;
mod places;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use regex::{Captures, Regex};
use serde_json::Number;

use super::trace::{Direction, Row};
use json::Json;
pub use places::Places;

/// The moment at which all fixtures play, in seconds: 2027-01-15, 08:00:00 UTC.
const MOMENT: i64 = 1_800_000_000;
/// How long everything takes.
const MILLISECONDS: i64 = 5;
/// Any text longer than this that neither the client nor the model said is cut.
const LONG: usize = 160;
/// Where it is cut.
const SHORT: usize = 40;

/// Members whose text is the vendor's, cut even where it is not long; some only within another member.
const PROSE: &[(&str, &str)] = &[
    ("", "announcement"),
    ("availabilityNux", "message"),
    ("", "baseInstructions"),
    ("", "defaultPrompt"),
    ("", "description"),
    ("", "developerInstructions"),
    ("", "instructions"),
    ("", "longDescription"),
    ("", "migrationMarkdown"),
    ("", "shortDescription"),
    ("", "summary"),
    ("", "unavailableMessage"),
    ("", "upgradeCopy"),
];

/// Members that are a map: the server writes them in another order each time.
const MAPS: &[&str] = &["config", "origins", "readStates"];

/// Members that are a number of another size in every run, and what they become.
const NUMBERS: &[(&str, i64)] =
    &[("durationMs", MILLISECONDS), ("timeUsedSeconds", 1), ("residentMemoryBytes", 100_000_000)];

/// Cleans the rows of one session. A second cleaning changes nothing.
pub fn clean(rows: &[Row], places: &Places) -> Result<Vec<Row>> {
    let mut cleaner = Cleaner {
        places,
        ids: Numbers::default(),
        hashes: Numbers::default(),
        processes: Numbers::default(),
        said: BTreeMap::new(),
        now: 0,
    };
    let clean_row = |(index, row): (usize, &Row)| {
        cleaner.now = index as i64;
        cleaner.row(row).with_context(|| format!("cannot clean line {}: {}", index + 1, row.line))
    };
    rows.iter().enumerate().map(clean_row).collect()
}

struct Cleaner<'p> {
    places: &'p Places,
    ids: Numbers,
    hashes: Numbers,
    processes: Numbers,
    /// The agent messages so far, by item, put together from their deltas.
    said: BTreeMap<String, String>,
    /// The number of the row, which is all the time there is.
    now: i64,
}

/// Numbers names in order of appearance.
#[derive(Default)]
struct Numbers(BTreeMap<String, usize>);

impl Numbers {
    fn of(&mut self, name: &str) -> usize {
        let next = self.0.len() + 1;
        *self.0.entry(name.to_owned()).or_insert(next)
    }
}

impl Cleaner<'_> {
    fn row(&mut self, row: &Row) -> Result<Row> {
        let mut json: Json = serde_json::from_str(&row.line)?;
        self.listen(&json);
        self.value(&mut json, "", "", row.direction);
        let line = serde_json::to_string(&json)?;
        Ok(Row { seconds: self.now as f64 / 100.0, direction: row.direction, line })
    }

    /// Keeps what the model says, piece by piece: the whole is not to be cut.
    fn listen(&mut self, line: &Json) {
        if line.get("method").and_then(Json::as_str) == Some("item/agentMessage/delta") {
            let text = |name| line.get("params")?.get(name)?.as_str();
            if let (Some(item), Some(delta)) = (text("itemId"), text("delta")) {
                self.said.entry(item.to_owned()).or_default().push_str(delta);
            }
        }
    }

    fn value(&mut self, value: &mut Json, parent: &str, name: &str, direction: Direction) {
        match value {
            Json::String(text) => *text = self.text(text, parent, name, direction),
            Json::Number(number) => {
                if let Some(cleaned) = self.number(number, parent, name) {
                    *number = cleaned;
                }
            }
            // The elements of an array are named like the array.
            Json::Array(items) => {
                items.iter_mut().for_each(|item| self.value(item, parent, name, direction));
            }
            Json::Object(members) => {
                if MAPS.contains(&name) {
                    members.sort_by(|(left, _), (right, _)| left.cmp(right));
                }
                for (key, member) in members {
                    self.value(member, name, key, direction);
                    *key = self.identifiers(key);
                }
            }
            Json::Null | Json::Bool(_) => {}
        }
    }

    fn number(&self, number: &Number, parent: &str, name: &str) -> Option<Number> {
        if name == "emittedAtMs" {
            return Some((MOMENT * 1000 + self.now * 10).into());
        }
        if (parent, name) == ("process", "id") {
            return Some(1000.into());
        }
        if let Some((_, fixed)) = NUMBERS.iter().find(|(known, _)| *known == name) {
            return Some((*fixed).into());
        }
        let moment = match number.as_f64()? {
            // Between 2020 and 2050.
            1_577_836_800.0..2_524_608_000.0 => MOMENT,
            1_577_836_800_000.0..2_524_608_000_000.0 => MOMENT * 1000,
            _ => return None,
        };
        // Seconds with a fraction stay a number with a fraction.
        if number.is_f64() { Number::from_f64(moment as f64) } else { Some(moment.into()) }
    }

    fn text(&mut self, text: &str, parent: &str, name: &str, direction: Direction) -> String {
        if self.said.values().any(|said| said == text) {
            return text.to_owned();
        }
        if name == "serverName" {
            return "host".to_owned();
        }
        if name == "processId" && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return (1000 + self.processes.of(text)).to_string();
        }
        let text = self.identifiers(text);
        // What codex itself puts into a conversation begins with a tag.
        let prose = PROSE.contains(&(parent, name)) || PROSE.contains(&("", name));
        let of_codex = name == "text" && text.starts_with('<');
        cut(text, if direction == Direction::ServerToClient && (prose || of_codex) { SHORT } else { LONG })
    }

    /// Replaces what names a place, a thing or a moment within a text.
    fn identifiers(&mut self, text: &str) -> String {
        static PATTERNS: LazyLock<[Regex; 7]> = LazyLock::new(|| {
            [
                // An id.
                r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
                // A hash: SHA-1 or SHA-256.
                r"\b(?:[0-9a-f]{40}|[0-9a-f]{64})\b",
                // A port.
                r"(127\.0\.0\.1|localhost):[0-9]+",
                // The folder of a day.
                r"\b20[0-9]{2}/[01][0-9]/[0-3][0-9]\b",
                // A time, as in a file name or as ISO 8601 has it.
                r"\b20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9]{2}([-:])[0-9]{2}([-:])[0-9]{2}(\.[0-9]+)?",
                // Milliseconds and seconds since 1970, from 2027 back to 2017 and on to 2033.
                r"\b1[5-9][0-9]{8}([0-9]{3})?\b",
                // The system in a user agent, and the terminal.
                r"\([A-Z][A-Za-z ]+ [0-9][0-9.]*; [a-z0-9_]+\) [^ ]+",
            ]
            .map(|pattern| Regex::new(pattern).expect("the pattern is sound"))
        });
        let [id, hash, port, day, time, epoch, system] = &*PATTERNS;
        let text = self.places.replace(text);
        let text = id.replace_all(&text, |id: &Captures<'_>| {
            format!("00000000-0000-7000-8000-{:012}", self.ids.of(&id[0]))
        });
        let text = hash.replace_all(&text, |hash: &Captures<'_>| {
            format!("{:0width$}", self.hashes.of(&hash[0]), width = hash[0].len())
        });
        let text = port.replace_all(&text, "$1:8080");
        let text = day.replace_all(&text, "2027/01/15");
        let text = time.replace_all(&text, "2027-01-15T08${1}00${2}00");
        let text = epoch.replace_all(&text, |epoch: &Captures<'_>| match epoch.get(1) {
            Some(_) => (MOMENT * 1000).to_string(),
            None => MOMENT.to_string(),
        });
        system.replace_all(&text, "(Linux 1.0; x86_64) terminal").into_owned()
    }
}

/// The beginning of a text that is longer than `limit`.
fn cut(text: String, limit: usize) -> String {
    // What was cut before is left alone.
    if text.chars().count() <= limit || text.chars().count() == SHORT + 1 && text.ends_with('…') {
        return text;
    }
    text.chars().take(SHORT).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
