//! What came out, added up by method.

use std::collections::BTreeMap;

use codex_appserver_wire::shape::Kind;
use serde::Serialize;

use crate::checker::Line;
use crate::message::{Role, Verdict};
use crate::path::shortened;

/// How many methods, unknown members and unknown values are told apart. A trace that makes up more is summed
/// up: what it makes up must not fill the memory.
const MOST: usize = 2_000;

/// Where what is beyond that is counted.
const OTHERS: &str = "(others)";

/// What came out of one or several traces.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The codex version of the bindings.
    pub bindings: &'static str,
    /// The files and what they say about themselves.
    pub files: Vec<File>,
    /// The sums over all methods.
    pub totals: Counts,
    /// By role and method.
    pub methods: Vec<Row>,
    /// The failures, and what came back changed, in the order of the files.
    pub problems: Vec<Problem>,
    /// Members that the protocol does not know, by method and path, and how often.
    pub unknown_members: BTreeMap<String, u64>,
    /// Enum values, tags and arms that the protocol does not know, by method and path, and how often.
    pub unknown_values: BTreeMap<String, u64>,
    #[serde(skip)]
    most_problems: usize,
}

/// One file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct File {
    /// Its name as it was given.
    pub name: String,
    /// How many lines it has.
    pub lines: u64,
    /// The codex versions that its header and its `userAgent`s name.
    pub codex_versions: Vec<String>,
}

/// How many messages ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Decoded, and came back the same.
    pub decoded: u64,
    /// The bindings do not know the method; kept whole.
    pub unknown: u64,
    /// Did not decode.
    pub failed: u64,
    /// Decoded, and came back as another message.
    pub changed: u64,
    /// Answers whose request is not in the trace.
    pub unmatched: u64,
}

/// The messages of one role and method.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What they are: `client request`, `server answer`, …
    pub role: &'static str,
    /// The method; that of the request for answers.
    pub method: String,
    /// How they ended.
    #[serde(flatten)]
    pub counts: Counts,
    /// Where the first of those are that failed or came back changed: `file:line`.
    pub problem_lines: Vec<String>,
}

/// A message that failed or came back changed.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// What the message is.
    pub role: &'static str,
    /// Its method.
    pub method: String,
    /// `failed` or `changed`.
    pub verdict: &'static str,
    /// The JSON path of what is wrong.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl Report {
    /// An empty report that keeps at most so many problems in full; all are counted.
    pub fn new(most_problems: usize) -> Self {
        Self {
            bindings: codex_appserver_shapes::CODEX_VERSION,
            files: Vec::new(),
            totals: Counts::default(),
            methods: Vec::new(),
            problems: Vec::new(),
            unknown_members: BTreeMap::new(),
            unknown_values: BTreeMap::new(),
            most_problems,
        }
    }

    /// Begins with another file.
    pub fn file(&mut self, name: &str) {
        self.files.push(File { name: name.to_owned(), ..File::default() });
    }

    /// Adds a line of the file begun last.
    pub fn line(&mut self, number: u64, line: Line) {
        let Some(file) = self.files.last_mut() else { return };
        file.lines += 1;
        if let Some(version) = &line.codex_version
            && !file.codex_versions.contains(version)
        {
            file.codex_versions.push(version.clone());
        }
        let method = shortened(&line.method).into_owned();
        for (paths, counted) in [
            (&line.unknowns.members, &mut self.unknown_members),
            (&line.unknowns.values, &mut self.unknown_values),
        ] {
            for path in paths {
                let key = format!("{} {method}: {}", role_name(line.role), any_index(path));
                let key =
                    if counted.len() < MOST || counted.contains_key(&key) { key } else { OTHERS.into() };
                *counted.entry(key).or_default() += 1;
            }
        }
        let Some(verdict) = line.verdict else { return };
        let row = self.row(line.role, method);
        self.methods[row].counts.add(&verdict);
        self.totals.add(&verdict);
        let (verdict, path, message) = match verdict {
            Verdict::Failed { path, message } => ("failed", path, message),
            Verdict::Changed(difference) => ("changed", difference.path, difference.what),
            _ => return,
        };
        let Some(file) = self.files.last() else { return };
        let row = &mut self.methods[row];
        if row.problem_lines.len() < 10 {
            row.problem_lines.push(format!("{}:{number}", file.name));
        }
        if self.problems.len() < self.most_problems {
            let (role, method) = (row.role, row.method.clone());
            let (file, message) = (file.name.clone(), shortened(&message).into_owned());
            self.problems.push(Problem { file, line: number, role, method, verdict, path, message });
        }
    }

    /// The row of a role and method, made where it is not there yet.
    fn row(&mut self, role: Option<Role>, method: String) -> usize {
        let role = role_name(role);
        let find = |methods: &[Row], method: &str| {
            methods.binary_search_by(|row| (row.role, row.method.as_str()).cmp(&(role, method)))
        };
        let method = match find(&self.methods, &method) {
            Ok(index) => return index,
            Err(_) if self.methods.len() >= MOST => OTHERS.to_owned(),
            Err(_) => method,
        };
        find(&self.methods, &method).unwrap_or_else(|index| {
            let (counts, problem_lines) = (Counts::default(), Vec::new());
            self.methods.insert(index, Row { role, method, counts, problem_lines });
            index
        })
    }

    /// Whether anything failed or came back changed.
    pub fn has_problems(&self) -> bool {
        self.totals.failed + self.totals.changed > 0
    }
}

impl Counts {
    fn add(&mut self, verdict: &Verdict) {
        *match verdict {
            Verdict::Decoded => &mut self.decoded,
            Verdict::Unknown => &mut self.unknown,
            Verdict::Failed { .. } => &mut self.failed,
            Verdict::Changed(_) => &mut self.changed,
            Verdict::Unmatched => &mut self.unmatched,
        } += 1;
    }

    /// All of them.
    pub fn sum(&self) -> u64 {
        self.decoded + self.unknown + self.failed + self.changed + self.unmatched
    }
}

fn role_name(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::Sent(Kind::ClientRequest)) => "client request",
        Some(Role::Sent(Kind::ServerRequest)) => "server request",
        Some(Role::Sent(Kind::ClientNotification)) => "client notification",
        Some(Role::Sent(Kind::ServerNotification)) => "server notification",
        Some(Role::Answer(Kind::ClientRequest)) => "server answer",
        Some(Role::Answer(_)) => "client answer",
        None => "other",
    }
}

/// The path with `[]` for every index, so that items of one list are one row.
fn any_index(path: &str) -> String {
    let mut parts = path.split('[');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('[');
        out.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    }
    out
}
