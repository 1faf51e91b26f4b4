//! The workflow that moves the repository to the newest codex: its script runs here with real `git`, and with programs
//! named `gh` and `cargo` that write down how they are called.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use codex_appserver_tests::repo::{root, text};
use tempfile::TempDir;

const SCRIPT: &str = ".github/scripts/upgrade.sh";
const BRANCH: &str = "upgrade-codex";

/// Prints the number of the open pull request where it is asked for, and keeps the body that it is given.
const GH: &str = r#"#!/bin/sh
echo "gh $*" >> "$STAGE/calls"
[ "$1 $2" != "pr list" ] || cat "$STAGE/number"
while [ $# -gt 0 ]; do
  [ "$1" != "--body-file" ] || cp "$2" "$STAGE/body"
  shift
done
"#;

/// Does what the test has put into the file `upgrade`.
const CARGO: &str = r#"#!/bin/sh
echo "cargo $*" >> "$STAGE/calls"
. "$STAGE/upgrade"
"#;

const MOVED: &str = r##"
echo 'codex_version = "0.2.0"' > schema/provenance.toml
echo "# 0.1.0 to 0.2.0" > target/upgrade/diff.md
echo "<html>" > target/upgrade/diff.html
echo "codex 0.1.0 -> 0.2.0"
"##;

/// A clone of a repository that has the script, and the programs beside it.
struct Stage(TempDir);

impl Stage {
    /// `upgrade` is what `cargo xtask upgrade` does, as lines of shell.
    fn new(upgrade: &str) -> Self {
        let stage = Self(tempfile::tempdir().expect("a temporary folder"));
        for (name, text) in [("bin/gh", GH), ("bin/cargo", CARGO), ("upgrade", upgrade), ("number", "")] {
            stage.write(name, text);
        }
        for name in ["bin/gh", "bin/cargo"] {
            fs::set_permissions(stage.path(name), fs::Permissions::from_mode(0o755)).expect("sets the mode");
        }
        stage.write("clone/schema/provenance.toml", "codex_version = \"0.1.0\"\n");
        stage.write("clone/.gitignore", "target/\n");
        stage.git("init --quiet --bare ../origin");
        stage.git("init --quiet --initial-branch main");
        stage.git("remote add origin ../origin");
        stage.commit("person@example.org");
        stage.git("push --quiet origin main");
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("creates the folder");
        fs::write(path, text).expect("writes");
    }

    /// What a file holds; nothing where there is none.
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").expect("PATH is set");
        command.current_dir(self.path("clone")).env("STAGE", self.0.path());
        command.env("PATH", format!("{}:{path}", self.path("bin").display()));
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(variable);
        }
        command.env("GITHUB_SERVER_URL", "https://github.example");
        command.env("GITHUB_REPOSITORY", "owner/name").env("GITHUB_RUN_ID", "7");
        command
    }

    fn git(&self, line: &str) -> String {
        let output = self.command(Path::new("git")).args(line.split_whitespace()).output().expect("git runs");
        assert!(output.status.success(), "git {line}: {}", text(&output));
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    fn commit(&self, email: &str) {
        self.git("add --all");
        self.git(&format!("-c user.name=P -c user.email={email} commit --quiet --message change"));
    }

    /// Runs the script on `main`, as a fresh checkout does.
    fn run(&self) -> Output {
        self.git("switch --quiet main");
        fs::remove_file(self.path("calls")).ok();
        fs::remove_file(self.path("body")).ok();
        self.command(&root().join(SCRIPT)).output().expect("the script starts")
    }

    fn succeeds(&self) -> String {
        let output = self.run();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        text(&output)
    }

    /// How `gh` and `cargo` were called, the question for an open pull request left out.
    fn calls(&self) -> Vec<String> {
        let calls = self.read("calls");
        calls.lines().filter(|call| !call.starts_with("gh pr list")).map(str::to_owned).collect()
    }

    fn pushed(&self) -> bool {
        !self.git(&format!("ls-remote origin {BRANCH}")).is_empty()
    }
}

const UPGRADE: &str = "cargo xtask upgrade latest";
const CREATE: &str = "gh pr create --head upgrade-codex --title upgrade: move to codex 0.2.0 --body-file target/upgrade/body.md";
const EDIT: &str = "gh pr edit 12 --title upgrade: move to codex 0.2.0 --body-file target/upgrade/body.md";

#[test]
fn nothing_to_do_is_no_pull_request() {
    let stage = Stage::new("echo 'codex 0.1.0: nothing is to do'");
    assert!(stage.succeeds().contains("nothing is to do"));
    assert_eq!(stage.calls(), [UPGRADE]);
    assert!(!stage.pushed());
}

#[test]
fn an_upgrade_without_decisions_becomes_a_pull_request() {
    let stage = Stage::new(MOVED);
    stage.succeeds();
    assert_eq!(stage.calls(), [UPGRADE, CREATE]);
    let run = "https://github.example/owner/name/actions/runs/7";
    assert_eq!(
        stage.read("body"),
        format!(
            "No decision is open.\n\nThe page with the whole diff is the artifact `upgrade` of [this run]({run}).\n\n# 0.1.0 to 0.2.0\n"
        )
    );
    assert_eq!(
        stage.git("show --format=%an,%s --name-only origin/upgrade-codex"),
        "github-actions[bot],upgrade: move to codex 0.2.0\n\nschema/provenance.toml"
    );
    assert_eq!(stage.read("clone/target/upgrade/diff.html"), "<html>\n");
}

#[test]
fn open_decisions_are_in_the_body() {
    for (count, decisions) in [
        ("1 decision is open:", "schema/docs.toml: no summary for `a/b`\n    \"a/b\" = \"…\"\n"),
        ("2 decisions are open:", "schema/a.toml: one\nschema/b.toml: two\n"),
    ] {
        let stage = Stage::new(&format!("{MOVED}\ncat <<'END'\n{count}\n{decisions}END\nexit 1"));
        stage.succeeds();
        assert_eq!(stage.calls(), [UPGRADE, CREATE]);
        let body = stage.read("body");
        assert!(body.contains(&format!("\n~~~~text\n{count}\n{decisions}~~~~\n\n")), "{body}");
        assert!(body.contains("# 0.1.0 to 0.2.0") && !body.contains("0.1.0 -> 0.2.0"), "{body}");
    }
}

#[test]
fn the_open_pull_request_is_updated() {
    let stage = Stage::new(MOVED);
    stage.succeeds();
    stage.write("number", "12\n");
    stage.write("upgrade", &format!("{MOVED}\necho more > more"));
    stage.succeeds();
    assert_eq!(stage.calls(), [UPGRADE, EDIT]);
    assert_eq!(stage.git("rev-list --count main..origin/upgrade-codex"), "1");
    assert_eq!(stage.git("show origin/upgrade-codex:more"), "more");
}

#[test]
fn commits_of_people_stay() {
    let stage = Stage::new(MOVED);
    stage.succeeds();
    stage.write("clone/decision", "made");
    stage.commit("person@example.org");
    stage.git(&format!("push --quiet origin {BRANCH}"));

    stage.write("number", "12\n");
    assert!(stage.succeeds().contains("::notice::pull request #12 has commits of people"));
    assert!(stage.calls().is_empty());
    assert_eq!(stage.git("show origin/upgrade-codex:decision"), "made");

    // Without an open pull request the branch is an old one.
    stage.write("number", "");
    stage.succeeds();
    assert_eq!(stage.calls(), [UPGRADE, CREATE]);
    assert_eq!(stage.git("rev-list --count main..origin/upgrade-codex"), "1");
}

#[test]
fn an_upgrade_that_could_not_run_fails() {
    let stage = Stage::new(&format!("{MOVED}\necho 'error: no network' >&2; exit 2"));
    let output = stage.run();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("error: no network"));
    assert_eq!(stage.calls(), [UPGRADE]);
    assert!(!stage.pushed());
}

#[test]
fn decisions_without_a_change_fail() {
    let stage = Stage::new("echo '1 decision is open:'; echo 'a.toml: one'; exit 1");
    let output = stage.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("::error::decisions are open"));
    assert_eq!(stage.calls(), [UPGRADE]);
    assert!(!stage.pushed());
}

#[test]
fn a_body_that_is_too_long_is_cut_at_a_line() {
    let long = "awk 'BEGIN { for (i = 0; i < 9000; i++) print \"line… \" i }' > target/upgrade/diff.md";
    let stage = Stage::new(&format!("{MOVED}\n{long}"));
    stage.succeeds();
    let body = stage.read("body");
    assert!((60_000..=65_536).contains(&body.len()), "{} bytes", body.len());
    let mut last = body.lines().rev();
    assert_eq!(last.next(), Some("The rest is left out: the text is too long for GitHub."));
    assert_eq!(last.next(), Some(""));
    let number = last.next().and_then(|line| line.strip_prefix("line… ")).expect("a whole line");
    assert!(body.contains(&format!("line… {number}\n")));
}

#[test]
fn the_workflow_runs_the_script_and_keeps_the_page() {
    let workflow = fs::read_to_string(root().join(".github/workflows/upgrade.yml")).expect("readable");
    for line in [
        "on:\n  schedule:\n    - cron: \"",
        "      contents: write\n      pull-requests: write\n",
        "          fetch-depth: 0\n",
        &format!("      - run: {SCRIPT}\n        env:\n          GH_TOKEN: ${{{{ github.token }}}}\n"),
        "      - uses: actions/upload-artifact@v4\n        with:\n          name: upgrade\n          path: target/upgrade/diff.html\n",
    ] {
        assert!(workflow.contains(line), "the workflow lacks\n{line}");
    }
    let mode = fs::metadata(root().join(SCRIPT)).expect("readable").permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "{SCRIPT} is not executable");
}
