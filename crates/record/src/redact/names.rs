//! Which member names say that their value is a secret.

/// Ends of names, letters and digits only. The first ten are those that the generated crates redact in
/// `Debug`; the others are of headers, environments and configuration files, which go over the wire as maps.
const ENDS: [&str; 17] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "authtoken",
    "bearertoken",
    "password",
    "privatekey",
    "secret",
    "secretaccesskey",
    "sessiontoken",
    "cookie",
    "passphrase",
    "passwd",
    "secretkey",
    "signingkey",
    "subscriptionkey",
    "token",
];

/// Names that count as a whole.
const WHOLE: [&str; 8] =
    ["authorization", "proxyauthorization", "bearer", "jwt", "apikeys", "cookies", "passwords", "secrets"];

/// Ends of names as they are written, in lower case: `DB_PASS`, `HTTP_AUTHORIZATION`, npm's `_auth`.
const WRITTEN_ENDS: [&str; 5] = ["_auth", "_authorization", "-authorization", "_pass", "_pat"];

/// Tokens that open nothing: cursors and handles.
const HARMLESS: [&str; 5] =
    ["cancellationtoken", "continuationtoken", "nexttoken", "pagetoken", "progresstoken"];

/// Whether a member of this name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let written = name.to_ascii_lowercase();
    let letters: String = written.chars().filter(char::is_ascii_alphanumeric).collect();
    let ends = ENDS.iter().any(|end| letters.ends_with(end));
    let harmless = HARMLESS.iter().any(|end| letters.ends_with(end));
    (ends && !harmless)
        || WHOLE.contains(&letters.as_str())
        || WRITTEN_ENDS.iter().any(|end| written.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn names_that_say_secret() {
        for name in [
            "token",
            "apiKey",
            "api_key",
            "OPENAI_API_KEY",
            "GITHUB_TOKEN",
            "CLIENT_SECRET",
            "refreshToken",
            "id_token",
            "client-private-key",
            "Authorization",
            "Proxy-Authorization",
            "HTTP_AUTHORIZATION",
            "x-api-key",
            "Set-Cookie",
            "password",
            "DB_PASS",
            "_auth",
        ] {
            assert!(is_secret(name), "{name}");
        }
    }

    #[test]
    fn names_that_only_look_like_it() {
        for name in [
            "tokenUsage",
            "totalTokens",
            "maxTokens",
            "userAuthorization",
            "progressToken",
            "cancellationToken",
            "publicKey",
            "accessKeyId",
            "envKey",
            "PWD",
            "isSecretive",
            "compass",
            "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
