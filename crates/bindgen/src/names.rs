//! Wire names to Rust names. One rule each, no exception by hand.

use heck::{ToPascalCase, ToSnakeCase};

/// Names that Rust reserves, raw identifiers or not.
const UNESCAPABLE: [&str; 5] = ["crate", "self", "Self", "super", "_"];

/// `thread/start` → `ThreadStart`.
pub fn method_type(method: &str) -> String {
    method.to_pascal_case()
}

/// `thread/start` → `thread_start`.
pub fn method_fn(method: &str) -> String {
    method.to_snake_case()
}

/// The module of a method's payloads: `thread/start` → `thread`; methods without a slash share one.
pub fn group(method: &str) -> String {
    match method.split_once('/') {
        Some((first, _)) => first.to_snake_case(),
        None => "general".to_owned(),
    }
}

/// A definition's Rust name: its own name, where that is one.
pub fn type_name(definition: &str) -> String {
    let plain = definition.chars().all(|c| c.is_ascii_alphanumeric())
        && definition.starts_with(|c: char| c.is_ascii_uppercase());
    let name = if plain { definition.to_owned() } else { definition.to_pascal_case() };
    // These would hide what every generated file uses.
    if ["Option", "Vec", "String", "Box", "Result", "Some", "None", "Ok", "Err", "Self"]
        .contains(&name.as_str())
    {
        format!("{name}Type")
    } else {
        name
    }
}

/// A member's Rust name, unescaped: `turnId` → `turn_id`, `_meta` → `meta`.
pub fn field(wire: &str) -> String {
    escape_digits(wire.to_snake_case(), "field_")
}

/// A value's or arm's Rust name: `on-request` → `OnRequest`.
pub fn variant(wire: &str) -> String {
    let name = escape_digits(wire.to_pascal_case(), "V");
    if ["Unrecognized", "Self"].contains(&name.as_str()) { format!("{name}Value") } else { name }
}

/// The Rust name of an integer value: `1` → `V1`, `-1` → `Minus1`.
pub fn integer_variant(wire: i128) -> String {
    if wire < 0 { format!("Minus{}", wire.unsigned_abs()) } else { format!("V{wire}") }
}

/// The Rust names of all values of one union or enum. Where two would be one, their separators are
/// spelled out: `openai/form` beside `openaiForm` → `OpenaiSlashForm`.
pub fn variants<'w>(wires: impl Iterator<Item = &'w str> + Clone) -> Vec<String> {
    let plain: Vec<String> = wires.clone().map(variant).collect();
    let twice = |name: &String| plain.iter().filter(|other| *other == name).count() > 1;
    wires
        .zip(&plain)
        .map(|(wire, name)| if twice(name) { variant(&spelled(wire)) } else { name.clone() })
        .collect()
}

fn spelled(wire: &str) -> String {
    let mut out = String::new();
    for c in wire.chars() {
        match c {
            '/' => out.push_str("_slash_"),
            '-' => out.push_str("_dash_"),
            '_' => out.push_str("_underscore_"),
            '.' => out.push_str("_dot_"),
            ' ' => out.push_str("_space_"),
            c if c.is_alphanumeric() => out.push(c),
            c => out.push_str(&format!("_u{:x}_", u32::from(c))),
        }
    }
    out
}

fn escape_digits(name: String, prefix: &str) -> String {
    // What counts as alphanumeric need not be allowed in an identifier, such as `²`.
    let allowed = |c: char| c.is_ascii() || syn::parse_str::<proc_macro2::Ident>(&format!("a{c}")).is_ok();
    let name: String = name
        .chars()
        .map(|c| if allowed(c) { c.to_string() } else { format!("u{:x}", u32::from(c)) })
        .collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("{prefix}{name}")
    } else {
        name
    }
}

/// An identifier that may need escaping, such as `type`.
pub fn ident(name: &str) -> proc_macro2::Ident {
    let span = proc_macro2::Span::call_site();
    if UNESCAPABLE.contains(&name) {
        return proc_macro2::Ident::new(&format!("{name}_"), span);
    }
    syn::parse_str(name).unwrap_or_else(|_| proc_macro2::Ident::new_raw(name, span))
}

/// What the arms' own names add to what they have in common: `[McpStringSchema, McpBoolSchema]` →
/// `[String, Bool]`. A name that adds nothing stays whole.
pub fn distinguishing(names: &[&str]) -> Vec<String> {
    let words: Vec<Vec<String>> =
        names.iter().map(|name| name.to_snake_case().split('_').map(str::to_owned).collect()).collect();
    let shortest = words.iter().map(Vec::len).min().unwrap_or_default();
    let prefix = (0..shortest).take_while(|i| words.iter().all(|w| w[*i] == words[0][*i])).count();
    let suffix = (0..shortest.saturating_sub(prefix))
        .take_while(|i| words.iter().all(|w| w[w.len() - 1 - i] == words[0][words[0].len() - 1 - i]))
        .count();
    let own = |words: &Vec<String>| match &words[prefix..words.len() - suffix] {
        [] => words.join("_").to_pascal_case(),
        own => own.join("_").to_pascal_case(),
    };
    words.iter().map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rule_for_every_name() {
        assert_eq!(
            method_fn("item/commandExecution/requestApproval"),
            "item_command_execution_request_approval"
        );
        assert_eq!(method_type("thread/realtime/listVoices"), "ThreadRealtimeListVoices");
        assert_eq!(field("_meta"), "meta");
        assert_eq!(field("$schema"), "schema");
        assert_eq!(variant("on-request"), "OnRequest");
        assert_eq!(variant("5h"), "V5h");
        assert_eq!((integer_variant(0), integer_variant(-12)), ("V0".to_owned(), "Minus12".to_owned()));
        assert_eq!((variant(""), field("m²")), ("V".to_owned(), "mub2".to_owned()));
        assert_eq!(ident("type").to_string(), "r#type");
        assert_eq!(ident("self").to_string(), "self_");
        assert_eq!(type_name("Result_of_CallToolResult_or_String"), "ResultOfCallToolResultOrString");
        assert_eq!(type_name("JSONRPCError"), "JSONRPCError");
    }

    #[test]
    fn values_that_would_collide_spell_their_separators() {
        assert_eq!(
            variants(["openai/form", "openaiForm", "url"].into_iter()),
            ["OpenaiSlashForm", "OpenaiForm", "Url"]
        );
        assert_eq!(variants(["a-b", "a_b"].into_iter()), ["ADashB", "AUnderscoreB"]);
    }

    #[test]
    fn arms_are_named_by_what_differs() {
        assert_eq!(
            distinguishing(&["McpElicitationStringSchema", "McpElicitationBooleanSchema"]),
            ["String", "Boolean"]
        );
        assert_eq!(distinguishing(&["Level", "LevelOrWord"]), ["Level", "OrWord"]);
    }
}
