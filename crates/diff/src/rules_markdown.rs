//! `docs/rules.md`, made from the registry.

use std::fmt::Write;

use crate::change::Change;
use crate::finding::Level;
use crate::rules::{Mirror, RULES, Rule, Written};

const OPENING: &str = "\
<!-- Made from the registry in crates/diff/src/rules; do not edit. -->
# Rules of the protocol diff

A finding has one of these rules. Whether a change breaks anybody depends on who writes the place where it happens:
rules that start with `request-` are about what the client writes (params of requests, answers to the server's
requests), rules that start with `response-` about what it reads (answers, notifications, params of the server's
requests), the others judge both alike. What is written and read takes the worse of the two verdicts on each axis.

* **WIRE** is about the bytes: a deployed peer of one version that talks to one of the other.
* **SOURCE** is about Rust code compiled against the generated crates.

*breaking*: somebody fails. *dangerous*: it depends on what somebody does with it. *safe*: nobody fails.

A finding that is known and accepted is waived in `schema/waivers.toml`, by its fingerprint, with a reason and a date.
The fingerprint is made of the rule, the place and the two shapes, so that it outlives changes elsewhere; a waiver
that matches no finding is an error. Each rule says when a waiver is in order.

Constraints that the generated crates do not check (lengths, ranges within a width, string formats and patterns) are not
compared, and of descriptions only whether they changed. Where one definition stands in place of another, the verdict
on WIRE is the worst of what differs inside. What is reached only through something added or removed is covered by
that one finding. SOURCE is judged place by place: that a type gets or loses its constructor, or that its members with
a default become options or cease to be, because of which other methods use the type, is no finding.
";

/// The page, with a table of all rules and a section for each.
pub fn rules_markdown() -> String {
    let mut page = OPENING.to_owned();
    page.push_str("\n| rule | written by | WIRE | SOURCE |\n|---|---|---|---|\n");
    for rule in RULES {
        let Rule { id, .. } = rule;
        let (wire, source) = (level(rule.wire), level(rule.source));
        let _ = writeln!(page, "| [`{id}`](#{id}) | {} | {wire} | {source} |", writer(rule));
    }
    for rule in RULES {
        let _ = write!(
            page,
            "\n## {}\n\n*{}.* Written by {}: WIRE {}, SOURCE {}.\n\n{}\n\n**Why.** {}\n\n**Example.** {}\n\n\
             **Waive.** {}\n\n**Opposite.** {}\n",
            rule.id,
            rule.title,
            writer(rule),
            level(rule.wire),
            level(rule.source),
            rule.what,
            rule.why,
            rule.example,
            rule.waive,
            opposite(rule),
        );
    }
    page
}

fn writer(rule: &Rule) -> &'static str {
    match (rule.written, rule.change) {
        (Some(Written::ByClient), _)
        | (_, Change::RequestAdded | Change::RequestRemoved)
        | (_, Change::ClientNotificationAdded | Change::ClientNotificationRemoved) => "client",
        (Some(Written::ByServer), _)
        | (_, Change::NotificationAdded | Change::NotificationRemoved)
        | (_, Change::ServerRequestAdded | Change::ServerRequestRemoved) => "server",
        (None, _) => "either",
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Safe => "safe",
        Level::Dangerous => "dangerous",
        Level::Breaking => "breaking",
    }
}

fn opposite(rule: &Rule) -> String {
    match rule.mirror {
        Mirror::Rule(id) if id == rule.id => "The same rule.".to_owned(),
        Mirror::Rule(id) => format!("[`{id}`](#{id})"),
        Mirror::None(why) => format!("None: {why}"),
    }
}
