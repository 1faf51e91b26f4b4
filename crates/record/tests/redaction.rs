//! What is masked, and what is not.

use std::borrow::Cow;
use std::path::Path;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use codex_appserver_record::{Content, Redactor};

fn redactor() -> Redactor {
    Redactor::new().home(Path::new("/home/ann"))
}

fn masked(text: &str) -> String {
    redactor().text(text).into_owned()
}

fn unchanged(text: &str) {
    assert!(matches!(redactor().text(text), Cow::Borrowed(_)), "{text} became {}", masked(text));
}

const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r";

#[test]
fn members_whose_names_say_secret() {
    assert_eq!(
        masked(r#"{"id": 1, "params": {"apiKey": "abc", "refreshToken":"d", "accessKeyId" : "e"}}"#),
        r#"{"id": 1, "params": {"apiKey": "[redacted]", "refreshToken":"[redacted]", "accessKeyId" : "e"}}"#
    );
    assert_eq!(
        masked(r#"{"\u0074oken":"a","token":"b"}"#),
        r#"{"\u0074oken":"[redacted]","token":"[redacted]"}"#
    );
    assert_eq!(
        masked(
            r#"{"env":{"MY_API_KEY":"a","HOST":"b"},"headers":{"Authorization":"Basic c","Cookie":"d=e"}}"#
        ),
        r#"{"env":{"MY_API_KEY":"[redacted]","HOST":"b"},"headers":{"Authorization":"[redacted]","Cookie":"[redacted]"}}"#
    );
}

#[test]
fn below_a_secret_name_only_strings_change() {
    unchanged(r#"{"token":1.50e+3,"apiKey":null,"password":true,"secret":[],"cookie":""}"#);
    assert_eq!(
        masked(r#"{"secret":{"a":["x",7,{"b":"y","c":null}]},"d":"z"}"#),
        r#"{"secret":{"a":["[redacted]",7,{"b":"[redacted]","c":null}]},"d":"z"}"#
    );
}

#[test]
fn names_and_values_as_pairs() {
    assert_eq!(
        masked(
            r#"[{"name":"Cookie","value":"a"},{"value":"b","name":"X-Api-Key"},{"name":"Accept","value":"c"}]"#
        ),
        r#"[{"name":"Cookie","value":"[redacted]"},{"value":"[redacted]","name":"X-Api-Key"},{"name":"Accept","value":"c"}]"#
    );
    assert_eq!(
        masked(r#"["run","--api-key","abc","-v","def",["--token"],"ghi"]"#),
        r#"["run","--api-key","[redacted]","-v","def",["--token"],"ghi"]"#
    );
    assert_eq!(
        masked(r#"{"headers":[["Authorization","a"],["Accept","b"],["X-Auth-Key", "c"]]}"#),
        r#"{"headers":[["Authorization","[redacted]"],["Accept","b"],["X-Auth-Key", "[redacted]"]]}"#
    );
    // Lists of names, not pairs of a name and a value.
    unchanged(r#"{"required":["token","id"],"rows":[["password","id","x"],["token"],["the token","x"]]}"#);
}

/// An `auth` is a secret or says how one logs in, which a reader of the trace must be able to decode.
#[test]
fn codes_and_credentials() {
    assert_eq!(
        masked(r#"{"userCode":"AB-CD","pairingCode":"x","credentials":{"user":"a","n":1},"auth":"YTpi"}"#),
        r#"{"userCode":"[redacted]","pairingCode":"[redacted]","credentials":{"user":"[redacted]","n":1},"auth":"[redacted]"}"#
    );
    assert_eq!(
        masked(r#"{"auth":{"mode":"none","password":"x"},"mode":"y"}"#),
        r#"{"auth":{"mode":"none","password":"[redacted]"},"mode":"y"}"#
    );
    // Where settings come from, as `config/read` tells it.
    unchanged(
        r#"{"p.requires_openai_auth":{"name":{"type":"user"}},"p.bearer_token":{"name":{"type":"user"}}}"#,
    );
    assert_eq!(masked(r#"{"p.bearer_token":"abc"}"#), r#"{"p.bearer_token":"[redacted]"}"#);
}

#[test]
fn text_in_base64() {
    let encoded = |text: &[u8]| BASE64_STANDARD.encode(text);
    let secret = "OPENAI_API_KEY=abc\nann@corp.example /home/ann/x é";
    let expected = encoded("OPENAI_API_KEY=[redacted]\nuser@example.com /home/user/x é".as_bytes());
    for name in ["deltaBase64", "dataBase64", "chunk_base64", "b64", "blob"] {
        for given in [encoded(secret.as_bytes()), BASE64_STANDARD_NO_PAD.encode(secret)] {
            assert_eq!(
                masked(&format!(r#"{{"{name}":"{given}","n":1}}"#)),
                format!(r#"{{"{name}":"{expected}","n":1}}"#)
            );
            // Pieces in a list, and JSON in base64 in JSON.
            let json = |text: &str| encoded(format!(r#"{{"{name}":["{text}"]}}"#).as_bytes());
            assert_eq!(
                masked(&format!(r#"{{"{name}":"{}"}}"#, json(&given))),
                format!(r#"{{"{name}":"{}"}}"#, json(&expected))
            );
        }
    }
    // The output of a command is cut within characters.
    let (before, after) = (b"\x9f\x98\x80".as_slice(), b"\xf0\x9f".as_slice());
    let cut = |text: &str| {
        format!(r#"{{"deltaBase64":"{}"}}"#, encoded(&[before, text.as_bytes(), after].concat()))
    };
    assert_eq!(masked(&cut("a sk-abcdefgh1234 b")), cut("a [redacted] b"));

    unchanged(r#"{"dataBase64":"aGVsbG8","deltaBase64":"","b64":"/w=="}"#);
    // What is no text is left alone, and what is no base64 is a string like any other.
    unchanged(&format!(r#"{{"dataBase64":"{}"}}"#, encoded(b"\xff\xfe sk-abcdefgh1234")));
    assert_eq!(masked(r#"{"dataBase64":"ann@corp.example"}"#), r#"{"dataBase64":"user@example.com"}"#);
    // Elsewhere base64 is text.
    unchanged(&format!(r#"{{"text":"{}"}}"#, encoded(b"sk-abcdefgh1234")));
}

#[test]
fn values_without_quotes() {
    let cases = [
        ("client_secret: x7Hq-09_Lm.", "client_secret: [redacted]"),
        ("a\n  password: hunter22hunter\nb", "a\n  password: [redacted]\nb"),
        ("aws_session_token = IQoJ/b3Jp+Z2luX2Vj==, x", "aws_session_token = [redacted], x"),
        ("{token: abcd1234, 'secret': efgh5678}", "{token: [redacted], 'secret': [redacted]}"),
        ("url:token: abcd1234", "url:token: [redacted]"),
        ("_auth = dXNlcjE6cHc=", "_auth = [redacted]"),
        ("X-Auth-Key: a b", "X-Auth-Key: [redacted]"),
    ];
    for (text, expected) in cases {
        assert_eq!(masked(text), expected);
    }
    for text in [
        "token: usage",
        "Tokens: 1234",
        "token: 1234567890",
        "total_tokens: 12345abcdef",
        "nextToken: abcd1234efgh",
        "token: self.cancellation_token,",
        "secret = sha256_of(input)",
        "token: Vec1234<String>",
        "token == expected1234",
        "password: ${PASSWORD_1234}",
        "oauth: version2.0.1",
    ] {
        unchanged(text);
    }
}

#[test]
fn secrets_in_urls() {
    let cases = [
        ("http://localhost:1455/cb?code=abc&state=d", "http://localhost:1455/cb?code=[redacted]&state=d"),
        ("https://x/?a=1&amp;sig=a%2Fb c", "https://x/?a=1&amp;sig=[redacted] c"),
        (
            "s3?X-Amz-Credential=AK%2F1&X-Amz-Date=2&X-Amz-Signature=fe",
            "s3?X-Amz-Credential=[redacted]&X-Amz-Date=2&X-Amz-Signature=[redacted]",
        ),
        ("https://x/#signature=ab", "https://x/#signature=[redacted]"),
        ("x/activate?user_code=AB-CD", "x/activate?user_code=[redacted]"),
        ("https://hooks.slack.com/services/T0/B0/x9 b", "https://hooks.slack.com/services/[redacted] b"),
        ("?dir=%2Fhome%2Fann%2Fx", "?dir=%2Fhome%2Fuser%2Fx"),
    ];
    for (text, expected) in cases {
        assert_eq!(masked(text), expected);
    }
    for text in
        ["exit code=1", "let sig=1;", "?barcode=12", "?dir=%2Fhome%2Fanna", "https://hooks.slack.com/"]
    {
        unchanged(text);
    }
}

#[test]
fn tokens_by_their_shape() {
    let tokens = [
        "sk-abcdEFGH1234",
        "sk-proj-abc_DEF-123456",
        "sess-0123456789abcdef",
        "ghp_0123456789abcdefABCDEF0123456789abcd",
        "gho_0123456789abcdefABCD",
        "github_pat_0123456789_abcdefghij",
        "glpat-0123456789abcdefghij",
        "xoxb-1234567890-abcdef",
        "xapp-1-A0123-456",
        "AKIAIOSFODNN7EXAMPLE",
        "AIzaSyA0123456789abcdefghijklmnopqrstuv",
        "npm_0123456789abcdefghijABCDEFGHIJ012345",
        "hf_abcdefghijABCDEFGHIJ",
        JWT,
    ];
    for token in tokens {
        assert_eq!(
            masked(&format!("{{\"text\":\"a {token}.\"}}")).matches("[redacted]").count(),
            1,
            "{token}"
        );
        assert!(!masked(&format!("key: ({token})")).contains(token), "{token}");
    }
    assert_eq!(masked(r#"{"h":"Bearer abc.def-123"}"#), r#"{"h":"Bearer [redacted]"}"#);
    for text in [
        "task-0123456789",
        "sk-",
        "ask-me-anything",
        "the bearer of news",
        "AKIAX",
        "eyJhbGciOiJ9",
        "0.150.0",
    ] {
        unchanged(text);
    }
}

#[test]
fn addresses_and_homes() {
    assert_eq!(
        masked(r#"{"cwd":"/home/ann/x","who":"Ann <ann.o+x@mail.corp.example>","other":"/home/anna"}"#),
        r#"{"cwd":"/home/user/x","who":"Ann <user@example.com>","other":"/home/anna"}"#
    );
    // Names of members as well: projects are keyed by their folder.
    assert_eq!(masked(r#"{"/home/ann/p":{"a@b.io":1}}"#), r#"{"/home/user/p":{"user@example.com":1}}"#);
    assert_eq!(masked("mailto:jörg%40müller.example?x"), "mailto:user%40example.com?x");
    for text in ["@openai/codex@0.150.0", "user@example.com", "a@b", "user@10.0.0.1", "/home/user/x"] {
        unchanged(text);
    }
}

#[test]
fn escapes_hide_nothing() {
    assert_eq!(masked(r#"{"a":"\/home\/ann\/x","b":"\/x"}"#), r#"{"a":"/home/user/x","b":"\/x"}"#);
    assert_eq!(masked(r#"["ann\u0040corp.example"]"#), r#"["user@example.com"]"#);
    assert_eq!(masked(r#"["\u0073k-abcdefgh1234 \"é\u00e9\n"]"#), r#"["[redacted] \"éé\n"]"#);
    // Half a surrogate pair is kept unless something stands beside it.
    unchanged(r#"["\ud800"]"#);
    assert!(!masked(r#"["\ud800 sk-abcdefgh1234"]"#).contains("sk-"));
}

#[test]
fn json_inside_of_strings() {
    let arguments = |text: &str| serde_json::json!({ "arguments": text }).to_string();
    let inner = r#"{"env":{"A_TOKEN":"abc"},"n":1.0,"cmd":"cat \/home\/ann\/x"}"#;
    let expected = r#"{"env":{"A_TOKEN":"[redacted]"},"n":1.0,"cmd":"cat /home/user/x"}"#;
    assert_eq!(masked(&arguments(inner)), arguments(expected));
    assert_eq!(masked(&arguments(&arguments(inner))), arguments(&arguments(expected)));
    // Several values, and a last one that is cut off.
    let lines = "{\"token\":\"a\"}\n{\"token\":\"b\"}\n{\"token\":\"c";
    let expected = "{\"token\":\"[redacted]\"}\n{\"token\":\"[redacted]\"}\n{\"token\":\"[redacted]";
    assert_eq!(masked(&arguments(lines)), arguments(expected));
}

#[test]
fn text_that_is_no_json() {
    let cases = [
        ("export OPENAI_API_KEY=abc && run", "export OPENAI_API_KEY=[redacted] && run"),
        ("GET /?token=abc&x=1", "GET /?token=[redacted]&x=1"),
        ("password: \"a b\\\" c\"", "password: \"[redacted]\""),
        ("api_key = 'abc'", "api_key = '[redacted]'"),
        (r#"said {\"apiKey\":\"abc\"}"#, r#"said {\"apiKey\":\"[redacted]\"}"#),
        ("curl -H \"Authorization: Basic YTpi\" x", "curl -H \"Authorization: [redacted]\" x"),
        ("Cookie: a=b; c=d\r\nHost: e", "Cookie: [redacted]\r\nHost: e"),
        ("X-Auth-Token: abc", "X-Auth-Token: [redacted]"),
        ("login --password abc -v", "login --password [redacted] -v"),
        ("https://bob:pw@host.example/x", "https://[redacted]@host.example/x"),
        ("a\n-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nb", "a\n[redacted]\nb"),
        ("{\"a\": sk-abcdefgh1234", "{\"a\": [redacted]"),
    ];
    for (text, expected) in cases {
        assert_eq!(masked(text), expected);
    }
    for text in [
        "let token = next();",
        "fn f(token: String)",
        "tokens: 5",
        "if a == b {}",
        "",
        "[1, 2",
        "--token --x",
    ] {
        unchanged(text);
    }
}

/// What is masked can make JSON of a text that was none.
#[test]
fn what_one_pattern_leaves_to_the_next() {
    assert_eq!(
        masked(r#"{"password":"a\qb","cookies":["x"]}"#),
        r#"{"password":"[redacted]","cookies":["[redacted]"]}"#
    );
}

#[test]
fn nesting_without_end() {
    for depth in [1_000, 20_000, 500_000] {
        let nest = |inner: &str| format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(masked(&nest(r#"{"apiKey":"abc","n":1}"#)), nest(r#"{"apiKey":"[redacted]","n":1}"#));
    }
    // Strings of strings of strings.
    let mut text = r#"{"token":"abcdefgh"}"#.to_owned();
    for _ in 0..12 {
        text = serde_json::json!([text]).to_string();
    }
    assert!(!masked(&text).contains("abcdefgh"));
}

#[test]
fn bytes_that_are_no_text() {
    let content = |bytes: &[u8]| redactor().content(Content::Bytes(bytes.to_vec()));
    assert_eq!(content(b"\xff plain"), Content::Bytes(b"\xff plain".to_vec()));
    let Content::Bytes(bytes) = content(b"\xff sk-abcdefgh1234") else { panic!("still bytes") };
    assert_eq!(bytes, "\u{fffd} [redacted]".as_bytes());
}

/// The recordings of this repository hold no secret, and a reader must be able to decode what redaction leaves.
#[test]
fn recordings_without_secrets_stay_as_they_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/recorded");
    let mut lines = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let recording = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        recording.lines().for_each(unchanged);
        lines += recording.lines().count();
    }
    assert!(lines > 0);
}
