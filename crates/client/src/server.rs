//! What the server says about itself.

use codex_appserver_methods::CODEX_VERSION;
use codex_appserver_requests::InitializeResponse;

use crate::error::Error;
use crate::settings::VersionCheck;

/// The answer to `initialize`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The user agent, as in `my_app/0.150.0 (Debian 13.0.0; x86_64)`: the client's name with the server's
    /// version.
    pub user_agent: String,
    /// The server's version, where the user agent has one.
    pub version: Option<String>,
    /// The server's `CODEX_HOME`.
    pub codex_home: String,
    /// The family of the server's platform, as in `unix`.
    pub platform_family: String,
    /// The server's operating system, as in `linux`.
    pub platform_os: String,
}

impl ServerInfo {
    pub(crate) fn new(response: InitializeResponse, client_name: &str) -> Self {
        let version = version(&response.user_agent, client_name).map(str::to_owned);
        Self {
            version,
            user_agent: response.user_agent,
            codex_home: response.codex_home,
            platform_family: response.platform_family,
            platform_os: response.platform_os,
        }
    }

    /// Compares the server's version with the one of the bindings.
    pub(crate) fn check(&self, check: VersionCheck) -> Result<(), Error> {
        if check == VersionCheck::Ignore || self.version.as_deref() == Some(CODEX_VERSION) {
            return Ok(());
        }
        if check == VersionCheck::Refuse {
            return Err(Error::Version { server: self.version.clone(), bindings: CODEX_VERSION });
        }
        tracing::warn!(
            server = self.version.as_deref().unwrap_or("unknown"),
            bindings = CODEX_VERSION,
            "the app-server is of another version than the bindings"
        );
        Ok(())
    }
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

    #[test]
    fn refuses_another_version_only_when_told_to() {
        let server = ServerInfo { version: Some("0.1.0".into()), ..ServerInfo::default() };
        assert!(server.check(VersionCheck::Warn).is_ok() && server.check(VersionCheck::Ignore).is_ok());
        let error = server.check(VersionCheck::Refuse).expect_err("another version").to_string();
        assert!(error.contains("0.1.0") && error.contains(CODEX_VERSION), "{error}");
    }
}
