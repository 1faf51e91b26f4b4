//! `cargo xtask diff` as a person and as CI run it: inputs, formats, exit codes, waivers, history.

use std::fs;
use std::path::Path;
use std::process::Output;

use codex_appserver_diff::history::History;
use codex_appserver_diff::report::json::Document;
use codex_appserver_diff::report::markdown;
use codex_appserver_diff::rules_markdown;
use codex_appserver_diff::{Finding, Level, Stability};
use codex_appserver_runtime::{Codex, Surface};
use codex_appserver_shapes::CODEX_VERSION;
use codex_appserver_tests::repo::{fixture, raw_bundle, real_codex, root, text, xtask};

/// Runs the command; without the repository's waivers, whatever they are, unless `line` says otherwise.
fn diff(line: &str) -> Output {
    let compares = !line.contains("--waivers") && !line.contains("--rules") && !line.contains("--history");
    let waivers = if compares { " --waivers none" } else { "" };
    xtask(std::iter::once("diff").chain(line.split_whitespace()).chain(waivers.split_whitespace()))
}

/// What went to standard output of a run that could run.
fn printed(line: &str) -> String {
    let output = diff(line);
    assert_ne!(output.status.code(), Some(2), "{line}: {}", text(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn document(line: &str) -> Document {
    serde_json::from_str(&printed(&format!("{line} --format json"))).expect("a document")
}

/// The one line that a run which could not run says.
fn refusal(line: &str) -> String {
    let output = diff(line);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{line}: {said}");
    assert!(
        output.stdout.is_empty() && said.starts_with("error: ") && said.lines().count() == 1,
        "{line}: {said}"
    );
    said
}

#[test]
fn the_exit_code_says_whether_something_breaks() {
    for (line, code) in [
        ("0.150.0 0.150.0", 0),
        ("0.150.0 0.150.0 --fail-on dangerous", 0),
        ("0.99.0 0.115.0", 1),
        ("0.99.0 0.115.0 --fail-on dangerous --axis source", 1),
        ("0.99.0 0.115.0 --fail-on none --axis both", 0),
    ] {
        let output = diff(line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", text(&output));
    }
    assert!(printed("0.150.0 0.150.0").ends_with("no difference\n"));
}

#[test]
fn nobody_gets_colours_who_did_not_ask() {
    let report = printed("0.150.0 0.166.0");
    assert!(report.starts_with("0.150.0 → 0.166.0\n") && report.contains("suggested bump "), "{report}");
    assert!(!report.contains('\u{1b}'));
}

#[test]
fn files_get_the_format_of_their_ending() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| dir.path().join(name);
    let outs = ["a.md", "a.html", "a.json", "a.txt"].map(|name| format!("--out {}", path(name).display()));
    let output = diff(&format!("0.115.0 0.135.0 --fail-on none {}", outs.join(" ")));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(output.stdout.is_empty());
    let read = |name: &str| fs::read_to_string(path(name)).expect("it was written");
    assert!(read("a.md").starts_with(markdown::MARKER) && read("a.md").len() < markdown::LIMIT);
    assert!(read("a.html").starts_with("<!doctype html>"));
    assert!(read("a.txt").starts_with("0.115.0 → 0.135.0"));
    let schema = fs::read(root().join("docs/diff.schema.json")).expect("it is there");
    let schema = serde_json::from_slice(&schema).expect("JSON");
    let value = serde_json::from_str(&read("a.json")).expect("JSON");
    assert!(jsonschema::is_valid(&schema, &value), "the document is not what docs/diff.schema.json says");

    let annotations = printed("0.115.0 0.135.0 --format github");
    assert!(annotations.lines().all(|line| line.starts_with("::")), "{annotations}");
}

#[test]
fn the_stable_surface_alone() {
    let all = document("0.135.0 0.150.0").comparison.findings;
    let stable = document("0.135.0 0.150.0 --stable-only").comparison.findings;
    let places = |findings: &mut dyn Iterator<Item = &Finding>| -> Vec<String> {
        let mut places: Vec<String> = findings.map(|finding| finding.place.clone()).collect();
        places.sort();
        places
    };
    assert!(!stable.is_empty() && stable.len() < all.len());
    let mut expected = all.iter().filter(|finding| finding.stability == Stability::Stable);
    assert_eq!(places(&mut stable.iter()), places(&mut expected));
    // What reaches experimental methods as well is told of the stable ones alone.
    let reach = |findings: &mut dyn Iterator<Item = &Finding>| {
        findings.map(|finding| finding.reach.len()).sum::<usize>()
    };
    let mut same = all.iter().filter(|finding| finding.stability == Stability::Stable);
    assert!(reach(&mut stable.iter()) < reach(&mut same));
}

/// Which versions meet decides whose levels the exit code is about.
#[test]
fn the_skew_chooses_the_question() {
    let line = "0.135.0 0.150.0 --stable-only";
    let there = document(line).summary;
    assert_ne!(there.old_client, there.new_client);
    let code = |breaking: usize| Some(i32::from(breaking > 0));
    for (skew, breaking) in [
        ("old-client", there.old_client.breaking),
        ("new-client", there.new_client.breaking),
        ("both", there.old_client.breaking + there.new_client.breaking),
    ] {
        let output = diff(&format!("{line} --skew {skew}"));
        assert_eq!(output.status.code(), code(breaking), "{skew}: {}", text(&output));
    }
    // One more release is enough for something that an old server does not know.
    let output = diff("0.150.0 0.166.0 --stable-only --skew new-client");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(
        text(&output).contains("for a new client with an old server and not waived"),
        "{}",
        text(&output)
    );

    let back = document("0.150.0 0.135.0 --stable-only").summary;
    assert_eq!((there.old_client, there.new_client), (back.new_client, back.old_client));
}

/// The findings that are left out and those that are told are all findings, and what is told concerns the program.
#[test]
fn only_what_a_program_uses() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let list = dir.path().join("names.txt");
    fs::write(&list, "# What the program calls.\nthread/fork\n\n  UserInput # an item of its input\n")
        .expect("writes");
    let all = document("0.150.0 0.166.0").comparison.findings;
    let trace = "tests/fixtures/recorded/chat.jsonl";
    let line = format!("0.150.0 0.166.0 --uses {trace} --uses {} --fail-on none", list.display());
    let told = document(&line).comparison;
    let left_out = told.left_out.expect("something is left out");
    assert_eq!(left_out.types, ["UserInput"]);
    for method in ["initialize", "turn/start", "item/completed", "thread/fork"] {
        assert!(left_out.methods.iter().any(|name| name == method), "{method}: {:?}", left_out.methods);
    }
    assert!(left_out.findings > 0 && !told.findings.is_empty());
    assert_eq!(told.findings.len() + left_out.findings, all.len());
    for finding in &told.findings {
        let used =
            |finding: &Finding| finding.reach.iter().any(|reach| left_out.methods.contains(&reach.method));
        let everybody = finding.reach.is_empty() || finding.rule == "server-request-added";
        assert!(used(finding) || everybody || finding.place.starts_with("UserInput"), "{finding:#?}");
    }

    let words = format!("{} findings left out, because --uses limits the report to", left_out.findings);
    for format in ["text", "markdown", "html", "github"] {
        let report = printed(&format!("{line} --format {format}"));
        assert!(report.contains(&words), "{format}: {report}");
    }
}

#[test]
fn what_cannot_be_used_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("uses.txt");
    let line = format!("0.150.0 0.166.0 --uses {}", file.display());
    for (content, words) in [
        (
            &b"turn/start\nthread/strat # typed in a hurry\n"[..],
            "uses.txt:2: neither protocol knows `thread/strat`; did you mean `thread/start`",
        ),
        (b"Tread\nxyzzy\n", "did you mean `Thread`? (line 2 is unknown as well)"),
        (b"xyzzy\n", "uses.txt:1: neither protocol knows `xyzzy`; write the wire name"),
        (b"# nothing\n\n", "names no method or type of the two protocols"),
        (b"{\"v\":1}\n", "names no method or type of the two protocols"),
        (b"{\"v\":1}\n{\"dir\":\"c2s\"", "uses.txt:2: read a line that is no JSON object"),
        (b"turn/start\n\xff\n", "uses.txt is not UTF-8"),
    ] {
        fs::write(&file, content).expect("writes");
        let said = refusal(&line);
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(refusal("0.150.0 0.166.0 --uses no/such/file").contains("cannot read no/such/file"));

    // A recording may hold what neither protocol knows, such as the mistakes of a client.
    let recorded = printed("0.150.0 0.166.0 --uses tests/fixtures/recorded/errors.jsonl --fail-on none");
    assert!(recorded.contains("that neither protocol knows: `"), "{recorded}");
}

/// A row of a file of waivers.
fn waiver(fingerprint: &str, from: &str, to: &str) -> String {
    format!(
        "[[waiver]]\nfingerprint = \"{fingerprint}\"\nfrom = \"{from}\"\nto = \"{to}\"\nreason = \"tested\"\ndate = 2026-01-31\n"
    )
}

#[test]
fn what_is_waived_does_not_fail_and_what_waives_nothing_does() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("waivers.toml");
    let breaks: Vec<_> = document("0.150.0 0.166.0").comparison.findings;
    let breaks = breaks.iter().filter(|finding| finding.wire.old_client.level == Level::Breaking);
    let mut rows: String = breaks.map(|finding| waiver(&finding.fingerprint, "0.150.0", "0.166.0")).collect();
    assert!(!rows.is_empty(), "nothing breaks between these two: take others");
    let line = format!("0.150.0 0.166.0 --waivers {}", file.display());
    fs::write(&file, &rows).expect("writes");
    let output = diff(&line);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("waived: tested (2026-01-31)"));
    // A part of the findings, judged by the same waivers.
    let uses = format!("{line} --uses tests/fixtures/recorded/approval-accept.jsonl");
    assert_eq!(diff(&uses).status.code(), Some(0), "{}", text(&diff(&uses)));

    rows.push_str(&waiver("0123456789ab", "0.150.0", "0.166.0"));
    fs::write(&file, &rows).expect("writes");
    let said = refusal(&line);
    assert!(said.contains("waivers.toml:") && said.contains("0123456789ab fits no finding"), "{said}");

    fs::write(
        &file,
        "[[waiver]]\nfingerprint = \"0123456789ab\"\nfrom = \"1\"\nto = \"2\"\ndate = 2026-01-31\n",
    )
    .expect("writes");
    assert!(refusal(&line).contains("missing field `reason`"));
    assert_eq!(diff("0.150.0 0.166.0 --waivers none").status.code(), Some(1));
}

/// A row is for two versions: it is not counted elsewhere, and not missed there either.
#[test]
fn waivers_for_other_versions_have_no_say() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("waivers.toml");
    let breaks = document("0.150.0 0.166.0").comparison.findings;
    let rows: String = breaks
        .iter()
        .flat_map(|finding| [("0.150.0", "0.151.0"), ("0.166.0", "0.150.0")].map(|pair| (finding, pair)))
        .map(|(finding, (from, to))| waiver(&finding.fingerprint, from, to))
        .chain([waiver("0123456789ab", "0.135.0", "0.150.0")])
        .collect();
    fs::write(&file, &rows).expect("writes");
    let summary = document(&format!("0.150.0 0.166.0 --waivers {}", file.display())).summary;
    assert_eq!(summary, document("0.150.0 0.166.0").summary);
    // The versions are those of the protocols, whatever the user calls the two.
    let old = fixture("protocols/0.135.0.json").display().to_string();
    let said = refusal(&format!("{old} 0.150.0 --waivers {}", file.display()));
    assert!(said.contains("0123456789ab fits no finding"), "{said}");
}

/// What the report prints accepts what it fails for, once a person has filled in the reason and the date.
#[test]
fn the_printed_rows_accept_what_fails() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("waivers.toml");
    let line = "0.150.0 0.166.0 --axis both --skew both --fail-on dangerous";
    let report = printed(line);
    let rows: String = report
        .split("\n\n")
        .map(|block| block.trim_start())
        .filter(|block| block.starts_with("[[waiver]]"))
        .map(|block| block.lines().take(8).collect::<Vec<_>>().join("\n") + "\n")
        .collect();
    assert!(rows.contains("from = \"0.150.0\"\nto = \"0.166.0\"\n"), "{report}");
    let filled =
        rows.replace("reason = \"\"", "reason = \"tested\"").replace("date = \"\"", "date = \"2026-01-31\"");
    fs::write(&file, &filled).expect("writes");
    let output = diff(&format!("{line} --waivers {}", file.display()));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    fs::write(&file, &rows).expect("writes");
    assert!(refusal(&format!("{line} --waivers {}", file.display())).contains("`date` takes a day"));
}

/// The repository's own waivers, whatever they are.
#[test]
fn the_waivers_of_the_repository_apply_without_being_named() {
    for versions in ["0.135.0 0.150.0", "0.150.0 0.166.0", "0.150.0 0.150.0"] {
        let output = xtask(["diff"].into_iter().chain(versions.split(' ')));
        assert_ne!(output.status.code(), Some(2), "{versions}: {}", text(&output));
    }
}

#[test]
fn revisions_files_and_versions_are_the_same_protocol() {
    let old = fixture("protocols/0.166.0.json").display().to_string();
    let by_file = document(&format!("{old} schema/app-server.json")).comparison.findings;
    let by_version = document(&format!("0.166.0 {CODEX_VERSION}")).comparison.findings;
    assert_eq!(by_file, by_version);
    assert!(!by_version.is_empty());
    let output = diff("git:HEAD git:HEAD");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn raw_bundles_are_the_canonical_schema() {
    let Some(codex) = real_codex("raw_bundles_are_the_canonical_schema") else { return };
    let codex = Codex::at(&codex).expect("a codex");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let bundle = |name: &str, surface| raw_bundle(&codex, surface, &dir.path().join(name));
    let (stable, experimental) =
        (bundle("stable.json", Surface::Stable), bundle("experimental.json", Surface::Experimental));
    let both = document(&format!("{stable},{experimental} {CODEX_VERSION}")).comparison.findings;
    assert_eq!(both, []);
    // The stable bundle alone lacks the experimental surface, and only that.
    let alone = document(&format!("{stable} {CODEX_VERSION} --stable-only")).comparison.findings;
    let gone: Vec<_> = alone.iter().filter(|finding| finding.rule.ends_with("-removed")).collect();
    assert!(gone.is_empty(), "{gone:#?}");
}

#[test]
fn what_cannot_run_says_why_in_one_line() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let bad = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("writes");
        path.display().to_string()
    };
    let schema = fs::read_to_string(root().join("schema/app-server.json")).expect("it is there");
    let dangling = schema.replacen("#/definitions/ThreadItem\"", "#/definitions/Nowhere\"", 1);
    for (side, words) in [
        ("nothing-of-the-kind".to_owned(), "is no file, no git:REV and no codex version"),
        ("no/such/file.json".to_owned(), "cannot read no/such/file.json"),
        ("git:no-such-revision".to_owned(), "git:no-such-revision: "),
        ("git:".to_owned(), "names no revision"),
        ("git:--help".to_owned(), "names no revision"),
        (bad("text.json", b"no JSON"), "text.json: not JSON"),
        (bad("list.json", b"[]"), "the root is no object"),
        (bad("empty.json", b"{}"), "there are no `definitions`"),
        (bad("cut.json", &schema.as_bytes()[..schema.len() / 2]), "cut.json: not JSON"),
        (bad("dangling.json", dangling.as_bytes()), "Nowhere"),
        (bad("bytes.json", &[0xff, 0xfe, 0x00]), "bytes.json"),
    ] {
        for line in [format!("{side} 0.150.0"), format!("0.150.0 {side}")] {
            let said = refusal(&line);
            assert!(said.contains(words), "{line}: {said}");
        }
    }
    assert!(refusal("0.150.0").contains("two versions"));
    assert!(refusal("0.135.0 0.150.0 --waivers no-such-file").contains("no-such-file"));
    assert!(refusal("--history 0.135.0 0.150.0 --format github").contains("markdown, html or json"));
}

#[test]
fn the_page_about_the_rules_is_current() {
    let kept = fs::read_to_string(root().join("docs/rules.md")).expect("it is there");
    assert!(kept == rules_markdown(), "run `cargo xtask diff --rules --out docs/rules.md`");
    assert_eq!(printed("--rules"), kept);
}

/// The history in `docs/` is made from versions that are installed for it. Those that are fixtures are made
/// again here: how large each is does not depend on the versions between them.
#[test]
fn the_history_in_docs_is_of_these_protocols() {
    let kept = fs::read_to_string(root().join("docs/history.md")).expect("it is there");
    let versions = format!("0.99.0 0.115.0 0.135.0 0.150.0 0.166.0 {CODEX_VERSION}");
    let history: History =
        serde_json::from_str(&printed(&format!("--history {versions} --format json"))).expect("a history");
    assert_eq!(history.rows.len(), 6);
    for row in &history.rows {
        let surfaces = [row.requests, row.server_requests, row.notifications];
        let cells = surfaces.map(|surface| format!("{} + {}", surface.stable, surface.experimental));
        let start = format!("| {} | {} | {} |", row.name, cells.join(" | "), row.types);
        let again = "run the command in the head of docs/history.md again";
        assert!(kept.lines().any(|line| line.starts_with(&start)), "no line `{start}`: {again}");
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let page = dir.path().join("history.html");
    printed(&format!("--history {versions} --out {}", Path::new(&page).display()));
    assert!(fs::read_to_string(&page).expect("it was written").contains("<svg "));
}

/// What the user names is written to, whatever it is, and what does not write is no success.
#[cfg(unix)]
#[test]
fn links_are_followed_and_a_full_disk_is_told() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (target, link) = (dir.path().join("target.md"), dir.path().join("link.md"));
    fs::write(&target, "old").expect("it is writable");
    std::os::unix::fs::symlink(&target, &link).expect("a link");
    let output = diff(&format!("0.150.0 0.150.0 --out {}", link.display()));
    assert!(output.status.success(), "{}", text(&output));
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink(), "the link is gone");
    assert!(fs::read_to_string(&target).expect("it is there").contains("0.150.0"), "the target is old");

    let line = "diff 0.150.0 0.150.0 --format json";
    if Path::new("/dev/full").exists() {
        let full = fs::File::options().write(true).open("/dev/full").expect("it opens");
        let mut command = codex_appserver_tests::repo::cargo();
        command.args(["run", "--quiet", "--manifest-path", "xtask/Cargo.toml", "--"]).args(line.split(' '));
        let output = command.current_dir(root()).stdout(full).output().expect("cargo runs");
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains("cannot write to standard output"), "{}", text(&output));
    }
}
