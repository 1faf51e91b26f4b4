//! Redaction of any JSON: the structure stays, a second time changes nothing, and no secret gets through.

use std::borrow::Cow;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use codex_appserver_record::Redactor;
use proptest::prelude::*;

fn redactor() -> Redactor {
    Redactor::new().home(Path::new("/home/ann"))
}

/// JSON as text, so that numbers, escapes, blanks and members that occur twice are as wild as they can be.
fn json(string: BoxedStrategy<String>, name: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let literal = (string, any::<u64>()).prop_map(|(text, escapes)| quoted(&text, escapes));
    let name = (name, any::<u64>()).prop_map(|(text, escapes)| quoted(&text, escapes));
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?",
        literal.clone(),
        literal,
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let members = proptest::collection::vec((name.clone(), "[ \t]?", inner.clone()), 0..5);
        let items = proptest::collection::vec(("[ \n]?", inner), 0..5);
        prop_oneof![
            members.prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, blank, value)| format!("{name}{blank}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
            items.prop_map(|items| {
                let items: Vec<_> = items.iter().map(|(blank, value)| format!("{blank}{value}")).collect();
                format!("[{}]", items.join(","))
            }),
        ]
    })
    .boxed()
}

/// A string literal; the bits of `escapes` say which characters are escaped though they need not be.
fn quoted(text: &str, escapes: u64) -> String {
    let mut literal = String::from("\"");
    for (index, c) in text.chars().enumerate() {
        let needed = c < ' ' || c == '"' || c == '\\';
        if needed || (escapes >> (index % 64)) & 1 == 1 {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                literal.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            literal.push(c);
        }
    }
    literal + "\""
}

/// The text with every string emptied.
fn skeleton(json: &str) -> String {
    let mut skeleton = String::new();
    let mut chars = json.chars();
    while let Some(c) = chars.next() {
        skeleton.push(c);
        if c != '"' {
            continue;
        }
        while let Some(c) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '"' => break,
                _ => {}
            }
        }
    }
    skeleton
}

/// Pieces that provoke every rule, put together at random.
fn spicy() -> BoxedStrategy<String> {
    let piece = prop_oneof![
        "[ -~]{0,6}",
        "\\PC{0,3}",
        Just("sk-abcdefgh1234".to_owned()),
        Just("Bearer abcdefgh".to_owned()),
        Just("ann@corp.example".to_owned()),
        Just("/home/ann".to_owned()),
        Just("token".to_owned()),
        Just("--api-key".to_owned()),
        Just("password: \"".to_owned()),
        Just("=".to_owned()),
        Just("https://a:".to_owned()),
        Just("Cookie: ".to_owned()),
        Just("secret: abcd1234 ".to_owned()),
        Just("&code=ab".to_owned()),
        Just("%2Fhome%2Fann".to_owned()),
        Just(BASE64_STANDARD.encode("é ann@corp.example")),
        Just("[[\"Cookie\",\"x\"]]".to_owned()),
        Just("{\"secret\":\"x\"}".to_owned()),
        Just("[\"a@b.cd\", 1.0".to_owned()),
        Just("\\\"".to_owned()),
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat()).boxed()
}

fn names() -> BoxedStrategy<String> {
    prop_oneof![
        Just("name".to_owned()),
        Just("value".to_owned()),
        Just("apiKey".to_owned()),
        Just("auth".to_owned()),
        Just("dataBase64".to_owned()),
        "[a-z]{0,4}",
        spicy()
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_structure_stays(text in json(spicy(), names())) {
        let masked = redactor().text(&text).into_owned();
        prop_assert_eq!(skeleton(&masked), skeleton(&text));
        prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&masked).is_ok(), "{}", masked);
    }

    #[test]
    fn a_second_time_changes_nothing(text in prop_oneof![json(spicy(), names()), spicy()]) {
        let redactor = redactor();
        let once = redactor.text(&text).into_owned();
        let twice = redactor.text(&once);
        prop_assert_eq!(&*twice, &*once, "from {}", text);
    }

    #[test]
    fn what_holds_no_secret_is_the_same_bytes(text in json("[a-z/ .\\\\\"é\n]{0,9}".boxed(), "[a-j ]{0,4}".boxed())) {
        prop_assert!(matches!(redactor().text(&text), Cow::Borrowed(_)), "{}", text);
    }

    /// A secret in a string, by shape or by name, with any escapes, opened or nested, is gone.
    #[test]
    fn no_secret_gets_through(
        around in json(spicy(), names()),
        escapes in any::<u64>(),
        secret in prop_oneof![
            Just(("x", "a sk-canary0123456 b")),
            Just(("x", "mail canary@corp.example")),
            Just(("x", "in /home/ann/canary")),
            Just(("x", "run --token canary")),
            Just(("dbPassword", "canary")),
            Just(("GITHUB_TOKEN", "Canary words")),
            Just(("x", "[[\"Cookie\",\"canary\"]]")),
            Just(("x", "secret: canary01 b")),
            Just(("x", "in %2Fhome%2Fann%2Fcanary")),
            // Base64 of `a sk-canary0123456 b`.
            Just(("dataBase64", "YSBzay1jYW5hcnkwMTIzNDU2IGI=")),
        ],
        nested in any::<bool>(),
    ) {
        let (name, value) = secret;
        let member = format!("{{{}:{}}}", quoted(name, escapes), quoted(value, escapes.rotate_left(9)));
        let member = if nested { quoted(&member, escapes.rotate_left(23)) } else { member };
        let text = format!("[{around},{member},{around}]");
        let masked = redactor().text(&text).into_owned();
        let decoded: serde_json::Value = serde_json::from_str(&masked).unwrap();
        let decoded = decoded[1].to_string();
        let shown = match value {
            _ if value.contains("home") => "ann",
            _ if name == "dataBase64" => "zay1jYW5hcnkwMTIz",
            _ => "anary",
        };
        prop_assert!(!decoded.contains(shown), "{} of {}", decoded, text);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = redactor().text(&text);
    }
}
