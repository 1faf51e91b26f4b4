//! Replays of small traces: what a client gets that does as the recorded one did, and one that does not.

use std::io::Write as _;

use codex_appserver_record::replay::{Options, Player, Problem, Report, Session, Trace, play};
use codex_appserver_record::{Content, Direction, Row, Writer};

/// A trace in short: `> ` before what the client sent, `< ` before what the server sent.
fn trace(short: &str) -> String {
    let mut writer = Writer::new(Vec::new());
    for line in short.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (side, line) = line.split_at(2);
        let dir = if side == "> " { Direction::ClientToServer } else { Direction::ServerToClient };
        let content = Content::Line(line.to_owned());
        writer.row(&Row { t: None, conn: None, dir, content }).unwrap();
    }
    String::from_utf8(writer.into_inner()).unwrap()
}

fn session(short: &str) -> Session {
    Trace::read("t.jsonl", trace(short).as_bytes()).unwrap().into_session().unwrap()
}

/// All that the server sends now.
fn now(player: &mut Player) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(next) = player.next() {
        let Content::Line(line) = next.content else { panic!("{next:?}") };
        lines.push(line);
    }
    lines
}

fn send(player: &mut Player, line: &str) -> Vec<String> {
    player.line(line.as_bytes());
    now(player)
}

/// What a client gets that sends all at once, and how it did.
fn whole(short: &str, exact: bool, client: &str) -> (Vec<String>, Report) {
    let mut options = Options::default();
    options.exact = exact;
    let mut output = Vec::new();
    let input = std::io::Cursor::new(client.to_owned().into_bytes());
    let report = play(session(short), &options, input, &mut output).unwrap();
    (String::from_utf8(output).unwrap().lines().map(str::to_owned).collect(), report)
}

const TURN: &str = r#"
    > {"method":"turn/start","id":3,"params":{"threadId":"T","input":"hi"}}
    < {"id":3,"result":{"turn":"U"}}
    < {"method":"turn/started","params":{}}
    < {"method":"approve","id":0,"params":{}}
    > {"id":0,"result":{"decision":"accept"}}
    < {"method":"serverRequest/resolved","params":{"requestId":0}}
    > {"method":"turn/interrupt","id":4,"params":{"turnId":"U"}}
    < {"id":4,"result":{}}
    < {"method":"turn/completed","params":{}}
"#;

#[test]
fn every_message_comes_at_its_place() {
    let mut player = Player::new(session(TURN));
    assert_eq!(now(&mut player), [""; 0]);
    let started =
        send(&mut player, r#"{"id":"a","method":"turn/start","params":{"input":"hi","threadId":"T"}}"#);
    assert_eq!(
        started,
        [
            r#"{"id":"a","result":{"turn":"U"}}"#,
            r#"{"method":"turn/started","params":{}}"#,
            r#"{"method":"approve","id":0,"params":{}}"#
        ]
    );
    let resolved = send(&mut player, r#"{"id":0,"result":{"decision":"accept"}}"#);
    assert_eq!(resolved, [r#"{"method":"serverRequest/resolved","params":{"requestId":0}}"#]);
    assert!(!player.is_through());
    let end = send(&mut player, r#"{"method":"turn/interrupt","params":{"turnId":"U"},"id":3}"#);
    assert_eq!(end, [r#"{"id":3,"result":{}}"#, r#"{"method":"turn/completed","params":{}}"#]);
    assert!(player.is_through());
    let report = player.report();
    assert!(report.is_clean() && report.notes.is_empty(), "{report}");
    assert_eq!((report.matched, report.expected, report.sent, report.server_messages), (3, 3, 6, 6));
}

const TWO: &str = r#"
    > {"method":"a","id":1}
    > {"method":"a","id":2,"params":{"x":1}}
    < {"id":2,"result":"second"}
    < {"id":1,"result":"first"}
    > {"method":"b","id":3}
    < {"id":3,"result":"third"}
"#;

#[test]
fn requests_may_come_in_another_order() {
    let mut player = Player::new(session(TWO));
    assert_eq!(send(&mut player, r#"{"method":"b","id":"B"}"#), [""; 0]);
    assert!(player.holds_back());
    assert_eq!(send(&mut player, r#"{"method":"a","id":"X","params":{"x":1}}"#), [""; 0]);
    let all = send(&mut player, r#"{"method":"a","id":"0","params":null}"#);
    let expected = [
        r#"{"id":"X","result":"second"}"#,
        r#"{"id":"0","result":"first"}"#,
        r#"{"id":"B","result":"third"}"#,
    ];
    assert_eq!(all, expected);
    assert!(!player.holds_back());
    assert!(player.report().is_clean() && player.report().notes.is_empty(), "{}", player.report());
}

#[test]
fn a_request_that_waits_for_another_gets_an_error_in_the_end() {
    let mut player = Player::new(session(TWO));
    assert_eq!(send(&mut player, r#"{"method":"b","id":"B"}"#), [""; 0]);
    player.give_up();
    let refused = now(&mut player);
    assert_eq!(refused.len(), 1);
    assert!(refused[0].contains(r#""id":"B""#), "{refused:?}");
    assert!(refused[0].contains("expects the request `a` (t.jsonl:1) next"), "{refused:?}");
    // Once is enough, and what comes later is not answered twice.
    assert!(!player.holds_back());
    player.give_up();
    assert_eq!(now(&mut player), [""; 0]);
    player.line(br#"{"method":"a","id":1}"#);
    assert_eq!(send(&mut player, r#"{"method":"a","id":2,"params":{"x":1}}"#).len(), 2);
    let report = player.report();
    assert!(matches!(report.problems[..], [Problem::Stalled { line: 1, refused: 1, .. }]), "{report}");
}

/// A request at its place may take as long as it likes: what it waits for is the client's.
#[test]
fn a_request_whose_answer_comes_later_is_not_held_back() {
    let short = r#"
        > {"method":"run","id":1}
        > {"method":"stop","id":2}
        < {"id":1,"result":{}}
    "#;
    let mut player = Player::new(session(short));
    assert_eq!(send(&mut player, r#"{"method":"run","id":1}"#), [""; 0]);
    assert!(!player.holds_back());
}

#[test]
fn a_request_that_is_not_in_the_trace_gets_an_error() {
    let client = r#"{"method":"thread/list","id":9}
{"method":"turn/start","id":3,"params":{"threadId":"T","input":"hi"}}
{"method":"turn/start","id":"again","params":{"threadId":"T","input":"hi"}}
{"method":"progress"}
no JSON
{"id":77,"result":{}}
"#;
    let (lines, report) = whole(TURN, false, client);
    let refusal = r#"{"error":{"code":-32600,"message":"the replayed trace does not hold the request `thread/list`; it expects the request `turn/start` (t.jsonl:1) next"},"id":9}"#;
    assert_eq!(lines[0], refusal);
    assert!(lines[4].contains("`turn/start`; it expects the answer to `approve` (t.jsonl:5)"), "{lines:?}");
    assert_eq!(lines.len(), 5);
    let told = report.to_string();
    for expected in [
        "replay of t.jsonl: the client sent 1 of 3 messages and got 3 of 6",
        "t.jsonl: unexpected: the request `thread/list`; the trace expects the request `turn/start` (t.jsonl:1) next",
        "t.jsonl: unexpected: the notification `progress`; the trace expects the answer",
        "t.jsonl: unexpected: a line of 7 bytes that is no JSON-RPC message;",
        "t.jsonl: unexpected: an answer to no open request, with the id 77;",
        "t.jsonl:5: missing: the answer to `approve`",
        "t.jsonl:7: missing: the request `turn/interrupt`",
    ] {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
    assert_eq!(report.problems.len(), 7, "{told}");
}

#[test]
fn a_client_that_closes_early_misses_the_rest() {
    let (lines, report) = whole(TURN, false, "");
    assert_eq!((lines.len(), report.problems.len()), (0, 3), "{report}");
    assert!(matches!(report.problems[0], Problem::Missing { line: 1, .. }), "{report}");
}

#[test]
fn another_answer_is_a_problem_and_the_replay_goes_on() {
    let client = r#"{"method":"turn/start","id":3,"params":{"threadId":"T","input":"hi"}}
{"id":0,"result":{"decision":"decline"}}
{"method":"turn/interrupt","id":4,"params":{"turnId":"U"}}
"#;
    let (lines, report) = whole(TURN, false, client);
    assert_eq!(lines.len(), 6);
    let expected = r#"t.jsonl:5: another answer to `approve`: /result/decision: the trace has "accept", the client sent "decline""#;
    assert!(report.to_string().contains(expected), "{report}");
    assert_eq!(report.problems.len(), 1, "{report}");
    // Ids keep their type: codex passes over "0" for 0.
    let (_, report) = whole(TURN, false, &client.replace("\"id\":0", "\"id\":\"0\""));
    assert!(report.to_string().contains("an answer to no open request, with the id \"0\""), "{report}");
}

#[test]
fn an_answer_that_the_recorded_client_did_not_give_is_a_problem() {
    let short = r#"< {"method":"approve","id":0}"#;
    let (_, report) = whole(short, false, "{\"id\":0,\"error\":{\"code\":1}}\n");
    assert!(report.to_string().contains("which the recorded client did not answer"), "{report}");
}

#[test]
fn other_params_are_noted_or_refused() {
    let client = r#"{"method":"turn/start","id":1,"params":{"threadId":"T","input":"ho"}}"#;
    let (lines, report) = whole(TURN, false, client);
    assert_eq!(lines.len(), 3);
    let note = r#"t.jsonl:1: note: the params of `turn/start` differ: /input: the trace has "hi", the client sent "ho""#;
    assert!(report.to_string().contains(note), "{report}");
    assert_eq!(report.matched, 1);
    let (lines, report) = whole(TURN, true, client);
    assert!(
        lines[0].contains("the request `turn/start` with other params than on line 1: /input"),
        "{lines:?}"
    );
    assert!((lines.len(), report.matched) == (1, 0) && report.notes.is_empty(), "{report}");
}

/// The recorded client made its own ids, and this one makes others; the server repeats them.
#[test]
fn ids_that_the_client_makes_may_differ() {
    let short = r#"
        > {"method":"turn/start","id":1,"params":{"threadId":"T","clientUserMessageId":"one"}}
        < {"id":1,"result":{}}
        < {"method":"item/started","params":{"threadId":"T","item":{"clientId":"one","text":"one"}}}
        > {"method":"watch","id":2,"params":{"watchId":"two","threadId":"T"}}
        < {"id":2,"result":{"threadId":"T"}}
    "#;
    let client = r#"{"method":"turn/start","id":1,"params":{"threadId":"T","clientUserMessageId":"uno"}}
{"method":"watch","id":2,"params":{"watchId":"due","threadId":"S"}}
"#;
    let (lines, report) = whole(short, false, client);
    assert_eq!(
        lines[1],
        r#"{"method":"item/started","params":{"threadId":"T","item":{"clientId":"uno","text":"one"}}}"#
    );
    assert!(report.is_clean(), "{report}");
    let noted: Vec<_> = report.notes.iter().map(|note| note.difference.pointer.as_str()).collect();
    assert_eq!(noted, ["/threadId"], "an id that the server made is no other one\n{report}");
}

#[test]
fn redacted_values_match_any() {
    let short = r#"
        > {"method":"login","id":1,"params":{"apiKey":"[redacted]","cwd":"/home/user/p","name":"user@example.com"}}
        < {"id":1,"result":{"apiKey":"[redacted]"}}
    "#;
    let client = r#"{"method":"login","id":1,"params":{"apiKey":"sk-1","cwd":"/root/p","name":"me@there"}}"#;
    let (lines, report) = whole(short, true, client);
    assert_eq!(lines, [r#"{"id":1,"result":{"apiKey":"[redacted]"}}"#]);
    assert!(report.is_clean() && report.notes.is_empty(), "{report}");
}

/// What the server did wrong it does again.
#[test]
fn garbage_double_answers_and_answers_to_nothing() {
    let short = r#"
        < garbage
        > no JSON
        > {"method":"a","id":1}
        < {"id":1,"result":1}
        < {"id":1,"result":2}
        < {"id":5,"result":3}
    "#;
    let (lines, report) = whole(short, false, "no JSON\n{\"method\":\"a\",\"id\":2}");
    assert_eq!(lines, ["garbage", r#"{"id":2,"result":1}"#, r#"{"id":2,"result":2}"#]);
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.sent, report.server_messages), (3, 4));
}

#[test]
fn an_id_that_is_used_again_belongs_to_the_last_request() {
    let short = r#"
        > {"method":"a","id":1}
        < {"id":1,"result":"a"}
        > {"method":"b","id":1}
        < {"id":1,"result":"b"}
    "#;
    let (lines, _) =
        whole(short, false, "{\"method\":\"b\",\"id\":\"b\"}\n{\"method\":\"a\",\"id\":\"a\"}\n");
    assert_eq!(lines, [r#"{"id":"a","result":"a"}"#, r#"{"id":"b","result":"b"}"#]);
}

fn error(trace: &str) -> String {
    Trace::read("t.jsonl", trace.as_bytes()).and_then(Trace::into_session).unwrap_err().to_string()
}

#[test]
fn a_broken_trace_names_the_line() {
    let row = trace("< {}");
    assert!(
        error(&format!("{{\"v\":1}}\n{row}oops\n"))
            .starts_with("t.jsonl:3: failed to read a line that is no JSON")
    );
    assert!(
        error("{\"dir\":\"up\",\"line\":\"\"}").starts_with("t.jsonl:1: failed to read the member `dir`")
    );
    assert!(error("\n{\"method\":\"a\"}").starts_with("t.jsonl:2: the message has no direction"));
    assert!(error("{\"v\":2}").starts_with("t.jsonl:1: the trace has version 2 and not 1"));
    assert!(error("{\"v\":1}").starts_with("failed to replay t.jsonl: it holds no message"));
    let missing = Trace::open("no/such.jsonl").unwrap_err().to_string();
    assert!(missing.starts_with("failed to read the trace no/such.jsonl: "), "{missing}");
}

/// A connection is a session, and so is a part with a header of its own.
#[test]
fn a_trace_with_several_sessions() {
    let row =
        |conn: &str, line: &str| format!("{{\"conn\":\"{conn}\",\"dir\":\"s2c\",\"line\":\"{line}\"}}\n");
    let text = format!(
        "{{\"v\":1}}\n{}{}{}{{\"v\":1}}\n{}",
        row("1", "one"),
        row("2", "two"),
        row("1", "uno"),
        row("1", "three")
    );
    let told = error(&text);
    let expected = "failed to replay t.jsonl: it holds 3 sessions (1: from line 2, connection `1`, \
                    2: from line 3, connection `2`, 3: from line 6, connection `1`); choose one by its number";
    assert_eq!(told, expected);
    let read = || Trace::read("t.jsonl", text.as_bytes()).unwrap();
    let lines = |session: Session| now(&mut Player::new(session));
    assert_eq!(lines(read().into_numbered(1).unwrap()), ["one", "uno"]);
    assert_eq!(lines(read().into_numbered(2).unwrap()), ["two"]);
    assert_eq!(lines(read().into_numbered(3).unwrap()), ["three"]);
    for number in [0, 4] {
        let told = read().into_numbered(number).unwrap_err().to_string();
        assert!(told.ends_with("it holds 3; choose a number from 1 to 3"), "{told}");
    }
    let again = read().into_numbered(3).unwrap().to_trace();
    assert_eq!(again, format!("\n\n\n\n\n{}", trace("< three")), "line numbers are kept");
}

/// One that floods the replay is counted.
#[test]
fn problems_are_kept_in_bounds() {
    let mut client = Vec::new();
    for id in 0..1000 {
        writeln!(client, "{{\"method\":\"x\",\"id\":{id}}}").unwrap();
    }
    let (lines, report) = whole("< {}", false, std::str::from_utf8(&client).unwrap());
    assert_eq!((lines.len(), report.problems.len(), report.more_problems), (1001, 100, 900));
    assert!(report.to_string().contains("t.jsonl: 900 more problems"));
}
