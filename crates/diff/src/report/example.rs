//! Comparisons made by hand, for the tests of the formats.

use crate::{Comparison, Direction, Finding, Level, Reach, Side, Stability};

/// Two sides without a difference.
pub(crate) fn empty() -> Comparison {
    let side = |name: &str, methods, types| Side {
        name: name.to_owned(),
        codex_version: name.to_owned(),
        methods,
        types,
    };
    Comparison { old: side("0.135.0", 278, 801), new: side("0.150.0", 286, 853), findings: Vec::new() }
}

/// A finding of these levels.
pub(crate) fn finding(wire: Level, source: Level) -> Finding {
    Finding {
        rule: "request-param-required-added".to_owned(),
        wire,
        source,
        direction: Direction::ClientWrites,
        stability: Stability::Stable,
        place: "TurnStartParams.cwd".to_owned(),
        old: None,
        new: Some("string".to_owned()),
        message: "`cwd` is new and required: a client that does not send it is refused".to_owned(),
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
    let required = finding(Breaking, Breaking);
    let shared = Finding {
        rule: "enum-value-removed".to_owned(),
        direction: Direction::Both,
        place: "ThreadItem.agentMessage.phase".to_owned(),
        old: Some("\"commentary\" | \"final\"".to_owned()),
        new: Some("\"final\"".to_owned()),
        message: "the value `commentary` is gone: a client that writes it is refused".to_owned(),
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
        fingerprint: "00000000c0ffee01".to_owned(),
        ..finding(Breaking, Breaking)
    };
    let asked = Finding {
        rule: "server-request-added".to_owned(),
        direction: Direction::ClientReads,
        place: "item/tool/askUser".to_owned(),
        new: Some("ToolAskUserParams -> ToolAskUserResponse".to_owned()),
        message: "the server may ask `item/tool/askUser`: where nobody answers, the turn hangs".to_owned(),
        reach: vec![reach("item/tool/askUser", "server request", "item/tool/askUser")],
        fingerprint: "00000000c0ffee02".to_owned(),
        ..finding(Dangerous, Safe)
    };
    let renamed = Finding {
        rule: "type-renamed".to_owned(),
        place: "SandboxPolicy".to_owned(),
        old: Some("SandboxPolicy".to_owned()),
        new: Some("SandboxMode".to_owned()),
        message: "`SandboxPolicy` seems to be called `SandboxMode` now: Rust code names it".to_owned(),
        fingerprint: "00000000c0ffee03".to_owned(),
        ..finding(Safe, Breaking)
    };
    let added = Finding {
        rule: "request-added".to_owned(),
        stability: Stability::Experimental,
        place: "thread/section/create".to_owned(),
        message: "`thread/section/create` is new".to_owned(),
        reach: vec![reach("thread/section/create", "client request", "thread/section/create")],
        fingerprint: "00000000c0ffee04".to_owned(),
        ..finding(Safe, Safe)
    };
    let optional = Finding {
        rule: "optional-added".to_owned(),
        place: "Thread.section".to_owned(),
        new: Some("string?".to_owned()),
        direction: Direction::ClientReads,
        message: "`section` is new and optional".to_owned(),
        reach: shared.reach.clone(),
        fingerprint: "00000000c0ffee05".to_owned(),
        ..finding(Safe, Safe)
    };
    let waived = Finding {
        rule: "request-removed".to_owned(),
        place: "thread/rollback".to_owned(),
        message: "`thread/rollback` is gone: the server answers with an error".to_owned(),
        old: Some("ThreadRollbackParams -> ThreadRollbackResponse".to_owned()),
        new: None,
        reach: vec![reach("thread/rollback", "client request", "thread/rollback")],
        fingerprint: "00000000c0ffee06".to_owned(),
        waived: Some("no client of ours sends it (2026-01-31)".to_owned()),
        ..finding(Breaking, Breaking)
    };
    Comparison { findings: vec![required, shared, waived, asked, renamed, optional, added], ..empty() }
}

/// Names that try to leave the place they are written in.
pub(crate) fn hostile() -> Comparison {
    let nasty =
        "</script><img src=x onerror=alert(1)>\"'`|@everyone ![x](y) %0A::error::\u{1b}[5m\u{202e}\r\n# x";
    let mut comparison = comparison();
    comparison.old.name = nasty.to_owned();
    for finding in &mut comparison.findings {
        finding.rule.push_str(nasty);
        finding.place.push_str(nasty);
        finding.message.push_str(nasty);
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
