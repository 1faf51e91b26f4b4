//! The protocol over many versions: how large each one is, and what it did to its predecessor.

mod chart;
mod page;

use std::collections::BTreeSet;

use codex_appserver_bindgen::model::{MethodKind, Model};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::Summary;
use crate::report::words::shapes;
use crate::verdict::Gate;
use crate::{Comparison, Counts, Finding};

/// One row per version, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// The versions.
    pub rows: Vec<Row>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// What the user called it.
    pub name: String,
    /// What the client asks.
    pub requests: Surface,
    /// What the server asks.
    pub server_requests: Surface,
    /// What the server tells.
    pub notifications: Surface,
    /// What the client tells.
    pub client_notifications: Surface,
    /// The definitions that methods reach.
    pub types: usize,
    /// What the step from the version before does; the first one has none.
    pub step: Option<Step>,
}

/// A number of methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Surface {
    /// Those that every client may use.
    pub stable: usize,
    /// Those behind the `experimentalApi` capability.
    pub experimental: usize,
}

/// From one version to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Methods that are new, by name.
    pub added: Vec<String>,
    /// Methods that are gone, by name.
    pub removed: Vec<String>,
    /// What else breaks old clients.
    pub breaks: Vec<Break>,
    /// Verdicts on the bytes, for an old client with a new server.
    pub wire: Counts,
    /// Verdicts on Rust code compiled against the generated crates.
    pub source: Counts,
}

/// A break in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Break {
    /// Where.
    pub place: String,
    /// What has changed, and what that does.
    pub message: String,
}

impl History {
    /// Adds a version. `comparison` is that of the version before with this one; `before` its model.
    pub fn push(&mut self, name: &str, model: &Model, before: Option<(&Model, &Comparison)>) {
        let step = before.map(|(before, comparison)| Step::of(before, model, comparison));
        let surface = |kind| Surface::of(model, kind);
        self.rows.push(Row {
            name: name.to_owned(),
            requests: surface(MethodKind::ClientRequest),
            server_requests: surface(MethodKind::ServerRequest),
            notifications: surface(MethodKind::ServerNotification),
            client_notifications: surface(MethodKind::ClientNotification),
            types: model.definitions.len(),
            step,
        });
    }
}

impl Row {
    /// All methods of a version.
    pub fn methods(&self) -> usize {
        let kinds = [self.requests, self.server_requests, self.notifications, self.client_notifications];
        kinds.iter().map(|surface| surface.total()).sum()
    }
}

impl Surface {
    fn of(model: &Model, kind: MethodKind) -> Self {
        let experimental = model.of_kind(kind).filter(|method| method.experimental).count();
        Self { stable: model.of_kind(kind).count() - experimental, experimental }
    }

    /// Stable and experimental ones.
    pub fn total(self) -> usize {
        self.stable + self.experimental
    }
}

impl Step {
    fn of(before: &Model, model: &Model, comparison: &Comparison) -> Self {
        let names = |model: &Model| -> BTreeSet<(MethodKind, String)> {
            model.methods.iter().map(|method| (method.kind, method.name.clone())).collect()
        };
        let (old, new) = (names(before), names(model));
        let only = |one: &BTreeSet<(MethodKind, String)>, other: &BTreeSet<(MethodKind, String)>| {
            let mut names: Vec<String> = one.difference(other).map(|(_, name)| name.clone()).collect();
            names.sort();
            names
        };
        let Summary { old_client: wire, source, .. } = Summary::of(comparison);
        let (added, removed) = (only(&new, &old), only(&old, &new));
        let other = |finding: &&Finding| !removed.contains(&finding.place);
        let breaks = comparison.failures(Gate::default()).filter(other);
        let breaks = breaks.map(|finding| Break { place: finding.place.clone(), message: told(finding) });
        let breaks = breaks.collect();
        Self { added, removed, breaks, wire, source }
    }
}

/// A finding in one sentence, for an old client with a new server.
fn told(finding: &Finding) -> String {
    let shapes = match &shapes(finding)[..] {
        [(_, old), (_, new)] => format!(" (`{old}` → `{new}`)"),
        _ => String::new(),
    };
    format!("{}{shapes}: {}.", finding.message, finding.wire.old_client.text)
}
