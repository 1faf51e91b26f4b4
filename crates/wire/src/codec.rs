//! The plain doors to and from JSON text.

use serde::Serialize;
use serde::de::Deserialize;

use crate::{DecodeError, EncodeError, Request, RequestId, TraceContext};

/// Decodes JSON text; an error names the JSON path and, where the text has one, the method.
///
/// `serde_json::from_str` does the same work; its errors name line and column instead.
pub fn decode<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(|error| DecodeError::locate(text, &error))
}

/// Decodes JSON bytes: they are checked once to be UTF-8 and then read as text.
pub fn decode_bytes<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => decode(text),
        Err(error) => Err(DecodeError::new(String::new(), format!("not UTF-8: {error}"))),
    }
}

/// Encodes a value as JSON text without line breaks.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<String, EncodeError> {
    serde_json::to_string(value)
        .map_err(|source| EncodeError { what: std::any::type_name::<T>().to_owned(), source })
}

/// Encodes a `params` member; `None` where there is nothing to send (`()` or an `Option` that is `None`).
pub fn encode_params<T: Serialize + ?Sized>(params: &T) -> Result<Option<String>, EncodeError> {
    encode(params).map(|text| (text != "null").then_some(text))
}

/// Encodes a whole request of method `M`, without a line break at its end.
pub fn encode_request<M: Request>(
    id: &RequestId,
    params: &M::Params,
    trace: Option<&TraceContext>,
) -> Result<String, EncodeError> {
    let mut line = format!("{{\"method\":{},\"id\":{}", encode(M::METHOD)?, encode(id)?);
    if let Some(params) = encode_params(params)? {
        line.push_str(",\"params\":");
        line.push_str(&params);
    }
    if let Some(trace) = trace {
        line.push_str(",\"trace\":");
        line.push_str(&encode(trace)?);
    }
    line.push('}');
    Ok(line)
}
