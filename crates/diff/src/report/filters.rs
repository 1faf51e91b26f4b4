//! Filters of the templates. Escaping is askama's own, by the ending of the template.

use std::fmt::Display;

use super::{view, words};

/// The text on one line, without control characters.
#[askama::filter_fn]
pub(crate) fn plain(text: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(words::plain(&text.to_string()))
}

/// The text without the references that GitHub makes out of `@name` and `#1`: an invisible joiner parts them.
#[askama::filter_fn]
pub(crate) fn no_mention(text: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(parted(&text.to_string()))
}

fn parted(text: &str) -> String {
    text.replace('@', "@\u{2060}").replace('#', "#\u{2060}")
}

/// Text for a cell of a Markdown table: a bar would end it, and a star or underscore is only that.
#[askama::filter_fn]
pub(crate) fn cell(text: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    let text = text.to_string();
    let escape = |c: char| {
        if matches!(c, '|' | '*' | '_' | '`' | '[' | '\\') { format!("\\{c}") } else { c.to_string() }
    };
    Ok(text.chars().map(escape).collect())
}

/// [`prose`] for GitHub: the words between the names make no reference either.
#[askama::filter_fn]
pub(crate) fn prose_no_mention(text: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    let mut out = String::new();
    for words in view::words(&words::plain(&text.to_string())) {
        let escaped = |text: &str| -> askama::Result<String> {
            Ok(askama::filters::escape(text, askama::filters::Html)?.to_string())
        };
        out.push_str(&match words.code {
            true => format!("<code>{}</code>", escaped(&words.text)?),
            false => escaped(&parted(&words.text))?,
        });
    }
    Ok(out)
}

/// The `id` of a method's section.
#[askama::filter_fn]
pub(crate) fn method_anchor(name: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(view::method_anchor(&name.to_string()))
}

/// A sentence in which backticks mark names, as HTML: the only filter whose result is markup, so it escapes
/// all that is not its own.
#[askama::filter_fn]
pub(crate) fn prose(text: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
    let mut out = String::new();
    for words in view::words(&words::plain(&text.to_string())) {
        let text = askama::filters::escape(&words.text, askama::filters::Html)?.to_string();
        out.push_str(&if words.code { format!("<code>{text}</code>") } else { text });
    }
    Ok(out)
}
