//! Who the server is.

use codex_appserver_client::ServerInfo;

use crate::error::Error;

/// What the server says about itself when it is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The first part of the user agent: codex puts the client's own name there.
    pub server_name: String,
    /// The version of codex.
    pub server_version: String,
    /// The whole user agent, as in `my_app/0.150.0 (Debian 13.0.0; x86_64)`.
    pub user_agent: String,
    /// The family of the server's platform, as in `unix`, where the server says it.
    pub platform_family: Option<String>,
    /// The server's operating system, as in `linux`, where the server says it.
    pub platform_os: Option<String>,
    /// The server's `CODEX_HOME`, where the server says it.
    pub codex_home: Option<String>,
}

impl Metadata {
    /// Whether the server has a method, by its wire name. `None` where the method is not known, or the server's version
    /// is no release of codex.
    ///
    /// The answer comes from the history of the protocol, not from the server. Some methods want to be asked for with
    /// `experimental_api(true)` all the same. A server that is newer than the bindings is taken to have all that they
    /// know.
    pub fn supports(&self, method: &str) -> Option<bool> {
        let server: codex_appserver_client::wire::Release = self.server_version.parse().ok()?;
        Some(server >= codex_appserver_methods::since(method)?)
    }

    pub(crate) fn of(server: &ServerInfo) -> Result<Self, Error> {
        let lacks = |missing| Error::Metadata { missing, user_agent: server.user_agent.clone() };
        let name = server.user_agent.split_once('/').map(|(name, _)| name.trim());
        let server_name = name.filter(|name| !name.is_empty()).ok_or_else(|| lacks("server name"))?;
        let server_version = server.version.clone().ok_or_else(|| lacks("server version"))?;
        Ok(Self {
            server_name: server_name.to_owned(),
            server_version,
            user_agent: server.user_agent.clone(),
            platform_family: server.platform_family.clone(),
            platform_os: server.platform_os.clone(),
            codex_home: server.codex_home.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_to_say_who_it_is() {
        let of = |user_agent: &str, version: Option<&str>| {
            let mut server = ServerInfo::default();
            server.user_agent = user_agent.into();
            server.version = version.map(Into::into);
            Metadata::of(&server)
        };
        let metadata = of("my_app/0.150.0 (Debian 13.0.0; x86_64)", Some("0.150.0")).expect("that is who");
        assert_eq!((&*metadata.server_name, &*metadata.server_version), ("my_app", "0.150.0"));
        assert_eq!(metadata.supports("thread/search"), Some(true));
        assert_eq!(metadata.supports("no/such/method"), None);
        let older = of("my_app/0.114.0 (x)", Some("0.114.0")).expect("that is who");
        assert_eq!(older.supports("thread/search"), Some(false));
        for (user_agent, missing) in
            [("", "server name"), ("codex", "server name"), ("/1", "server name"), ("a/b", "server version")]
        {
            let error = of(user_agent, None).expect_err(user_agent).to_string();
            assert!(error.contains(missing) && error.contains("0.99"), "{error}");
        }
    }
}
