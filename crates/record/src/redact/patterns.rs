//! Secrets and personal data that a text gives away by its shape.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::names::is_secret;

/// Names that say secret, at the end of a word in a text.
const NAMES: &str = "(?:api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|token|secret|password|\
     passwd|passphrase|authorization|cookie|credentials|(?:device|pairing|user)[_-]?code)";

/// Tokens that their first letters tell.
const TOKENS: &str = concat!(
    r"(?-u:\b)(?:",
    r"(?:sk|sess)-[A-Za-z0-9_-]{8,}",
    r"|gh[a-z]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{16,}",
    r"|xox[a-z]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}",
    // A JSON web token is three parts; without the last one the second has to look like JSON as well.
    r"|eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)+",
    r"|eyJ[A-Za-z0-9_-]{4,}\.eyJ[A-Za-z0-9_-]{4,}",
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?-u:\b)",
    r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,}",
    r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{32,}|hf_[A-Za-z0-9]{20,}",
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{8,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    ")",
);

/// A name and its value without quotes: `client_secret: 0aB1…`, `aws_session_token = …`.
///
/// What follows such a name is as often prose or code (`token: usage`, `token: self.session_token,`) or a count
/// (`token: 1234`), so a value is taken for a secret only if it is a word of at least eight characters, with a
/// letter and a digit among them, and if no bracket shows it to be a call or a type.
static UNQUOTED: LazyLock<Regex> = LazyLock::new(|| {
    let regex = concat!(
        r#"(?i)([a-z0-9_-]*(?:NAMES|auth))(["']?[ \t]*[:=]>?[ \t]*)"#,
        r#"([^\s"'`\\,;&|<>(){}\[\]:=>$][^\s"'`\\,;&|<>(){}\[\]]{7,})([\s"'`\\,;&|)}\]]|\z)"#,
    );
    Regex::new(&regex.replace("NAMES", NAMES)).expect("the pattern is tested")
});

fn mask_unquoted(text: &str) -> Cow<'_, str> {
    UNQUOTED.replace_all(text, |found: &Captures<'_>| {
        let (name, value) = (&found[1], &found[3]);
        let is_mixed =
            value.contains(|c: char| c.is_ascii_digit()) && value.contains(|c: char| c.is_ascii_alphabetic());
        match is_mixed && is_secret(name) {
            true => format!("{name}{}[redacted]{}", &found[2], &found[4]),
            false => found[0].to_owned(),
        }
    })
}

/// A shape and what it becomes.
struct Pattern {
    regex: Regex,
    becomes: &'static str,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let pattern = |regex: &str, becomes| Pattern {
        regex: Regex::new(&regex.replace("NAMES", NAMES)).expect("the patterns are tested"),
        becomes,
    };
    vec![
        pattern(
            r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)",
            "[redacted]",
        ),
        // https://user:password@host
        pattern(r#"://[^\s/@:"'\\]*:[^\s/@"'\\]+@"#, "://[redacted]@"),
        // Authorization: Basic dXNlcjpwYXNz
        pattern(
            r#"(?i)((?-u:\b)(?:(?:proxy-)?authorization|(?:set-)?cookie|[a-z0-9]+-NAMES|x-auth(?:-[a-z0-9]+)*)\s*:[ \t]*)[^\s"'\\][^\r\n"'\\]*"#,
            "${1}[redacted]",
        ),
        // "apiKey": "…", api_key = '…', and the same inside of a string: \"apiKey\":\"…\"
        pattern(r#"(?is)(NAMES["']?\s*[:=]>?\s*")(?:[^"\\]|\\.)+"#, "${1}[redacted]"),
        pattern(r#"(?is)(NAMES["']?\s*[:=]>?\s*')[^']+"#, "${1}[redacted]"),
        pattern(r#"(?i)(NAMES\\+["']\s*:\s*\\+["'])[^"'\\]+"#, "${1}[redacted]"),
        // OPENAI_API_KEY=…, ?token=…
        pattern(r#"(?i)(NAMES=)[^\s"'\\&;,<>()\[\]{}=][^\s"'\\&;,<>()\[\]{}]*"#, "${1}[redacted]"),
        // ?code=…, X-Amz-Signature=…: they mean a secret in a URL only.
        pattern(
            r#"(?i)((?:[?&#]|&amp;)(?:(?:x-[a-z]+-)?(?:signature|credential)|sig|code)=)[^\s"'\\&;,<>()\[\]{}=][^\s"'\\&;,<>()\[\]{}]*"#,
            "${1}[redacted]",
        ),
        // Who has the address of a webhook can post.
        pattern(r"(?i)(hooks\.slack\.com/(?:services|workflows|triggers)/)[a-z0-9/_-]+", "${1}[redacted]"),
        // --api-key …
        pattern(r#"(?i)(--[a-z0-9-]*NAMES[ \t]+["']?)[^\s"'\\\[-][^\s"'\\]*"#, "${1}[redacted]"),
        pattern(r"(?i)((?-u:\b)bearer[ \t]+)[a-z0-9._~+/=-]{6,}", "${1}[redacted]"),
        pattern(TOKENS, "[redacted]"),
        pattern(
            r"[\p{L}\p{N}._%+-]+(@|%40)(?:[\p{L}\p{N}][\p{L}\p{N}-]*\.)+(?:xn--[a-z0-9-]+|\p{L}{2,})",
            "user${1}example.com",
        ),
    ]
});

/// `None` where nothing changes.
pub(super) fn mask(text: &str) -> Option<String> {
    let mut masked = Cow::Borrowed(text);
    if let Cow::Owned(changed) = mask_unquoted(&masked) {
        masked = Cow::Owned(changed);
    }
    for pattern in PATTERNS.iter() {
        // A mask can match again and become itself.
        if let Cow::Owned(changed) = pattern.regex.replace_all(&masked, pattern.becomes) {
            masked = Cow::Owned(changed);
        }
    }
    (masked != text).then(|| masked.into_owned())
}
