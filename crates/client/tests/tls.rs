//! `wss://` against a server with a certificate of its own.
#![cfg(all(feature = "async", feature = "blocking", feature = "tls", unix))]

mod support;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use codex_appserver_client::generic::{Client, ClientBuilder};
use codex_appserver_client::{Address, Error, VersionCheck};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use support::Kit;
use tungstenite::{Bytes, Message, WebSocket};

both!(
    an_authority_of_the_program_is_trusted,
    one_that_is_not_trusted_is_refused,
    a_certificate_of_another_host_is_refused,
    roots_that_are_no_certificates_are_refused,
    a_server_without_tls_is_no_server,
    a_token_goes_under_a_seal,
);

/// An authority, and a server that has a certificate of it for some names.
struct Authority {
    pem: String,
    config: Arc<ServerConfig>,
}

impl Authority {
    fn new(names: &[&str]) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Authorities of one name would be taken for one with a wrong signature.
        let name =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_nanos();
        params.distinguished_name.push(DnType::CommonName, name.to_string());
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let issuer = Issuer::new(params, key);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().expect("a key");
        let certificate =
            CertificateParams::new(names).expect("names").signed_by(&key, &issuer).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("a certificate and its key");
        Self { pem, config: Arc::new(config) }
    }
}

type Server = WebSocket<StreamOwned<ServerConnection, TcpStream>>;

/// Serves one client; yields nothing if that one did not take the certificate.
#[expect(clippy::result_large_err, reason = "the library wants it like this")]
fn serve(authority: &Authority, host: &str) -> (Address, JoinHandle<Option<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let config = authority.config.clone();
    let server = thread::spawn(move || {
        let (socket, _) = listener.accept().expect("a client");
        let connection = ServerConnection::new(config).expect("a connection");
        let mut authorization = None;
        let note = |request: &tungstenite::handshake::server::Request, response| {
            authorization =
                request.headers().get("authorization").map(|value| value.to_str().expect("text").to_owned());
            Ok(response)
        };
        let mut server = tungstenite::accept_hdr(StreamOwned::new(connection, socket), note).ok()?;
        while let Ok(message) = server.read() {
            answer(&mut server, &message, authorization.as_deref());
        }
        Some(())
    });
    (format!("wss://{host}:{port}").parse().expect("an address"), server)
}

/// Echoes params, but for the first call and the one that asks for the token.
fn answer(server: &mut Server, message: &Message, authorization: Option<&str>) {
    let Message::Text(text) = message else { return };
    let asked: Value = serde_json::from_str(text).expect("JSON");
    let result = match asked["method"].as_str() {
        Some("initialize") => json!({"userAgent": "x/0"}),
        Some("authorization") => json!(authorization),
        _ => asked["params"].clone(),
    };
    if let Some(id) = asked.get("id") {
        server.send(Message::Ping(Bytes::from_static(b"there?"))).expect("the client is there");
        server
            .send(Message::text(json!({"id": id, "result": result}).to_string()))
            .expect("the client is there");
    }
}

fn builder<R: Kit>() -> ClientBuilder<R> {
    Client::builder().version_check(VersionCheck::Ignore)
}

async fn refused<R: Kit>(builder: ClientBuilder<R>, address: &Address) -> String {
    let error = R::connect(builder, address).await.expect_err("no connection");
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    error.to_string()
}

async fn an_authority_of_the_program_is_trusted<R: Kit>() {
    let authority = Authority::new(&["localhost", "127.0.0.1"]);
    let others = Authority::new(&["localhost"]);
    for host in ["localhost", "127.0.0.1"] {
        let (address, server) = serve(&authority, host);
        // Another one beside it does no harm.
        let builder =
            builder::<R>().root_certificates(others.pem.trim_end()).root_certificates(&authority.pem);
        let client = R::connect(builder, &address).await.expect("a connection");
        for length in [0, 1, 20_000, 9 << 20] {
            let text = json!("x".repeat(length));
            assert!(R::call(&client, "echo", text.clone()).await.expect("an answer") == text, "{length}");
        }
        R::shutdown(&client).await;
        assert!(server.join().expect("a server").is_some());
    }
}

async fn one_that_is_not_trusted_is_refused<R: Kit>() {
    let authority = Authority::new(&["localhost"]);
    for roots in [None, Some(Authority::new(&["localhost"]).pem)] {
        let (address, server) = serve(&authority, "localhost");
        let builder = match roots {
            Some(pem) => builder::<R>().root_certificates(pem),
            None => builder(),
        };
        let text = refused::<R>(builder, &address).await;
        assert!(text.contains("invalid peer certificate: UnknownIssuer; "), "{text}");
        assert!(text.contains("`root_certificates`"), "{text}");
        assert!(server.join().expect("a server").is_none(), "nothing was asked");
    }
}

async fn a_certificate_of_another_host_is_refused<R: Kit>() {
    let authority = Authority::new(&["codex.example.com"]);
    let (address, server) = serve(&authority, "localhost");
    let text = refused::<R>(builder().root_certificates(&authority.pem), &address).await;
    assert!(text.contains("not valid for name \"localhost\""), "{text}");
    assert!(server.join().expect("a server").is_none(), "nothing was asked");
}

async fn roots_that_are_no_certificates_are_refused<R: Kit>() {
    let address = "wss://localhost:1".parse().expect("an address");
    let wrong = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["nothing", wrong] {
        let text = refused::<R>(builder().root_certificates(pem), &address).await;
        assert!(text.contains("`root_certificates` were given what is no certificate as PEM: "), "{text}");
    }
}

async fn a_server_without_tls_is_no_server<R: Kit>() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("wss://{}", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("the client is there");
        socket
    });
    let text = refused::<R>(builder(), &address.parse().expect("an address")).await;
    assert!(text.contains("received corrupt message"), "{text}");
    server.join().expect("a server");
}

async fn a_token_goes_under_a_seal<R: Kit>() {
    let authority = Authority::new(&["localhost"]);
    let (address, server) = serve(&authority, "localhost");
    let builder = builder::<R>().root_certificates(&authority.pem).bearer_token("secret");
    let client = R::connect(builder, &address).await.expect("a connection");
    assert_eq!(R::call(&client, "authorization", json!({})).await.expect("an answer"), "Bearer secret");
    R::shutdown(&client).await;
    assert!(server.join().expect("a server").is_some());
}
