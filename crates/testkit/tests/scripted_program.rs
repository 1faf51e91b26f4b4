//! The program: it stands in for `codex`, ends as it is told to, and writes what it saw.

mod support;

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use codex_appserver_testkit::scripted::{Answer, Ended, Faults, OnEnd, Report, Scenario, Step, Turn};
use serde_json::json;
use support::{Client, PATIENCE};
use tempfile::TempDir;

struct Program {
    child: Child,
    client: Client,
    folder: TempDir,
}

fn command(folder: &Path, scenario: &Scenario) -> Command {
    let file = folder.join("scenario.json");
    scenario.write_to(&file).expect("it can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_scripted-app-server"));
    command
        .env("SCRIPTED_APP_SERVER_SCENARIO", file)
        .env("SCRIPTED_APP_SERVER_REPORT", folder.join("report.json"));
    command.arg("app-server").arg("--listen").arg("stdio://").arg("-c").arg("x=1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Program {
    fn start(scenario: &Scenario) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = command(folder.path(), scenario).spawn().expect("it starts");
        let (stdin, stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        Self { child, client: Client::new(stdout, stdin), folder }
    }

    /// Waits for the end, though not forever.
    fn status(&mut self) -> ExitStatus {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("the program does not end");
    }

    fn report(&self) -> Report {
        let text = std::fs::read_to_string(self.folder.path().join("report.json")).expect("a report");
        serde_json::from_str(&text).expect("it is a report")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
}

#[test]
fn it_answers_ends_with_its_input_and_reports() {
    let ask = Step::ask("ask/me", json!({"threadId": "t"}));
    let mut program = Program::start(&Scenario::new().answer("go", Answer::result(json!([])).then([ask])));
    program.client.requests(1, &["initialize", "go"]);
    let lines = program.client.jsons(3);
    assert_eq!((&lines[1]["result"], &lines[2]["method"]), (&json!([]), &json!("ask/me")));
    program.client.write("{\"id\":0,\"result\":{\"ok\":true}}\n");
    program.client.close();
    assert_eq!(program.client.bytes(), None);
    assert_eq!(program.status().code(), Some(0));
    let report = program.report();
    assert_eq!((report.lines, report.methods["go"], report.ended), (3, 1, Some(Ended::Eof)));
    assert_eq!(report.answers[0].result, Some(json!({"ok": true})));
}

#[test]
fn it_exits_crashes_and_closes_its_output() {
    let after = |step| Scenario::new().answer("go", Answer::never().then([Step::line("last"), step]));
    let mut program = Program::start(&after(Step::Exit(7)));
    program.client.requests(1, &["go"]);
    assert_eq!(program.client.line(), "last");
    assert_eq!((program.client.bytes(), program.status().code()), (None, Some(7)));
    assert_eq!(program.report().ended, Some(Ended::Exit(7)));

    let mut program = Program::start(&after(Step::Abort));
    program.client.requests(1, &["go"]);
    assert_eq!((program.client.line(), program.status().code()), ("last".to_owned(), None));

    let mut program = Program::start(&after(Step::CloseStdout).on_eof(OnEnd::Drain));
    program.client.requests(1, &["go"]);
    assert_eq!((program.client.line(), program.client.bytes()), ("last".to_owned(), None));
    assert!(program.child.try_wait().expect("it is our child").is_none(), "it only closed its output");
    program.client.close();
    assert_eq!(program.status().code(), Some(0));
}

#[test]
fn it_can_ignore_the_end_of_its_input_and_signals() {
    let scenario = Scenario::new().on_eof(OnEnd::Ignore);
    let mut program = Program::start(&scenario.clone());
    program.client.requests(1, &["m"]);
    program.client.ids(1);
    program.client.close();
    assert!(program.client.is_silent(), "its output ends");
    signal(&program.child, "TERM");
    assert_eq!(program.status().code(), Some(0));
    assert_eq!(program.report().ended, Some(Ended::Sigterm));

    let mut program = Program::start(&scenario.on_sigterm(OnEnd::Ignore));
    program.client.requests(1, &["m"]);
    program.client.ids(1);
    signal(&program.child, "TERM");
    program.client.requests(2, &["m"]);
    assert_eq!(program.client.ids(1), [2]);
    signal(&program.child, "KILL");
    assert_eq!(program.status().code(), None);

    let mut program = Program::start(&Scenario::new().on_eof(OnEnd::ExitAfterMs(50)));
    program.client.close();
    assert_eq!(program.status().code(), Some(0));
}

#[test]
fn a_client_that_does_not_read_does_not_keep_it_alive() {
    let folder = tempfile::tempdir().expect("a folder");
    let flood = Scenario::new().on_start([Step::flood(1 << 40, "f", json!({}))]);
    let mut child = command(folder.path(), &flood).spawn().expect("it starts");
    child.stdout.as_mut().expect("a pipe").read_exact(&mut [0; 1000]).expect("it floods");
    drop(child.stdin.take());
    // Hangs here if it waited for its output to be read.
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn standard_error_is_flooded() {
    let flood = [Step::Stderr("first\n".to_owned()), Step::StderrFlood(20_000_000), Step::line("through")];
    let scenario = Scenario::new().answer("go", Answer::never().then(flood));
    let mut program = Program::start(&scenario);
    program.client.requests(1, &["go"]);
    assert!(program.client.is_silent(), "nobody reads its standard error: it waits");
    let mut stderr = program.child.stderr.take().expect("a pipe");
    let reading = std::thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).map(|_| text)
    });
    assert_eq!(program.client.line(), "through");
    program.client.close();
    program.status();
    let text = reading.join().expect("no panic").expect("it can be read");
    assert_eq!(text.len(), 20_000_006);
    assert!(text.starts_with(b"first\n2027-"));
}

#[test]
fn what_is_wrong_with_a_scenario_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wrong.json");
    let run = |text: &str| {
        std::fs::write(&file, text).expect("it can be written");
        let output =
            Command::new(env!("CARGO_BIN_EXE_scripted-app-server")).arg("--scenario").arg(&file).output();
        let output = output.expect("it runs");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).expect("it is text").replace(file.to_str().expect("a path"), "FILE")
    };
    let cases = [
        (
            r#"{"answers": {"a/b": {"result": 1, "delay_ms": "x"}}}"#,
            "answers.a/b.delay_ms: invalid type: string \"x\", expected u64",
        ),
        (
            r#"{"answers": {"a": [{"never": {}}, {}]}}"#,
            "answers.a[1]: an answer has one of `result`, `error`",
        ),
        (
            r#"{"answers": {"a": {"never": {}, "then": [{"pause": 3}]}}}"#,
            "answers.a.then[0]: unknown variant `pause`",
        ),
        (
            r#"{"answers": {"a": {"turn": {"deltas": {}}}}}"#,
            "answers.a.turn.deltas: expected a list of texts",
        ),
        (r#"{"answers": {"a": []}}"#, "answers.a: a list of answers has at least one"),
        (r#"{"answer": {}}"#, "answer: unknown field `answer`"),
        (r#"{"answers": {"a": "#, "answers.a: EOF while parsing"),
        ("{}{}", ".: trailing characters"),
    ];
    for (text, expected) in cases {
        let message = run(text);
        assert!(message.starts_with("error: failed to read the scenario FILE: "), "{message}");
        assert!(message.contains(expected), "{message}");
    }
    let output =
        Command::new(env!("CARGO_BIN_EXE_scripted-app-server")).args(["--scenario", "not there"]).output();
    let message = String::from_utf8(output.expect("it runs").stderr).expect("it is text");
    assert!(
        message.contains("failed to read the scenario not there: ") && message.contains("name a file"),
        "{message}"
    );
}

#[test]
fn help_has_an_example() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_scripted-app-server")).arg("--help").output().expect("it runs");
    let help = String::from_utf8(output.stdout).expect("it is text");
    assert!(output.status.success() && help.contains("Example: scripted-app-server --scenario "), "{help}");
}

/// The description of the format: its example is a scenario, and every member is in it.
#[test]
fn the_documented_scenario_can_be_read() {
    let text = include_str!("../docs/scenario.md");
    let blocks: Vec<&str> =
        text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 3, "there are examples");
    for block in &blocks {
        Scenario::from_json(block).unwrap_or_else(|error| panic!("{error}:\n{block}"));
    }
    let everything = Scenario::new()
        .answer("m", Answer::error(1, "x").delay_ms(1).times(2).under_id(json!(1)).until("x"))
        .answer("m", Answer::echo().then(all_steps()))
        .answer("m", Answer::turn(Turn::new(["x"]).every_ms(1)))
        .on_notification("n", [])
        .faults(
            Faults::seeded(1)
                .reorder(1)
                .delay_up_to_ms(1)
                .split_writes(1)
                .duplicate_every(1)
                .drop_every(1)
                .overloaded("m", 1),
        );
    let json = everything.to_json();
    assert_eq!(Scenario::from_json(&json).expect("it comes back"), everything);
    let member = names_in(&json);
    for name in member {
        assert!(
            text.contains(&format!("\"{name}\"")) || text.contains(&format!("`{name}`")),
            "{name} is not described"
        );
    }
}

fn all_steps() -> Vec<Step> {
    let pause =
        vec![Step::PauseMs(1), Step::Until("m".to_owned()), Step::LongLine(1), Step::Text("x".to_owned())];
    let end = vec![Step::CloseStdout, Step::StopReading, Step::StopWriting, Step::Exit(1), Step::Abort];
    let said =
        vec![Step::line("x"), Step::Json(json!(1)), Step::Bytes(vec![1]), Step::notify("m", json!({}))];
    let more = vec![
        Step::Stderr("x".to_owned()),
        Step::StderrFlood(1),
        Step::flood(1, "m", json!({})),
        Step::ask("m", json!({})),
    ];
    [pause, end, said, more].concat()
}

/// All names that stand in quotation marks in a scenario, those of the example's own left out.
fn names_in(json: &str) -> Vec<String> {
    let quoted = json.split('"').skip(1).step_by(2);
    quoted.filter(|name| name.len() > 1).map(str::to_owned).collect()
}
