//! What the server says about itself.

use codex_appserver_methods::CODEX_VERSION;
use codex_appserver_wire::{DecodeError, Release, decode};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::settings::VersionCheck;

/// The answer to `initialize`. What a server does not say about itself is `None`: codex 0.99 gives its user agent
/// alone, 0.115 its platform as well, and 0.117 its `CODEX_HOME`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The user agent, as in `my_app/0.150.0 (Debian 13.0.0; x86_64)`: the client's name with the server's
    /// version.
    pub user_agent: String,
    /// The server's version, where the user agent has one.
    pub version: Option<String>,
    /// The server's `CODEX_HOME`.
    pub codex_home: Option<String>,
    /// The family of the server's platform, as in `unix`.
    pub platform_family: Option<String>,
    /// The server's operating system, as in `linux`.
    pub platform_os: Option<String>,
}

impl ServerInfo {
    /// Reads the answer to `initialize`. The version is compared before anything else is looked at, so that a server
    /// that cannot be understood is told from one that is not wanted.
    pub(crate) fn read(result: String, client_name: &str, check: VersionCheck) -> Result<Self, Error> {
        let introduction = Introduced::decode(&result);
        let user_agent = introduction.as_ref().ok().and_then(|said| said.text("userAgent").ok().flatten());
        let version = user_agent.and_then(|agent| version(agent, client_name)).map(str::to_owned);
        if let Some(mismatch) = VersionMismatch::of(version.as_deref()) {
            match check {
                VersionCheck::Ignore => {}
                VersionCheck::Warn => tracing::warn!("{mismatch}"),
                VersionCheck::Refuse => {
                    return Err(Error::Version { server: mismatch.server, bindings: CODEX_VERSION });
                }
            }
        }
        introduction.and_then(|said| said.info(version)).map_err(|error| error.with_raw(result).into())
    }

    /// The number of the server's release, where it says one that looks like a release of codex.
    pub fn release(&self) -> Option<Release> {
        self.version.as_deref()?.parse().ok()
    }

    /// How the server's version differs from the one that these bindings are made for; `None` where it does not.
    pub fn mismatch(&self) -> Option<VersionMismatch> {
        VersionMismatch::of(self.version.as_deref())
    }

    /// Whether the server has a method, by its wire name. `None` where the server's version or the method is not known.
    ///
    /// The answer comes from the history of the protocol, not from the server. Some methods want to be asked for with
    /// `experimental_api(true)` all the same. A server that is newer than the bindings is taken to have all that they
    /// know.
    ///
    /// ```
    /// # fn example(client: &codex_appserver_client::blocking::Client) {
    /// if client.server().supports("thread/search") == Some(false) {
    ///     println!("this codex cannot search");
    /// }
    /// # }
    /// ```
    pub fn supports(&self, method: &str) -> Option<bool> {
        Some(self.release()? >= codex_appserver_methods::since(method)?)
    }
}

/// A server and bindings that are made for different versions of codex.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionMismatch {
    /// What the server says it is.
    pub server: Option<String>,
    /// What the bindings were generated from.
    pub bindings: &'static str,
}

impl VersionMismatch {
    fn of(server: Option<&str>) -> Option<Self> {
        let other = server != Some(CODEX_VERSION);
        other.then(|| Self { server: server.map(str::to_owned), bindings: CODEX_VERSION })
    }
}

impl std::fmt::Display for VersionMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.server {
            Some(server) => write!(f, "the app-server is codex {server}")?,
            None => f.write_str("the app-server does not say its version")?,
        }
        write!(f, "; these bindings are made for codex {}", self.bindings)
    }
}

/// The members of the answer.
struct Introduced(Map<String, Value>);

impl Introduced {
    fn decode(result: &str) -> Result<Self, DecodeError> {
        match decode::<Value>(result) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(wrong("", "expected an object")),
            Err(error) => Err(error.within("result").with_method("initialize")),
        }
    }

    /// A member that may be absent.
    fn text(&self, name: &'static str) -> Result<Option<&str>, DecodeError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "expected a string")),
        }
    }

    fn info(&self, version: Option<String>) -> Result<ServerInfo, DecodeError> {
        let text = |name| Ok::<_, DecodeError>(self.text(name)?.map(str::to_owned));
        Ok(ServerInfo {
            user_agent: text("userAgent")?.ok_or_else(|| wrong("", "missing field `userAgent`"))?,
            version,
            codex_home: text("codexHome")?,
            platform_family: text("platformFamily")?,
            platform_os: text("platformOs")?,
        })
    }
}

fn wrong(member: &str, problem: &str) -> DecodeError {
    let error = DecodeError::other(problem);
    let error = if member.is_empty() { error } else { error.within(member) };
    error.within("result").with_method("initialize")
}

/// The version in a user agent: what follows the client's own name, else the first word after a slash.
fn version<'a>(user_agent: &'a str, client_name: &str) -> Option<&'a str> {
    let own = user_agent.strip_prefix(client_name).and_then(|rest| rest.strip_prefix('/'));
    let rest = own.or_else(|| user_agent.split_once('/').map(|(_, rest)| rest))?;
    let version = rest.split_whitespace().next()?;
    version.starts_with(|first: char| first.is_ascii_digit()).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_version() {
        assert_eq!(version("my_app/0.150.0 (Debian 13.0.0; x86_64) unknown", "my_app"), Some("0.150.0"));
        assert_eq!(version("an app/2 x/0.170.0-alpha.1 (x)", "an app/2 x"), Some("0.170.0-alpha.1"));
        assert_eq!(version("other/0.99.0", "my_app"), Some("0.99.0"));
        for none in ["", "my_app", "my_app/", "my_app/unknown (x)"] {
            assert_eq!(version(none, "my_app"), None, "{none}");
        }
    }

    fn read(result: &str, check: VersionCheck) -> Result<ServerInfo, Error> {
        ServerInfo::read(result.into(), "app", check)
    }

    /// What is wrong with an answer counts only where the version is accepted.
    #[test]
    fn the_version_is_compared_before_anything_is_decoded() {
        let broken = r#"{"userAgent": "app/0.1.0 (x)", "codexHome": 5}"#;
        let error = read(broken, VersionCheck::Refuse).expect_err("another version");
        assert!(
            matches!(&error, Error::Version { server: Some(server), .. } if server == "0.1.0"),
            "{error}"
        );
        let text = error.to_string();
        assert!(text.contains("0.1.0") && text.contains(CODEX_VERSION), "{text}");
        for check in [VersionCheck::Warn, VersionCheck::Ignore] {
            let error = read(broken, check).expect_err("no string").to_string();
            assert!(error.contains("initialize: result.codexHome: expected a string"), "{error}");
        }
        for nameless in ["{}", "[]", r#"{"userAgent": 5}"#] {
            let error = read(nameless, VersionCheck::Refuse).expect_err("no version");
            assert!(matches!(error, Error::Version { server: None, .. }), "{error}");
            assert!(matches!(read(nameless, VersionCheck::Warn), Err(Error::Decode(_))), "{nameless}");
        }
    }

    #[test]
    fn a_mismatch_names_both_versions() {
        let info = read(r#"{"userAgent": "app/0.114.0 (x)"}"#, VersionCheck::Warn).expect("all that it says");
        let text = info.mismatch().expect("another version").to_string();
        let expected = "the app-server is codex 0.114.0; these bindings are made for codex ";
        assert_eq!(text, format!("{expected}{CODEX_VERSION}"));
        assert_eq!((info.codex_home, info.platform_family, info.platform_os), (None, None, None));
        let same = ServerInfo { version: Some(CODEX_VERSION.into()), ..ServerInfo::default() };
        assert_eq!(same.mismatch(), None);
        let unknown = ServerInfo::default().mismatch().expect("no version").to_string();
        assert!(unknown.starts_with("the app-server does not say its version; "), "{unknown}");
    }

    #[test]
    fn the_history_says_what_a_server_has() {
        let server = |version: &str| ServerInfo { version: Some(version.into()), ..ServerInfo::default() };
        for (version, method, expected) in [
            ("0.133.0", "thread/search", Some(false)),
            ("0.134.0", "thread/search", Some(true)),
            ("0.134.0-alpha.1", "thread/search", Some(true)),
            ("99.0.0", "thread/search", Some(true)),
            ("0.99.0", "turn/completed", Some(true)),
            ("0.99.0", "no/such/method", None),
            ("newest", "thread/search", None),
        ] {
            assert_eq!(server(version).supports(method), expected, "{version} {method}");
        }
        assert_eq!(ServerInfo::default().supports("thread/start"), None);
    }
}
