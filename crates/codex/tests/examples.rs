//! Every example plays with `--offline` on the real codex and says what it is there to show.
//!
//! An example that is new needs a row in [`ROWS`].
#![cfg(all(feature = "async", feature = "blocking", feature = "structured", feature = "ws"))]

#[path = "programs/codex.rs"]
mod codex;
#[path = "programs/example.rs"]
mod example;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use codex::codex;
use example::example;

/// Far more than any example takes: one that hangs fails.
const PATIENCE: Duration = Duration::from_secs(180);

/// What is expected of an example.
struct Row {
    name: &'static str,
    /// What is typed in.
    stdin: &'static str,
    /// What it prints, in this order, with anything in between.
    parts: &'static [&'static str],
}

const fn row(name: &'static str, parts: &'static [&'static str]) -> Row {
    Row { name, stdin: "", parts }
}

impl Row {
    const fn typing(self, stdin: &'static str) -> Self {
        Self { stdin, ..self }
    }
}

const ROWS: &[Row] = &[
    row(
        "blocking_parity",
        &[
            "[started]\nI ask the shell.\n$ ",
            "echo hello",
            "\nhello\n[exit code 0]\nIt says hello.\n[completed]\n",
        ],
    ),
    row(
        "cli_mini_app",
        &[
            "You say: hello there\n[completed; ",
            "I make one.\n",
            "touch made-by-codex",
            "to make the file you want",
            "completed\nThat is all.\n[completed; ",
            "+Remember\n    +the milk.\n",
            "note.txt: declined\nThat is all.\n[completed; ",
            "[agent 2] completed: There is one by the river.\n",
            "    agent 2: completed, 15 tokens\n",
            "[completed; 45 tokens and 60 of sub-agents, ",
            "2: hello there (just now, ",
            "This is thread ",
            "> hello there\nYou say: hello there\n> make a file\nI make one.\n",
            "You say: and now?\n[completed; ",
        ],
    )
    .typing(
        "hello there\nmake a file\ny\nwrite a note\nn\n/new\nfind a park\n/threads\n/resume 2\nand now?\n",
    ),
    row(
        "dynamic_tools",
        &[
            "> Put two milk and a bread on my shopping list.\nadd {\"article\":\"milk\",\"count\":\"two\"} failed\n",
            "the tool `shopping.add`: `count`: invalid type: string \"two\", expected u32",
            "add {\"article\":\"milk\",\"count\":2} completed\n",
            "Milk and bread are on the list.\n> What is on the list?\n(call call-show-2 looks at the list)\n",
            "show {} completed\n  [{\"article\":\"milk\",\"count\":2},{\"article\":\"bread\",\"count\":1}]\n",
            "Two milk, one bread.\n",
        ],
    ),
    row(
        "error_handling_and_retry",
        &[
            "no program: failed to start",
            "no such thread",
            "the turn is failed",
            "the turn is failed",
            "the turn is failed",
            "\"Half of an \"\n",
            "the slow turn is interrupted, with the text \"Let me think\"\n",
            "after the end: failed to ",
        ],
    ),
    row(
        "existing_thread",
        &["yesterday: I keep it.\n* ", "Keep the word `heron`", "today: It was heron.\nturns so far: 2\n"],
    ),
    row(
        "image_and_text",
        &["It is red.\n(the mock was shown an image of ", " bytes: data:image/png;base64)\n"],
    ),
    row(
        "local_image_and_text",
        &["It is red.\n(the mock was shown an image of ", " bytes: data:image/png;base64)\n"],
    ),
    row(
        "many_turns_at_once",
        &[" completed ", "  1 2 3 4\n", " interrupted ", "  1\n", "  1 2 3 4 5 6 7 8\n"],
    ),
    row(
        "model_select_and_turn_params",
        &["taken: ", "\nPlan first.\nThen do it.\n", "the model was asked with effort \"low\"\n"],
    ),
    row(
        "models_and_metadata",
        &["codex ", " on ", "user agent: codex_appserver/", "account: none\n", "(efforts: low, medium"],
    ),
    row("quickstart", &["Nothing yet.\n"]),
    row(
        "structured_output",
        &[
            "High: A test is missing (src/lib.rs:7)\nLow: There is no README (all over)\n",
            "huge",
            "but the text: {",
        ],
    ),
    row(
        "thread_lifecycle_and_controls",
        &[
            "name: Counting\nread: One, two, three.\n",
            "goal: Count to a hundred. (paused)\ngoal cleared: true\n",
            "fork: Four, five.\nturns of the first thread: 1\n",
            "compacted: completed\n",
            "before: One ... two ...\nsteered: Three, and so on to ten. (completed)\n",
            "before: One ...\ninterrupted: One ... (interrupted)\n",
            "archived: true\narchived: false\nresumed: I am.\n",
        ],
    ),
    row(
        "turn_params_kitchen_sink",
        &[
            "as JSON: {\"words\":3}\n",
            "message-2\n",
            "about the build: Green.\n",
            "the model was asked for \"gpt-5.5\"",
        ],
    ),
    row(
        "turn_run",
        &[
            "status: completed\nanswer: Blue.\nitems: userMessage, reasoning, agentMessage\n",
            "tokens: 1200 read, 40 written\ntime: ",
        ],
    ),
    row(
        "turn_stream_events",
        &[
            "[started]\nI ask the shell.\n$ ",
            "echo hello",
            "\nhello\n[exit code 0]\nIt says hello.\n[completed]\n[tokens: 20 read, 10 written]\n",
        ],
    ),
    row(
        "whole_turn",
        &[
            "weather {\"city\":\"Oslo\"}: completed\n",
            "asked: Some((\"calendar\", \"add_event\"))\ncalendar.add_event: completed\n",
            "A picnic by the river, on Sunday.\n",
            "sub-agent: Some(\"Find a park.\") -> Some(\"The one by the river.\")\n",
            "tokens: 1200 and 300 of sub-agents\n",
        ],
    ),
];

#[test]
fn every_example_has_a_row() {
    let lacks_row = |name: &String| ROWS.iter().all(|row| row.name != name);
    let without: Vec<_> = examples().into_iter().filter(lacks_row).collect();
    assert!(without.is_empty(), "say in ROWS what is expected of {without:?}");
}

/// Cargo builds the examples whose features are on with the tests of their package.
#[test]
fn every_example_is_built_with_the_tests() {
    for name in examples() {
        example(&name);
    }
}

#[test]
fn every_example_plays_offline() {
    let Some(codex) = codex() else { return };
    let examples = examples();
    let rows = ROWS.iter().filter(|row| examples.iter().any(|name| name == row.name));
    let failures: Vec<String> = rows.filter_map(|row| play(row, &codex).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// It prints what the example with the tasks prints.
#[test]
fn the_blocking_example_does_the_same() {
    let Some(codex) = codex() else { return };
    let [blocking, tasks] = ["blocking_parity", "turn_stream_events"].map(|name| run(name, "", &codex));
    assert_eq!(blocking.stdout, tasks.stdout, "{}{}", blocking.stderr, tasks.stderr);
}

/// Has an example play; what is wrong with what it did is an error.
fn play(row: &Row, codex: &Path) -> Result<(), String> {
    let ran = run(row.name, row.stdin, codex);
    let wrong = match ran.status {
        None => Some(format!("does not end within {PATIENCE:?}")),
        Some(status) if !status.success() => Some(format!("fails: {status}")),
        Some(_) => {
            missing(&ran.stdout, row.parts).map(|part| format!("does not print {part:?} where expected"))
        }
    };
    match wrong {
        None => Ok(()),
        Some(wrong) => Err(format!("{} {wrong}\n{}{}", row.name, ran.stdout, ran.stderr)),
    }
}

/// The first part that is not there, or not in its place.
fn missing<'p>(text: &str, parts: &[&'p str]) -> Option<&'p str> {
    let text = text.replace("\r\n", "\n");
    let mut rest = text.as_str();
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return Some(part),
        }
    }
    None
}

/// What an example did; no status where it had to be killed.
struct Ran {
    status: Option<ExitStatus>,
    stdout: String,
    stderr: String,
}

/// Runs an example in an empty folder.
fn run(name: &str, stdin: &str, codex: &Path) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(example(name));
    command.arg("--offline").env("CODEX_BIN", codex).current_dir(folder.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the example starts");
    let stdout = read(child.stdout.take().expect("it is piped"));
    let stderr = read(child.stderr.take().expect("it is piped"));
    // It may have no use for it.
    let _ = child.stdin.take().expect("it is piped").write_all(stdin.as_bytes());

    // The output ends when the example does.
    let (stdout, in_time) = match stdout.recv_timeout(PATIENCE) {
        Ok(text) => (text, true),
        Err(_) => {
            child.kill().expect("it can be killed");
            (stdout.recv().unwrap_or_default(), false)
        }
    };
    let stderr = stderr.recv().unwrap_or_default();
    let status = child.wait().expect("it ends");
    Ran { status: in_time.then_some(status), stdout, stderr }
}

/// Reads to the end, on a thread of its own.
fn read(mut output: impl Read + Send + 'static) -> Receiver<String> {
    let (done, text) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = output.read_to_end(&mut bytes);
        let _ = done.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    text
}

/// Examples that are built with the feature `experimental` only.
const EXPERIMENTAL: &[&str] = &["dynamic_tools"];

/// All examples: files, and folders with a `main.rs`.
fn examples() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(folder).expect("the examples are there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_one = |path: &PathBuf| match path.is_dir() {
        true => path.join("main.rs").is_file(),
        false => path.extension().is_some_and(|extension| extension == "rs"),
    };
    let name = |path: PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let mut names: Vec<_> = paths.filter(is_one).map(name).collect();
    names.retain(|name| cfg!(feature = "experimental") || !EXPERIMENTAL.contains(&name.as_str()));
    names.sort();
    names
}
