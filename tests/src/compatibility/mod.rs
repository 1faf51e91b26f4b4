//! The page that says what today's bindings make of other versions of codex.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use codex_appserver_bindgen::history::Release;
use regex::Regex;

#[cfg(test)]
mod tests;

/// The command that writes the page.
pub const COMMAND: &str =
    "cargo run -p codex-appserver-tests --features experimental --example compatibility --";

/// The releases that the page is about by default, counted back in the history from the pinned one. The newest ones
/// say what a short delay costs, the others are five releases apart.
const STEPS_BACK: [usize; 6] = [20, 15, 10, 4, 1, 0];

/// The head of the table.
const COLUMNS: [&str; 9] = [
    "codex",
    "connects",
    "session",
    "decoded",
    "typed errors",
    "needs a later codex",
    "no answer",
    "undecodable answers",
    "undecodable events",
];

/// The columns whose numbers depend on the machine as well: a sandbox that it lacks makes an error of an answer.
const LOOSE: [&str; 2] = ["decoded", "typed errors"];

/// What came of one version.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The version of codex.
    pub version: Release,
    /// What came of the sweep, or why the client did not connect.
    pub swept: Result<Swept, String>,
    /// Whether the session went through, or where it stopped.
    pub session: Result<(), String>,
}

/// What came of calling every method.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Answers that are of the method's type.
    pub decoded: usize,
    /// Answers that are errors, and decode as such.
    pub errors: usize,
    /// Methods that the server is too old for.
    pub too_old: BTreeSet<String>,
    /// Methods that were not answered in time, or not at all.
    pub silent: BTreeSet<String>,
    /// Answers that do not decode: the method, the member and what is wrong.
    pub answers: BTreeSet<String>,
    /// Messages of the server that do not decode: the method, the member and what is wrong.
    pub events: BTreeSet<String>,
    /// Methods that the server does not have, although it is not too old for them.
    pub gone: BTreeSet<String>,
    /// Methods that the bindings do not have.
    pub unknown: BTreeSet<String>,
    /// Why the sweep ended before its end.
    pub stopped: Option<String>,
}

/// The releases that the page is about by default, the oldest first.
pub fn default_versions(history: &[Release], pin: Release) -> Vec<Release> {
    let up_to_pin: Vec<_> = history.iter().copied().filter(|release| *release <= pin).collect();
    let back = |steps| up_to_pin.len().checked_sub(1 + steps).map(|index| up_to_pin[index]);
    STEPS_BACK.into_iter().filter_map(back).collect()
}

/// What is wrong somewhere, for the page: the index of an element and the id of an object are different each time.
pub fn blame(text: &str) -> String {
    static INDEX: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[\d+\]").expect("it is a pattern"));
    static ID: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("it is a pattern")
    });
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    ID.replace_all(&INDEX.replace_all(&words, "[]"), "ID").into_owned()
}

/// The page. `arguments` are those of the command that writes it.
pub fn page(bindings: &str, methods: usize, arguments: &str, tried: &[Tried]) -> String {
    let mut page = String::from("# Compatibility with other versions of codex\n\n");
    let command = format!("{COMMAND} {arguments}");
    let command = command.trim_end().trim_end_matches(" --");
    let _ = writeln!(page, "<!-- Written by `{command}`; do not edit. -->\n");
    let _ = writeln!(
        page,
        "This is what the bindings of codex {bindings} make of the app-server of other versions, each in a throw-away \
         home with a\nmock of the model. The *session* starts a thread, runs a turn and reads the thread back with the \
         SDK. The other columns\ncount the {methods} methods that a client can call, each called once with the \
         smallest params that it takes, and the events\nthat do not decode. A *typed error* is an answer as well: the \
         call makes no sense in the throw-away home. A method *needs a\nlater codex* where a later version has brought \
         it. Below the table stands which method or member is to blame.\n"
    );
    row(&mut page, COLUMNS.map(str::to_owned));
    row(&mut page, COLUMNS.map(|name| if is_number(name) { "--:".to_owned() } else { "---".to_owned() }));
    for tried in tried {
        row(&mut page, cells(tried));
    }
    for tried in tried {
        details(&mut page, tried);
    }
    page
}

fn is_number(column: &str) -> bool {
    !["codex", "connects", "session"].contains(&column)
}

fn row(page: &mut String, cells: [String; COLUMNS.len()]) {
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn cells(tried: &Tried) -> [String; COLUMNS.len()] {
    let yes_or_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let session = match tried.session {
        Ok(()) => "whole".to_owned(),
        Err(_) => "fails".to_owned(),
    };
    let numbers = match &tried.swept {
        Ok(swept) => [
            swept.decoded,
            swept.errors,
            swept.too_old.len(),
            swept.silent.len(),
            swept.answers.len(),
            swept.events.len(),
        ]
        .map(|number| number.to_string()),
        Err(_) => Default::default(),
    };
    let [decoded, errors, too_old, silent, answers, events] = numbers;
    let connects = yes_or_no(tried.swept.is_ok());
    [tried.version.to_string(), connects, session, decoded, errors, too_old, silent, answers, events]
}

/// The methods and members that are to blame for what a row counts.
fn details(page: &mut String, tried: &Tried) {
    let mut lines = Vec::new();
    if let Err(reason) = &tried.session {
        lines.push(format!("The session fails: {}.", blame(reason)));
    }
    match &tried.swept {
        Err(reason) => lines.push(format!("The client does not connect: {}.", blame(reason))),
        Ok(swept) => {
            if let Some(reason) = &swept.stopped {
                lines.push(format!("The sweep stopped early: {}.", blame(reason)));
            }
            let quoted = |texts: &BTreeSet<String>| {
                texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
            };
            lines.extend(swept.answers.iter().map(|text| format!("Undecodable answer: {text}.")));
            lines.extend(swept.events.iter().map(|text| format!("Undecodable event: {text}.")));
            for (words, methods) in [
                ("Not answered", &swept.silent),
                ("Needs a later codex", &swept.too_old),
                ("Not in the server", &swept.gone),
                ("Not in the bindings", &swept.unknown),
            ] {
                if !methods.is_empty() {
                    lines.push(format!("{words}: {}.", quoted(methods)));
                }
            }
        }
    }
    let _ = writeln!(page, "\n## {}\n", tried.version);
    if lines.is_empty() {
        page.push_str("Nothing is to blame.\n");
    }
    for line in lines {
        let _ = writeln!(page, "* {line}");
    }
}

/// The lines of a page as another machine would write them, without the numbers that depend on the machine.
pub fn comparable(page: &str) -> Vec<String> {
    let loose = |index: usize| COLUMNS.get(index).is_some_and(|name| LOOSE.contains(name));
    let line = |line: &str| match line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")) {
        Some(row) => {
            let cells = row.split(" | ").enumerate();
            let cells: Vec<_> =
                cells.map(|(index, cell)| if loose(index) { "" } else { cell }.to_owned()).collect();
            cells.join(" | ")
        }
        None => line.to_owned(),
    };
    page.lines().map(line).collect()
}
