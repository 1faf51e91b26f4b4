//! Comparisons made by hand, for the tests of the formats.

use crate::{Comparison, Counts, Direction, Finding, LeftOut, Level, Reach, Side, Stability, Verdict, Wire};

/// Two sides without a difference.
pub(crate) fn empty() -> Comparison {
    let side = |name: &str, methods, types| Side {
        name: name.to_owned(),
        codex_version: name.to_owned(),
        methods,
        types,
    };
    Comparison {
        old: side("0.135.0", 278, 801),
        new: side("0.150.0", 286, 853),
        findings: Vec::new(),
        left_out: None,
    }
}

/// A finding of these levels: for an old client, for a new one, for Rust code.
pub(crate) fn finding(old_client: Level, new_client: Level, source: Level) -> Finding {
    let verdict = |level, text: &str| Verdict { level, text: text.to_owned() };
    Finding {
        rule: "request-param-required-added".to_owned(),
        wire: Wire {
            old_client: verdict(
                old_client,
                "the client does not send it, and the server refuses the message",
            ),
            new_client: verdict(new_client, "the client sends it, and the server ignores it"),
        },
        source,
        direction: Direction::ClientWrites,
        stability: Stability::Stable,
        place: "TurnStartParams.cwd".to_owned(),
        old: None,
        new: Some("string".to_owned()),
        message: "`TurnStartParams.cwd` is new and required".to_owned(),
        note: None,
        reach: vec![reach("turn/start", "client request", "turn/start → params → cwd")],
        fingerprint: "00000000c0ffee00".to_owned(),
        waived: None,
    }
}

fn reach(method: &str, kind: &str, witness: &str) -> Reach {
    let writes = witness.contains("params") == kind.starts_with("client");
    let direction = if writes { Direction::ClientWrites } else { Direction::ClientReads };
    Reach { method: method.to_owned(), kind: kind.to_owned(), direction, witness: witness.to_owned() }
}

/// Every part of a report has something to tell.
pub(crate) fn comparison() -> Comparison {
    use Level::{Breaking, Dangerous, Safe};
    let required = finding(Breaking, Dangerous, Breaking);
    let shared = Finding {
        rule: "request-enum-value-removed".to_owned(),
        direction: Direction::Both,
        place: "ThreadItem.agentMessage.phase".to_owned(),
        old: Some("\"commentary\" | \"final\"".to_owned()),
        new: Some("\"final\"".to_owned()),
        message: "the value `ThreadItem.agentMessage.phase` is gone".to_owned(),
        reach: [
            (
                "thread/read",
                "client request",
                "thread/read → response → thread → turns[] → items[] → agentMessage → phase",
            ),
            ("thread/resume", "client request", "thread/resume → params → history[] → agentMessage → phase"),
            (
                "thread/resume",
                "client request",
                "thread/resume → response → thread → turns[] → items[] → agentMessage → phase",
            ),
            ("item/started", "server notification", "item/started → params → item → agentMessage → phase"),
            (
                "item/completed",
                "server notification",
                "item/completed → params → item → agentMessage → phase",
            ),
            (
                "thread/fork",
                "client request",
                "thread/fork → response → thread → turns[] → items[] → agentMessage → phase",
            ),
        ]
        .map(|(method, kind, witness)| reach(method, kind, witness))
        .to_vec(),
        note: Some("inside, the value `final` is all that is left".to_owned()),
        fingerprint: "00000000c0ffee01".to_owned(),
        ..finding(Breaking, Dangerous, Breaking)
    };
    let asked = Finding {
        rule: "server-request-added".to_owned(),
        direction: Direction::ClientReads,
        place: "item/tool/askUser".to_owned(),
        new: Some("ToolAskUserParams -> ToolAskUserResponse".to_owned()),
        message: "the server request `item/tool/askUser` is new".to_owned(),
        reach: vec![reach("item/tool/askUser", "server request", "item/tool/askUser")],
        fingerprint: "00000000c0ffee02".to_owned(),
        ..finding(Dangerous, Safe, Safe)
    };
    let renamed = Finding {
        rule: "type-renamed".to_owned(),
        place: "SandboxMode".to_owned(),
        old: Some("SandboxPolicy".to_owned()),
        new: Some("SandboxMode".to_owned()),
        message: "`SandboxMode` seems to be the former type `SandboxPolicy`".to_owned(),
        fingerprint: "00000000c0ffee03".to_owned(),
        ..finding(Safe, Safe, Breaking)
    };
    let added = Finding {
        rule: "request-added".to_owned(),
        stability: Stability::Experimental,
        place: "thread/section/create".to_owned(),
        message: "the request `thread/section/create` is new".to_owned(),
        reach: vec![reach("thread/section/create", "client request", "thread/section/create")],
        fingerprint: "00000000c0ffee04".to_owned(),
        ..finding(Safe, Breaking, Safe)
    };
    let optional = Finding {
        rule: "response-field-optional-added".to_owned(),
        place: "Thread.section".to_owned(),
        new: Some("string?".to_owned()),
        direction: Direction::ClientReads,
        message: "`Thread.section` is new and optional".to_owned(),
        reach: shared.reach.clone(),
        fingerprint: "00000000c0ffee05".to_owned(),
        ..finding(Safe, Dangerous, Safe)
    };
    let deprecated = Finding {
        rule: "became-deprecated".to_owned(),
        place: "Thread.path".to_owned(),
        new: None,
        message: "`Thread.path` is deprecated now".to_owned(),
        fingerprint: "00000000c0ffee07".to_owned(),
        ..finding(Safe, Safe, Safe)
    };
    let waived = Finding {
        rule: "request-removed".to_owned(),
        place: "thread/rollback".to_owned(),
        message: "the request `thread/rollback` is gone".to_owned(),
        old: Some("ThreadRollbackParams -> ThreadRollbackResponse".to_owned()),
        new: None,
        reach: vec![reach("thread/rollback", "client request", "thread/rollback")],
        fingerprint: "00000000c0ffee06".to_owned(),
        waived: Some("no client of ours sends it (2026-01-31)".to_owned()),
        ..finding(Breaking, Safe, Breaking)
    };
    let mut findings = vec![required, shared, waived, asked, renamed, optional, added, deprecated];
    for finding in &mut findings {
        let rule = crate::rule(&finding.rule).expect("a rule of the registry");
        finding.wire.old_client.text = rule.old_client.text.to_owned();
        finding.wire.new_client.text = rule.new_client.text.to_owned();
    }
    Comparison { findings, ..empty() }
}

/// A comparison that is limited to what a program uses.
pub(crate) fn limited() -> Comparison {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let left_out = LeftOut {
        methods: names(&["item/started", "thread/read", "turn/start"]),
        types: names(&["SandboxMode"]),
        unknown: names(&["thread/levitate"]),
        findings: 3,
        old_client: Counts { breaking: 0, dangerous: 1, safe: 2 },
        new_client: Counts { breaking: 1, dangerous: 1, safe: 1 },
        source: Counts { breaking: 0, dangerous: 0, safe: 3 },
        breaks_wire_alone: 0,
    };
    let findings = comparison().findings.into_iter().take(2).collect();
    Comparison { findings, left_out: Some(left_out), ..empty() }
}

/// Names that try to leave the place they are written in.
pub(crate) fn hostile() -> Comparison {
    let nasty =
        "</script><img src=x onerror=alert(1)>\"'`|@everyone ![x](y) %0A::error::\u{1b}[5m\u{202e}\r\n# x";
    let mut comparison = comparison();
    comparison.old.name = nasty.to_owned();
    let names = vec![nasty.to_owned()];
    let (methods, types, unknown) = (names.clone(), names.clone(), names);
    comparison.left_out = Some(LeftOut { methods, types, unknown, ..LeftOut::default() });
    for finding in &mut comparison.findings {
        finding.rule.push_str(nasty);
        finding.place.push_str(nasty);
        finding.message.push_str(nasty);
        finding.note = Some(nasty.to_owned());
        finding.wire.old_client.text.push_str(nasty);
        finding.wire.new_client.text.push_str(nasty);
        finding.old = Some(nasty.to_owned());
        finding.new = Some(format!("```` {nasty}"));
        finding.fingerprint.push_str(nasty);
        finding.waived = finding.waived.take().map(|reason| reason + nasty);
        for reach in &mut finding.reach {
            reach.method.push_str(nasty);
            reach.kind.push_str(nasty);
            reach.witness.push_str(nasty);
        }
    }
    comparison
}
