//! `docs/rules.md`, made from the registry.

use std::fmt::Write;

use crate::change::Change;
use crate::finding::Level;
use crate::rules::{Judged, Mirror, RULES, Rule, Written};

const OPENING: &str = "\
<!-- Made from the registry in crates/diff/src/rules; do not edit. -->
# Rules of the protocol diff

A finding has one of these rules. Whether a change breaks a peer depends on who writes the place where it happens:
rules that start with `request-` are about what the client writes (params of requests, answers to the server's
requests), rules that start with `response-` about what it reads (answers, notifications, params of the server's
requests), the others judge both alike. What both sides write takes the worse of the two verdicts, for each question.

* **WIRE** is about the bytes, and asks two questions: what happens when an *old client* talks to a *new server*, and
  what happens when a *new client* talks to an *old server*. Each has its own verdict. Where the versions are swapped,
  the two change places.
* **SOURCE** is about Rust code compiled against the generated crates.

*breaking*: something fails. *dangerous*: it depends on what the program does with it. *safe*: nothing fails.

`--fail-on` looks at old clients with new servers unless `--skew new-client` or `--skew both` says otherwise. That is
the question which every update of a server puts to the clients that are out there. The other one is put by a program
that is built for a new version and has to run with servers that are not updated yet; almost every release adds a
method or a param that such a server does not know, so that a check of it fails often and is for those who need it.

A finding that is known and accepted is waived in `schema/waivers.toml`, by its fingerprint and for one pair of
versions, with a reason and a date; the report prints the row. The fingerprint is made of the rule, the place and the
two shapes. A waiver for these versions that matches no finding is an error, one for other versions has no say. Each
rule says when a waiver is in order.

Constraints that the generated crates do not check (lengths, ranges within a width, string formats and patterns) are not
compared, and of descriptions only whether they changed. Where one definition stands in place of another, each verdict
on WIRE is the worst of what differs inside. What is reached only through something added or removed is covered by
that one finding. SOURCE is judged place by place: that a type gets or loses its constructor, or that its members with
a default become options or cease to be, because of which other methods use the type, is no finding.
";

/// The page, with a table of all rules and a section for each.
pub fn rules_markdown() -> String {
    let mut page = OPENING.to_owned();
    page.push_str("\n| rule | written by | old client, new server | new client, old server | SOURCE |\n|---|---|---|---|---|\n");
    for rule in RULES {
        let Rule { id, .. } = rule;
        let [old, new, source] =
            [rule.old_client.level, rule.new_client.level, rule.source].map(Level::as_str);
        let _ = writeln!(page, "| [`{id}`](#{id}) | {} | {old} | {new} | {source} |", writer(rule));
    }
    for rule in RULES {
        let _ = write!(
            page,
            "\n## {}\n\n*{}.* Written by {}.\n\n* Old client, new server: {}\n* New client, old server: {}\n\
             * SOURCE: {}\n\n{}\n\n**Why.** {}\n\n**Example.** {}\n\n\
             **Waive.** {}\n\n**Opposite.** {}\n",
            rule.id,
            rule.title,
            writer(rule),
            judged(rule.old_client),
            judged(rule.new_client),
            rule.source.as_str(),
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

/// A verdict as an item of a list.
fn judged(judged: Judged) -> String {
    format!("*{}*: {}.", judged.level.as_str(), judged.text)
}

fn opposite(rule: &Rule) -> String {
    match rule.mirror {
        Mirror::Rule(id) if id == rule.id => "The same rule.".to_owned(),
        Mirror::Rule(id) => format!("[`{id}`](#{id})"),
        Mirror::None(why) => format!("None: {why}"),
    }
}
