//! What WebSocket connections of both kinds share: the request to upgrade, limits, messages.

use std::io;

use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Request;
use tungstenite::http::HeaderValue;
use tungstenite::http::header::AUTHORIZATION;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::{Bytes, Message};

use crate::address::Address;
use crate::error::Error;

/// The app-server refuses frames of more than 16 MiB; longer messages go in parts.
const FRAME_BYTES: usize = 8 << 20;

/// The request to upgrade. It has no `Origin`, which the app-server refuses.
pub(crate) fn request(address: &Address, bearer_token: Option<&str>) -> Result<Request, Error> {
    let url = match address {
        Address::WebSocket(url) => url,
        Address::Unix(_) => "ws://localhost/",
    };
    let mut request = url.into_client_request().map_err(|error| refused(address, error))?;
    if let Some(token) = bearer_token {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| failed(address, "the bearer token has characters that no header can have"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(request)
}

/// Where the request goes. An IPv6 address has brackets in a URL, and none elsewhere.
pub(crate) fn host_and_port(request: &Request) -> (String, u16) {
    let uri = request.uri();
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    (host.to_owned(), uri.port_u16().unwrap_or(80))
}

pub(crate) fn config(limit: usize) -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit))
}

/// The lines as text messages, long ones in parts.
pub(crate) fn fragments(lines: &[u8]) -> impl Iterator<Item = Message> {
    lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).flat_map(|line| {
        let line = Bytes::copy_from_slice(line);
        let count = line.len().div_ceil(FRAME_BYTES);
        (0..count).map(move |part| {
            let bytes = line.slice(part * FRAME_BYTES..line.len().min((part + 1) * FRAME_BYTES));
            let kind = if part == 0 { Data::Text } else { Data::Continue };
            Message::Frame(Frame::message(bytes, OpCode::Data(kind), part + 1 == count))
        })
    })
}

/// Why there is no connection.
pub(crate) fn failed(address: &Address, reason: impl ToString) -> Error {
    Error::Connect { address: address.to_string(), reason: reason.to_string() }
}

/// Why the server did not upgrade the connection.
pub(crate) fn refused(address: &Address, error: tungstenite::Error) -> Error {
    let hint = match &error {
        tungstenite::Error::Http(response) if response.status().as_u16() == 401 => {
            "; the server wants a token, see `bearer_token`"
        }
        _ => "",
    };
    failed(address, format!("{error}{hint}"))
}

pub(crate) fn io_error(error: tungstenite::Error) -> io::Error {
    match error {
        tungstenite::Error::Io(error) => error,
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
            io::ErrorKind::ConnectionAborted.into()
        }
        other => io::Error::other(other),
    }
}
