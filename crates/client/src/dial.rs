//! What is settled before a connection is opened: where it goes, and by which request.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Request;
use tungstenite::http::HeaderValue;
use tungstenite::http::header::AUTHORIZATION;

use crate::address::Address;
use crate::connect_error::failed;
use crate::connect_error_kind::ConnectErrorKind;
use crate::error::Error;
use crate::frames::Handshake;
use crate::process::Process;
use crate::settings::Dialling;
use crate::tls::Tls;

/// The longest path that every system takes for a Unix socket.
const SOCKET_PATH: usize = 100;

/// A connection that is about to be opened.
pub(crate) struct Dial {
    pub(crate) address: Address,
    pub(crate) target: Target,
    pub(crate) handshake: Handshake,
    pub(crate) timeout: Option<Duration>,
}

/// What is opened.
#[derive(Clone)]
pub(crate) enum Target {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
    Command(Box<Process>),
}

impl Dial {
    /// Settles what can be settled without a connection. No message may have more bytes than the limit.
    pub(crate) fn new(address: &Address, settings: &Dialling, limit: usize) -> Result<Self, Error> {
        let address = resolve(address)?;
        let (url, target) = match &address {
            Address::WebSocket(url) => (url.as_str(), None),
            Address::Unix(path) => ("ws://localhost/", Some(Target::Unix(within_length(path)))),
            Address::Command(process) => ("ws://localhost/", Some(Target::Command(process.clone()))),
            Address::DefaultSocket => return Err(no_home()),
        };
        let request = request(&address, url, settings)?;
        let (host, port, is_secure) = host_and_port(&request);
        let tls = match is_secure {
            true => Some(
                Tls::begin(&host, settings)
                    .map_err(|problem| failed(&address, ConnectErrorKind::Tls, problem))?,
            ),
            false => None,
        };
        let handshake = Handshake::begin(&address, request, limit, tls)?;
        let target = target.unwrap_or(Target::Tcp { host, port });
        Ok(Self { address, target, handshake, timeout: settings.timeout })
    }
}

impl Address {
    /// Whether what is sent there stays on this machine: on a Unix socket, on the loopback interface, or in the pipe of a
    /// command. A URL that cannot be read leads nowhere on this machine.
    pub fn is_local(&self) -> bool {
        let Self::WebSocket(url) = self else { return true };
        url.into_client_request().is_ok_and(|request| is_loopback(&host_and_port(&request).0))
    }
}

fn resolve(address: &Address) -> Result<Address, Error> {
    match address {
        Address::DefaultSocket => Address::default_socket().ok_or_else(no_home),
        other => Ok(other.clone()),
    }
}

fn invalid(address: &Address, reason: impl ToString) -> Error {
    failed(address, ConnectErrorKind::Invalid, reason)
}

fn no_home() -> Error {
    invalid(&Address::DefaultSocket, "there is neither the variable CODEX_HOME nor a folder of the user")
}

/// The path of a socket. The system has a limit for its length, so codex puts a link where the path is too long.
fn within_length(path: &std::path::Path) -> PathBuf {
    let followed = (path.as_os_str().len() > SOCKET_PATH).then(|| path.canonicalize().ok()).flatten();
    followed.unwrap_or_else(|| path.to_owned())
}

/// The request to upgrade. It has no `Origin`, which the app-server refuses.
fn request(address: &Address, url: &str, settings: &Dialling) -> Result<Request, Error> {
    if !["ws://", "wss://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(invalid(address, "a URL begins with ws:// or wss://"));
    }
    let mut request = url.into_client_request().map_err(|error| invalid(address, error))?;
    let Some(token) = &settings.bearer_token else { return Ok(request) };
    let (_, _, is_secure) = host_and_port(&request);
    if !is_secure && !address.is_local() && !settings.allow_insecure_token {
        return Err(failed(
            address,
            ConnectErrorKind::InsecureToken,
            "a bearer token is not sent to another machine in the open; use wss:// or SSH, or allow it with \
             `allow_insecure_token`",
        ));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| invalid(address, "the bearer token has characters that no header can have"))?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(request)
}

/// Where the request goes, and whether by TLS. An IPv6 address has brackets in a URL, and none elsewhere.
fn host_and_port(request: &Request) -> (String, u16, bool) {
    let uri = request.uri();
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_secure = uri.scheme_str() == Some("wss");
    (host.to_owned(), uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 }), is_secure)
}

/// Whether what is sent to the host stays on this machine.
fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(token: bool, allowed: bool) -> Dialling {
        let bearer_token = token.then(|| "secret".to_owned());
        Dialling { bearer_token, allow_insecure_token: allowed, ..Dialling::default() }
    }

    #[test]
    fn a_token_stays_on_this_machine_or_under_a_seal() {
        for (url, goes) in [
            ("ws://127.0.0.1:4500", true),
            ("ws://127.8.8.8:1/path", true),
            ("ws://[::1]:1", true),
            ("ws://[::ffff:127.0.0.1]:1", true),
            ("ws://LOCALHOST", true),
            ("wss://codex.example.com", true),
            ("ws://codex.example.com", false),
            ("ws://10.0.0.1:4500", false),
            ("ws://[2001:db8::1]:1", false),
            ("ws://localhost.example.com", false),
            ("ws://127.0.0.1.example.com", false),
            ("ws://127.0.0.1@example.com", false),
        ] {
            let address = Address::WebSocket(url.into());
            let asked = |settings| request(&address, url, &settings);
            match asked(settings(true, false)) {
                Ok(request) => {
                    assert!(goes, "{url}");
                    assert_eq!(request.headers()[AUTHORIZATION], "Bearer secret");
                }
                Err(error) => {
                    let error = error.to_string();
                    assert!(!goes && error.contains("`allow_insecure_token`"), "{error}");
                    assert!(!error.contains("secret"), "{error}");
                }
            }
            assert!(asked(settings(true, true)).is_ok(), "{url}");
            assert_eq!(address.is_local(), goes && !url.starts_with("wss:"), "{url}");
            let plain = asked(settings(false, false)).expect(url);
            assert!(!plain.headers().contains_key(AUTHORIZATION));
        }
    }

    #[test]
    fn a_port_that_is_not_said_is_that_of_the_scheme() {
        for (url, expected) in [
            ("ws://host", ("host", 80, false)),
            ("wss://host/x", ("host", 443, true)),
            ("wss://[::1]:4500", ("::1", 4500, true)),
        ] {
            let request = url.into_client_request().expect(url);
            let (host, port, is_secure) = host_and_port(&request);
            assert_eq!((host.as_str(), port, is_secure), expected);
        }
    }

    #[test]
    fn other_schemes_are_refused() {
        let address = Address::WebSocket("http://127.0.0.1:1".into());
        let error =
            request(&address, "http://127.0.0.1:1", &settings(false, false)).expect_err("no WebSocket");
        assert!(error.to_string().contains("begins with ws:// or wss://"), "{error}");
    }
}
