//! What changed, in a few words; what it means stands in the verdicts.

use crate::change::{Change, Raw};
use crate::rules::Judgement;

/// What differs inside a replaced type, and why Rust code is not judged as the rule says.
pub(crate) fn note(raw: &Raw, judgement: &Judgement) -> Option<String> {
    let source =
        raw.source.filter(|(level, _)| *level != judgement.rule.source).map(|(_, why)| why.to_owned());
    let inside = (!raw.inside.is_empty()).then(|| format!("inside, {}", raw.inside.join("; ")));
    let notes: Vec<String> = [inside, source].into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// What changed inside a replaced type, with the shapes of values that have another type.
pub(crate) fn inside(raw: &Raw) -> String {
    let place = raw.path.steps.join(".");
    match (raw.change, &raw.old, &raw.new) {
        (
            Change::TypeChanged | Change::Widened | Change::Narrowed | Change::Represented,
            Some(old),
            Some(new),
        ) => {
            format!("`{place}` was `{old}` and is `{new}`")
        }
        _ => happened(raw, &place),
    }
}

/// What changed at `place`.
pub(crate) fn happened(raw: &Raw, place: &str) -> String {
    let old = raw.old.as_deref().unwrap_or_default();
    let new = raw.new.as_deref().unwrap_or_default();
    match raw.change {
        Change::RequiredAdded => format!("`{place}` is new and required"),
        Change::OptionalAdded => format!("`{place}` is new and optional"),
        Change::RequiredRemoved => format!("`{place}` was required and is gone"),
        Change::OptionalRemoved => format!("`{place}` was optional and is gone"),
        Change::BecameRequired => format!("`{place}` was optional and is required now"),
        Change::BecameOptional => format!("`{place}` was required and is optional now"),
        Change::DefaultAdded | Change::DefaultRemoved | Change::DefaultChanged => {
            format!("`{place}` had {old} and has {new} now")
        }
        Change::FreeMembersAdded => format!("`{place}` takes members of any name now"),
        Change::FreeMembersRemoved => format!("`{place}` no longer takes members of any name"),
        Change::BecameNullable => format!("`{place}` may be null now"),
        Change::BecameNonNull => format!("`{place}` may no longer be null"),
        Change::TypeChanged => format!("`{place}` has another type"),
        Change::Widened => format!("`{place}` has a wider type"),
        Change::Narrowed => format!("`{place}` has a narrower type"),
        Change::Represented => format!("`{place}` has another Rust type for the same bytes"),
        Change::EnumOpened => format!("`{place}` had known values and takes any {new} now"),
        Change::EnumClosed => format!("`{place}` took any {old} and has known values now"),
        Change::TypeRenamed => format!("`{place}` seems to be the former type `{old}`"),
        Change::MethodRenamed => format!("`{place}` seems to be the former method `{old}`"),
        Change::ValueAdded => format!("the value `{place}` is new"),
        Change::ValueRemoved => format!("the value `{place}` is gone"),
        Change::ArmAdded | Change::UntaggedArmAdded => format!("the arm `{place}` is new"),
        Change::ArmRemoved | Change::UntaggedArmRemoved => format!("the arm `{place}` is gone"),
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

/// Whether a finding shows its shapes. Of the others the words say it all.
pub(crate) fn shows_shapes(change: Change) -> bool {
    !matches!(
        change,
        Change::DefaultAdded
            | Change::DefaultRemoved
            | Change::DefaultChanged
            | Change::FreeMembersAdded
            | Change::FreeMembersRemoved
            | Change::ValueAdded
            | Change::ValueRemoved
            | Change::TypeRenamed
            | Change::MethodRenamed
            | Change::BecameStable
            | Change::BecameExperimental
            | Change::BecameDeprecated
            | Change::NoLongerDeprecated
            | Change::DescriptionChanged
    )
}
