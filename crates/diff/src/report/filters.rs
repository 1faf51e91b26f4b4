//! Filters of the templates. Escaping is askama's own, by the ending of the template.

use std::fmt::Display;

use super::{view, words};

/// The text on one line, without control characters.
#[askama::filter_fn]
pub(super) fn plain(text: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(words::plain(&text.to_string()))
}

/// The text without the references that GitHub makes out of `@name` and `#1`: an invisible joiner parts them.
#[askama::filter_fn]
pub(super) fn no_mention(text: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(text.to_string().replace('@', "@\u{2060}").replace('#', "#\u{2060}"))
}

/// The `id` of a method's section.
#[askama::filter_fn]
pub(super) fn method_anchor(name: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(view::method_anchor(&name.to_string()))
}
