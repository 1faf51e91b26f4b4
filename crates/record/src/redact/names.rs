//! Which member names say that their value is a secret.

use codex_appserver_wire::is_secret_name;

/// Ends of names, letters and digits only, beside those of [`is_secret_name`], which `Debug` redacts as well. These are
/// of headers, environments and configuration files, which go over the wire as maps.
const ENDS: [&str; 10] = [
    "cookie",
    "passphrase",
    "passwd",
    "secretkey",
    "signingkey",
    "subscriptionkey",
    "token",
    // Codes that log in or pair whoever has them. A person has to see them, so that `Debug` shows them.
    "devicecode",
    "pairingcode",
    "usercode",
];

/// Names that count as a whole.
const WHOLE: [&str; 11] = [
    "authorization",
    "proxyauthorization",
    "bearer",
    "jwt",
    "apikeys",
    "cookies",
    "passwords",
    "secrets",
    "credentials",
    "auth",
    "xauth",
];

/// Starts of names as they are written, in lower case: `X-Auth-Key`, but not `XAUTHORITY`.
const WRITTEN_STARTS: [&str; 2] = ["x-auth-", "x_auth_"];

/// Ends of names as they are written, in lower case: `DB_PASS`, `HTTP_AUTHORIZATION`, npm's `_auth`.
const WRITTEN_ENDS: [&str; 5] = ["_auth", "_authorization", "-authorization", "_pass", "_pat"];

/// Tokens that open nothing: cursors and handles.
const HARMLESS: [&str; 5] =
    ["cancellationtoken", "continuationtoken", "nexttoken", "pagetoken", "progresstoken"];

/// Whether a member of this name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let written = name.to_ascii_lowercase();
    let letters: String = written.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = without_base64(&letters).unwrap_or(&letters);
    let ends = ENDS.iter().any(|end| letters.ends_with(end));
    let harmless = HARMLESS.iter().any(|end| letters.ends_with(end));
    is_secret_name(letters)
        || (ends && !harmless)
        || WHOLE.contains(&letters)
        || WRITTEN_STARTS.iter().any(|start| written.starts_with(start))
        || WRITTEN_ENDS.iter().any(|end| written.ends_with(end))
}

/// Whether a member of this name, where it is no string, says something about a secret and is none itself:
/// how one logs in (`{"auth":{"mode":"none"}}`), or where a setting comes from (`{"mcp.x.token":{"name":…}}`).
/// What of it is secret has a name of its own.
pub(super) fn is_about_secret(name: &str) -> bool {
    let written = name.to_ascii_lowercase();
    written == "auth" || written.ends_with("_auth") || written.contains('.')
}

/// Whether a member of this name holds base64: `dataBase64`, `chunk_b64`, and `blob` as in MCP resources.
pub(super) fn is_base64(name: &str) -> bool {
    name == "blob" || without_base64(&name.to_ascii_lowercase()).is_some()
}

fn without_base64(name: &str) -> Option<&str> {
    name.strip_suffix("base64").or_else(|| name.strip_suffix("b64"))
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
            "X-Auth-Key",
            "x-auth",
            "auth",
            "credentials",
            "userCode",
            "device_code",
            "manualPairingCode",
            "passwordBase64",
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
            "XAUTHORITY",
            "author",
            "environmentCredentials",
            "exitCode",
            "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
