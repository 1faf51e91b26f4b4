//! Text that goes over the wire as base64, as the output of commands and the content of files do.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Redactor;

/// Reads base64 with padding and without, and writes it with padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Masks the text that the base64 stands for, and what is no base64 as it is. `None` where nothing changes,
/// as in bytes that are no text: they could only be harmed.
pub(super) fn redact(redactor: &Redactor, string: &str, depth: usize) -> Option<String> {
    let Ok(bytes) = BASE64.decode(string) else { return redactor.string(string, depth) };
    let (before, text, after) = text_in(&bytes)?;
    let masked = redactor.string(text, depth)?;
    Some(BASE64.encode([before, masked.as_bytes(), after].concat()))
}

/// The text in the bytes, and the parts of characters before and after it: the output of a command comes in
/// pieces that are cut anywhere.
fn text_in(bytes: &[u8]) -> Option<(&[u8], &str, &[u8])> {
    let start = bytes.iter().take(3).take_while(|&&byte| byte & 0xc0 == 0x80).count();
    let (before, rest) = bytes.split_at(start);
    let end = match std::str::from_utf8(rest) {
        Ok(_) => rest.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return None,
    };
    let (text, after) = rest.split_at(end);
    Some((before, std::str::from_utf8(text).ok()?, after))
}
