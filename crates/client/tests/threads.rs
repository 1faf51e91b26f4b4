//! What only threads do.

#![cfg(feature = "blocking")]

use codex_appserver_client::Error;
use codex_appserver_client::blocking::Client;

/// A stream that panics when it is read.
struct Panicking;

impl std::io::Read for Panicking {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        panic!("a broken stream, as the test wants")
    }
}

#[test]
fn a_stream_that_panics_closes_the_connection() {
    let error =
        Client::builder().default_timeout(None).attach(Panicking, std::io::sink()).expect_err("no answer");
    assert!(matches!(error, Error::Closed(_)), "{error}");
}
