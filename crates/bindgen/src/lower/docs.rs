//! Docs made from facts: names, methods, defaults, stability; and our own summaries.

use super::{Lowering, markdown};
use crate::model::{Method, MethodKind};
use crate::names;
use crate::shape::{Definition, Description, EnumValue, Field, IntegerValue, Shape};
use crate::since::Since;

/// A type that more methods use says nothing of them: the list would change with every version.
const LISTED_METHODS: usize = 4;

impl<'m> Lowering<'m> {
    pub(super) fn definition_docs(&self, definition: &Definition) -> Vec<String> {
        let mut docs = Vec::new();
        let usage = &self.model.usage[&definition.name];
        let payload_of =
            self.model.methods.iter().find_map(|method| self.payload_summary(method, &definition.name));
        docs.extend(self.docs.types.get(&definition.name).cloned().or(payload_of));
        docs.extend(prose(&definition.description));
        if docs.is_empty() {
            docs.push(format!("The protocol type `{}`.", definition.name));
        }
        if names::type_name(&definition.name) != definition.name {
            docs.push(format!("Schema name: `{}`.", definition.name));
        }
        if (1..=LISTED_METHODS).contains(&usage.methods.len()) {
            let methods: Vec<String> = usage.methods.iter().map(|name| format!("`{name}`")).collect();
            docs.push(format!("Used by {}.", methods.join(", ")));
        }
        docs.extend(literal_docs(&definition.shape));
        push_facts(&mut docs, definition.since, !usage.stable, definition.deprecated);
        docs
    }

    fn payload_summary(&self, method: &Method, definition: &str) -> Option<String> {
        let role = match () {
            () if method.response.as_deref() == Some(definition) => "The answer to",
            () if method.params.definition() == Some(definition) => "The params of",
            () => return None,
        };
        Some(format!("{role} `{}`.", method.name))
    }

    pub(super) fn inline_docs(&self, owner: &Definition) -> Vec<String> {
        vec![format!("Part of [`{}`].", names::type_name(&owner.name))]
    }

    pub(super) fn field_docs(&self, field: &Field, rust_name: &str) -> Vec<String> {
        let mut docs: Vec<String> = prose(&field.description).into_iter().collect();
        let mut wire = format!("Wire name: `{}`.", field.wire);
        if !field.aliases.is_empty() {
            let aliases: Vec<String> = field.aliases.iter().map(|alias| format!("`{alias}`")).collect();
            wire.push_str(&format!(" Decodes from {} as well.", aliases.join(", ")));
        }
        docs.push(if field.wire == rust_name && field.aliases.is_empty() {
            format!("`{}`.", field.wire)
        } else {
            wire
        });
        docs.extend(literal_docs(&field.shape));
        if let Some(default) = &field.default {
            docs.push(format!("Default: `{default}`."));
        }
        if field.distinct_null {
            docs.push("Leaving it out keeps the setting, `null` clears it.".into());
        }
        push_facts(&mut docs, field.since, field.experimental, field.deprecated);
        docs
    }

    pub(super) fn value_docs(&self, value: &EnumValue) -> Vec<String> {
        self.arm_docs(&value.wire, value.since, value.experimental, false, &value.description)
    }

    pub(super) fn integer_docs(&self, value: IntegerValue) -> Vec<String> {
        let mut docs = vec![format!("`{}`.", value.wire)];
        push_facts(&mut docs, value.since, value.experimental, false);
        docs
    }

    pub(super) fn arm_docs(
        &self,
        wire: &str,
        since: Since,
        experimental: bool,
        deprecated: bool,
        description: &Description,
    ) -> Vec<String> {
        let mut docs: Vec<String> = prose(description).into_iter().collect();
        docs.push(format!("`{wire}`."));
        push_facts(&mut docs, since, experimental, deprecated);
        docs
    }
}

/// The docs of whatever stands for a method.
pub(crate) fn method_docs(method: &Method, summary: Option<&String>) -> Vec<String> {
    let mut docs = Vec::new();
    docs.extend(summary.cloned());
    docs.extend(prose(&method.description));
    let direction = match method.kind {
        MethodKind::ClientRequest => "request from the client to the server",
        MethodKind::ServerRequest => "request from the server to the client",
        MethodKind::ServerNotification => "notification from the server",
        MethodKind::ClientNotification => "notification from the client",
    };
    docs.push(format!("Method `{}`, a {direction}.", method.name));
    push_facts(&mut docs, method.since, method.experimental, method.deprecated);
    docs
}

/// What upstream says, where its words are kept.
fn prose(description: &Description) -> Option<String> {
    description.text.as_deref().map(markdown::safe).filter(|text| !text.is_empty())
}

/// A boolean keeps its type when one value alone is known: the other one decodes all the same.
fn literal_docs(shape: &Shape) -> Option<String> {
    match shape {
        Shape::BoolLiteral(value) => Some(format!("Always `{value}` in this version.")),
        Shape::Nullable(inner) => literal_docs(inner),
        _ => None,
    }
}

fn push_facts(docs: &mut Vec<String>, since: Since, experimental: bool, deprecated: bool) {
    docs.extend(since_docs(since, experimental));
    if experimental {
        docs.push("**Experimental**: not part of the stable surface.".into());
    }
    if deprecated {
        docs.push("**Deprecated** by the protocol.".into());
    }
}

/// When something came, unless what it is a part of says that already.
pub(super) fn since_docs(since: Since, experimental: bool) -> Option<String> {
    if since.inherited {
        return None;
    }
    let release = since.release.map(|release| format!("Since codex {release}."));
    let stable = since.stable.filter(|_| !experimental);
    let stable = stable.map(|release| format!("Experimental until codex {release}."));
    let sentences: Vec<String> = release.into_iter().chain(stable).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}
