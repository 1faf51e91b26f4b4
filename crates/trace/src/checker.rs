//! Goes through a trace entry by entry: whose message, which method, and what became of it.

use codex_appserver_record::{Content, Direction, Entry, Row};
use codex_appserver_requests::method::Initialize;
use codex_appserver_wire::shape::Kind;
use codex_appserver_wire::{Request, RequestId};

use crate::conversation::{Pending, kind, other, sender};
use crate::head::Head;
use crate::message::{Checked, Role, Verdict, check};
use crate::unknowns::Unknowns;

/// One line of a trace after it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What the message is; none where that cannot be told.
    pub role: Option<Role>,
    /// Its method, or that of the request it answers; empty where that cannot be told.
    pub method: String,
    /// What became of it; none for the header of a trace.
    pub verdict: Option<Verdict>,
    /// What was in it that the protocol does not know.
    pub unknowns: Unknowns,
    /// The codex version that the line tells, in a header or in the answer to `initialize`.
    pub codex_version: Option<String>,
}

/// Checks the lines of one trace, in their order.
#[derive(Debug, Default)]
pub struct Checker {
    pending: Pending,
}

impl Checker {
    /// A checker that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks the next entry.
    pub fn entry(&mut self, entry: &Entry) -> Line {
        match entry {
            Entry::Header(header) => Line { codex_version: header.codex.clone(), ..Line::without_role(None) },
            Entry::Bare(text) => self.text(None, None, text),
            Entry::Row(Row { content: Content::Line(text), dir, conn, .. }) => {
                self.text(Some(*dir), conn.as_deref(), text)
            }
            Entry::Row(Row { content: Content::Bytes(bytes), .. }) => {
                let reason = match std::str::from_utf8(bytes) {
                    Ok(_) => "bytes instead of text".to_owned(),
                    Err(error) => format!("not UTF-8: {error}"),
                };
                Line::broken(reason)
            }
        }
    }

    fn text(&mut self, direction: Option<Direction>, connection: Option<&str>, text: &str) -> Line {
        let head = match Head::read(text) {
            Ok(head) => head,
            Err(error) => return Line::broken(format!("not a message: {error}")),
        };
        match head.method.as_deref() {
            Some(method) => self.sent(direction, connection, method, head.id, text),
            None => self.answer(direction, connection, &head, text),
        }
    }

    fn sent(
        &mut self,
        direction: Option<Direction>,
        connection: Option<&str>,
        method: &str,
        id: Option<RequestId>,
        text: &str,
    ) -> Line {
        let Some(direction) = direction.or_else(|| sender(method, id.is_some())) else {
            let verdict = Some(Verdict::Unknown);
            return Line { method: method.to_owned(), ..Line::without_role(verdict) };
        };
        let role = Role::Sent(kind(direction, id.is_some()));
        if let Some(id) = id {
            self.pending.sent(connection, direction, id, method);
        }
        Line::checked(role, method, check(role, method, text))
    }

    fn answer(
        &mut self,
        direction: Option<Direction>,
        connection: Option<&str>,
        head: &Head,
        text: &str,
    ) -> Line {
        let Some(id) = head.id.clone().filter(|_| head.has_result || head.has_error) else {
            let reason = "neither a `method` nor an `id` with a `result` or an `error`";
            return Line::broken(format!("not a message: it has {reason}"));
        };
        let direction = direction.or_else(|| self.pending.answerer(connection, &id));
        let request = direction.and_then(|direction| {
            let method = self.pending.answered(connection, direction, id)?;
            Some((Role::Answer(kind(other(direction), true)), method))
        });
        let Some((role, method)) = request else { return Line::without_role(Some(Verdict::Unmatched)) };
        let mut line = Line::checked(role, &method, check(role, &method, text));
        if role == Role::Answer(Kind::ClientRequest) && method == Initialize::METHOD {
            line.codex_version = server_version(text);
        }
        line
    }
}

impl Line {
    /// A line that is no message.
    pub fn broken(reason: String) -> Self {
        Self::without_role(Some(Verdict::Failed { path: String::new(), message: reason }))
    }

    fn without_role(verdict: Option<Verdict>) -> Self {
        Self {
            role: None,
            method: String::new(),
            verdict,
            unknowns: Unknowns::default(),
            codex_version: None,
        }
    }

    fn checked(role: Role, method: &str, checked: Checked) -> Self {
        let Checked { verdict, unknowns } = checked;
        Self {
            role: Some(role),
            method: method.to_owned(),
            verdict: Some(verdict),
            unknowns,
            codex_version: None,
        }
    }
}

/// The member of an answer to `initialize` in which the server names itself.
const USER_AGENT: &str = "userAgent";

/// The server's version in an answer to `initialize`: `userAgent` reads `client/0.150.0 (system) …`, where
/// the client's name can be anything.
fn server_version(text: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(text).ok()?;
    let agent = answer.get("result")?.get(USER_AGENT)?.as_str()?;
    let products = agent.split('/').skip(1).filter_map(|rest| Some(rest.split_once(" (")?.0));
    let is_version = |text: &&str| {
        let parts: Vec<&str> = text.splitn(3, '.').collect();
        parts.len() == 3 && parts.iter().all(|part| part.starts_with(|first: char| first.is_ascii_digit()))
    };
    products.filter(|text| !text.contains(' ')).find(is_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use codex_appserver_shapes::{definition, method};
    use codex_appserver_wire::shape::{Object, Shape};

    use super::*;

    /// The answer is not decoded as its type: that of an old server may lack members.
    #[test]
    fn the_answer_to_initialize_has_the_member_that_names_the_server() {
        let response = method(Initialize::METHOD, Kind::ClientRequest).and_then(|method| method.response);
        let Some(Shape::Named(name)) = response else { panic!("no definition: {response:?}") };
        let Some(Shape::Object(Object { members, .. })) = definition(name) else {
            panic!("{name}: no object")
        };
        assert!(members.iter().any(|member| member.name == USER_AGENT));
    }

    #[test]
    fn the_user_agent_tells_the_version_of_the_server() {
        let version = |agent: &str| {
            server_version(&serde_json::json!({"id": 1, "result": {"userAgent": agent}}).to_string())
        };
        assert_eq!(version("my_client/0.150.0 (Debian 12; x86_64) xterm").as_deref(), Some("0.150.0"));
        assert_eq!(version("a/b client/0.170.0-alpha.2 (x)").as_deref(), Some("0.170.0-alpha.2"));
        assert_eq!(version("me (x)/0.150.0 (Debian 12) xterm").as_deref(), Some("0.150.0"));
        assert_eq!(version("client (x/1.0)"), None);
        assert_eq!(version(""), None);
    }
}
