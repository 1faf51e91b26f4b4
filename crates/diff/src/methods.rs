//! Compares two methods of one name, and states what a method that came or went means.

use codex_appserver_bindgen::model::{Method, MethodKind, Params};

use crate::change::{Change, Raw};
use crate::finding::Level;
use crate::line;
use crate::path::{Path, Sides};
use crate::walk::{Edge, Walk, is_alias};

const SIGNATURE: &str =
    "the method's `Params` type changes with it, and the function or variant made from it";

impl<'m> Walk<'m, '_> {
    /// The facts of a method, its `params` and its `result`.
    pub(crate) fn methods(&mut self, old: &'m Method, new: &'m Method) {
        let path =
            Path { steps: Vec::new(), stable: Sides { old: !old.experimental, new: !new.experimental } };
        self.stability(&path, (old.experimental, new.experimental), None);
        self.deprecation(&path, (old.deprecated, new.deprecated));
        self.description(&path, (&old.description, &new.description));
        self.params(&path, &old.params, &new.params);
        let result = path.step("result", false, false);
        match (&old.response, &new.response) {
            (None, None) => {}
            (Some(old), Some(new)) => self.payloads(&result, old, new),
            (old, new) => {
                let name = |name: &Option<String>| name.clone().or_else(|| Some("not known".to_owned()));
                let raw = Raw::new(result, Change::Represented, name(old), name(new));
                self.found.changes.push(raw);
            }
        }
    }

    /// `params` counts as a member of the message.
    fn params(&mut self, path: &Path, old: &'m Params, new: &'m Params) {
        let inside = path.step("params", false, false);
        let (change, path) = match (old, new) {
            (Params::None, Params::None) => return,
            (Params::None, Params::Required(_)) => (Change::RequiredAdded, path.new_only("params", false)),
            (Params::None, Params::Nullable(_)) => (Change::OptionalAdded, path.new_only("params", false)),
            (Params::Required(_), Params::None) => (Change::RequiredRemoved, path.old_only("params", false)),
            (Params::Nullable(_), Params::None) => (Change::OptionalRemoved, path.old_only("params", false)),
            (Params::Required(a), Params::Required(b)) | (Params::Nullable(a), Params::Nullable(b)) => {
                return self.payloads(&inside, a, b);
            }
            (Params::Required(a), Params::Nullable(b)) => {
                self.payloads(&inside, a, b);
                (Change::BecameOptional, inside)
            }
            (Params::Nullable(a), Params::Required(b)) => {
                self.payloads(&inside, a, b);
                (Change::BecameRequired, inside)
            }
        };
        let line = |params: &Params| match params {
            Params::None => None,
            params => Some(line::params(params)),
        };
        let raw = Raw::new(path, change, line(old), line(new));
        self.found.changes.push(raw.with_source(Level::Breaking, SIGNATURE));
    }

    fn payloads(&mut self, path: &Path, old: &'m str, new: &'m str) {
        if self.is_pair(old, new) {
            let edge = Edge { path: path.clone(), old: old.to_owned(), new: new.to_owned() };
            return self.found.edges.push(edge);
        }
        match (self.old.definitions.get(old), self.new.definitions.get(new)) {
            (Some(a), Some(b)) if is_alias(&a.shape) || is_alias(&b.shape) => {
                self.values(path, &a.shape, &b.shape);
            }
            (Some(a), Some(b)) => {
                let lines =
                    [(a, old), (b, new)].map(|(at, name)| format!("{name} = {}", line::shape(&at.shape)));
                self.replaced_as(path, (&a.shape, &b.shape), lines);
            }
            _ => {
                let [old, new] = [old, new].map(|name| Some(name.to_owned()));
                self.found.changes.push(Raw::new(path.clone(), Change::TypeChanged, old, new));
            }
        }
    }

    /// Whether two methods take the same and return the same.
    pub(crate) fn alike(&mut self, old: &'m Method, new: &'m Method) -> bool {
        let mut same = |a: Option<&'m str>, b: Option<&'m str>| match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => match (self.old.definitions.get(a), self.new.definitions.get(b)) {
                (Some(a), Some(b)) => self.same_shape(&a.shape, &b.shape),
                _ => a == b,
            },
            _ => false,
        };
        same(old.params.definition(), new.params.definition())
            && same(old.response.as_deref(), new.response.as_deref())
    }
}

/// What it means that a method is there now.
pub(crate) fn addition(kind: MethodKind) -> Change {
    match kind {
        MethodKind::ClientRequest => Change::RequestAdded,
        MethodKind::ServerRequest => Change::ServerRequestAdded,
        MethodKind::ServerNotification => Change::NotificationAdded,
        MethodKind::ClientNotification => Change::ClientNotificationAdded,
    }
}

/// A kind as people read it.
pub(crate) fn kind_name(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::ClientRequest => "client request",
        MethodKind::ServerRequest => "server request",
        MethodKind::ServerNotification => "server notification",
        MethodKind::ClientNotification => "client notification",
    }
}
