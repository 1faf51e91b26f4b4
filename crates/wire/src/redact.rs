//! Keeps secrets out of logs.

use std::fmt;

/// Stands in for a secret in `Debug` output: says whether there is one, never which.
pub struct Redacted<'a, T>(pub &'a T);

impl fmt::Debug for Redacted<'_, String> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for Redacted<'_, Option<String>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some([redacted])" } else { "None" })
    }
}

/// Ends of names that say secret, letters and digits only. This list is the only one: the generator redacts members of
/// these names in `Debug` output, and the recorder masks them in traces.
const SECRET_ENDS: [&str; 10] = [
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
];

/// Whether a member of this name holds a secret, however the name is written: `apiKey`, `API_KEY`, `client-secret`.
///
/// This is what `Debug` output of the generated types redacts. The recorder masks more, since headers and environments
/// go through a trace as well.
pub fn is_secret_name(name: &str) -> bool {
    let letters: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    letters == "token" || SECRET_ENDS.iter().any(|end| letters.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::is_secret_name;

    #[test]
    fn names_say_secret_however_they_are_written() {
        for name in ["token", "apiKey", "OPENAI_API_KEY", "client-secret", "aws.SecretAccessKey"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "",
            "password2fa",
            "tokenUsage",
            "refreshToken",
            "publicKey",
            "accessKeyId",
            "secretive",
            "nextCursor",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
