//! A finding in one sentence: what changed, and what that means.

use crate::change::{Change, Raw};
use crate::finding::Level;
use crate::rules::Verdict;

/// What changed at `place`, what that means, and why a verdict is not that of the rule, where it is not.
pub(crate) fn sentence(raw: &Raw, place: &str, verdict: &Verdict) -> String {
    let Verdict { rule, wire, .. } = verdict;
    let consequence = match wire {
        wire if *wire == rule.wire => rule.consequence,
        Level::Safe => "nothing that differs between the two fails a peer",
        Level::Dangerous => "peers may rely on something that differs between the two",
        Level::Breaking => "a peer fails on something that differs between the two",
    };
    let source = match raw.source {
        Some((level, why)) if level != rule.source => format!("; {why}"),
        _ => String::new(),
    };
    format!("{}: {consequence}{source}.", happened(raw, place))
}

fn happened(raw: &Raw, place: &str) -> String {
    let old = raw.old.as_deref().unwrap_or_default();
    let new = raw.new.as_deref().unwrap_or_default();
    match raw.change {
        Change::RequiredAdded => format!("`{place}` is new and required"),
        Change::OptionalAdded => format!("`{place}` is new and optional"),
        Change::RequiredRemoved => format!("`{place}`, which was required, is gone"),
        Change::OptionalRemoved => format!("`{place}`, which was optional, is gone"),
        Change::BecameRequired => format!("`{place}` was optional and is required now"),
        Change::BecameOptional => format!("`{place}` was required and is optional now"),
        Change::DefaultAdded | Change::DefaultRemoved | Change::DefaultChanged => {
            format!("an absent `{place}` had {old} and has {new} now")
        }
        Change::FreeMembersAdded => format!("`{place}` takes members of any name now"),
        Change::FreeMembersRemoved => format!("`{place}` no longer takes members of any name"),
        Change::BecameNullable => format!("`{place}` may be null now"),
        Change::BecameNonNull => format!("`{place}` may no longer be null"),
        Change::TypeChanged | Change::Widened | Change::Narrowed | Change::Represented => {
            format!("`{place}` was `{old}` and is `{new}` now")
        }
        Change::EnumOpened => format!("`{place}` takes any {new} now"),
        Change::EnumClosed => format!("`{place}` took any {old} and takes {new} now"),
        Change::TypeRenamed => format!("the type `{old}` seems to be called `{new}` now"),
        Change::MethodRenamed => format!("the method `{old}` seems to be called `{new}` now"),
        Change::ValueAdded | Change::ArmAdded | Change::UntaggedArmAdded => format!("`{place}` is new"),
        Change::ValueRemoved | Change::ArmRemoved | Change::UntaggedArmRemoved => {
            format!("`{place}` is gone")
        }
        Change::RequestAdded => format!("the request `{place}` is new"),
        Change::RequestRemoved => format!("the request `{place}` is gone"),
        Change::NotificationAdded => format!("the notification `{place}` is new"),
        Change::NotificationRemoved => format!("the notification `{place}` is gone"),
        Change::ServerRequestAdded => format!("the server request `{place}` is new"),
        Change::ServerRequestRemoved => format!("the server request `{place}` is gone"),
        Change::ClientNotificationAdded => format!("the client notification `{place}` is new"),
        Change::ClientNotificationRemoved => format!("the client notification `{place}` is gone"),
        Change::BecameStable => format!("`{place}` was experimental and is stable now"),
        Change::BecameExperimental => format!("`{place}` was stable and is experimental now"),
        Change::BecameDeprecated => format!("`{place}` is deprecated now"),
        Change::DescriptionChanged => format!("the description of `{place}` changed"),
        Change::NoLongerDeprecated => format!("`{place}` is no longer deprecated"),
    }
}
