//! TLS as a codec: what was read is opened, what is to be written is sealed, without any input or output of its own.

#[cfg(feature = "tls")]
pub(crate) use on::Tls;

/// Without the feature there is none.
#[cfg(not(feature = "tls"))]
#[derive(Clone)]
pub(crate) enum Tls {}

#[cfg(not(feature = "tls"))]
impl Tls {
    pub(crate) fn begin(_: &str, _: &crate::settings::Dialling) -> Result<Self, String> {
        Err("wss:// needs the feature `tls` of this library; switch it on".into())
    }

    pub(crate) fn open(&self, _: &[u8], _: &mut Vec<u8>) -> std::io::Result<bool> {
        match *self {}
    }

    pub(crate) fn seal(&self, _: &mut Vec<u8>) -> std::io::Result<()> {
        match *self {}
    }

    pub(crate) fn close(&self) {
        match *self {}
    }

    pub(crate) fn has_output(&self) -> bool {
        match *self {}
    }
}

#[cfg(feature = "tls")]
mod on {
    use std::io::{self, Read, Write};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    use crate::settings::Dialling;

    /// One TLS connection, shared by its two halves.
    #[derive(Clone)]
    pub(crate) struct Tls(Arc<Mutex<ClientConnection>>);

    impl Tls {
        /// Begins with a greeting, which is to be written then. Fails with what is wrong.
        pub(crate) fn begin(host: &str, settings: &Dialling) -> Result<Self, String> {
            let roots = roots(&settings.root_certificates)?;
            let name = ServerName::try_from(host.to_owned());
            let name = name.map_err(|_| format!("`{host}` is no name that a certificate can have"))?;
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let mut config = config.map_err(text)?.with_root_certificates(roots).with_no_client_auth();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            let mut connection = ClientConnection::new(Arc::new(config), name).map_err(text)?;
            // What waits is limited where lines are taken in.
            connection.set_buffer_limit(None);
            Ok(Self(Arc::new(Mutex::new(connection))))
        }

        /// Adds what the bytes hold to the plain ones; tells whether more may come.
        pub(crate) fn open(&self, mut bytes: &[u8], plain: &mut Vec<u8>) -> io::Result<bool> {
            let mut connection = self.lock();
            while !bytes.is_empty() {
                connection.read_tls(&mut bytes)?;
                let state = connection.process_new_packets().map_err(io::Error::other)?;
                let begun = plain.len();
                plain.resize(begun + state.plaintext_bytes_to_read(), 0);
                connection.reader().read_exact(&mut plain[begun..])?;
                if state.peer_has_closed() {
                    return Ok(false);
                }
            }
            Ok(true)
        }

        /// Puts what is to be written for the bytes in their place. Before both sides have greeted each other that is the
        /// greeting, and the bytes are kept.
        pub(crate) fn seal(&self, bytes: &mut Vec<u8>) -> io::Result<()> {
            let mut connection = self.lock();
            connection.writer().write_all(bytes)?;
            bytes.clear();
            while connection.wants_write() {
                connection.write_tls(bytes)?;
            }
            Ok(())
        }

        /// Has a goodbye be written after what was sealed.
        pub(crate) fn close(&self) {
            self.lock().send_close_notify();
        }

        /// Whether there is something to write that nothing was sealed for.
        pub(crate) fn has_output(&self) -> bool {
            self.lock().wants_write()
        }

        fn lock(&self) -> MutexGuard<'_, ClientConnection> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// The certificates of authorities that the system trusts, and these. Those of the system that cannot be read are
    /// left out: a server that needs them is refused.
    fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::debug!("failed to read certificates of the system: {error}");
        }
        roots.add_parsable_certificates(system.certs);
        if pem.is_empty() {
            return Ok(roots);
        }
        let wrong = |problem: String| {
            format!("`root_certificates` were given what is no certificate as PEM: {problem}")
        };
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots
                .add(certificate.map_err(|error| wrong(error.to_string()))?)
                .map_err(|error| wrong(error.to_string()))?;
            count += 1;
        }
        if count == 0 { Err(wrong("there is none".into())) } else { Ok(roots) }
    }

    fn text(error: rustls::Error) -> String {
        error.to_string()
    }
}
