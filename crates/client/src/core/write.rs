//! Requests and notifications as lines.

use std::io::Write as _;

/// Writes a request and its line break. Params are JSON text, in which a line break can only be white space.
pub(super) fn write_request(out: &mut Vec<u8>, method: &str, id: i64, params: Option<&str>) {
    out.extend_from_slice(b"{\"method\":");
    write_string(out, method);
    // Neither this nor a string into a vector can fail.
    let _ = write!(out, ",\"id\":{id}");
    write_params(out, params);
    out.extend_from_slice(b"}\n");
}

/// Writes a notification and its line break.
pub(super) fn write_notification(out: &mut Vec<u8>, method: &str, params: Option<&str>) {
    out.extend_from_slice(b"{\"method\":");
    write_string(out, method);
    write_params(out, params);
    out.extend_from_slice(b"}\n");
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

fn write_params(out: &mut Vec<u8>, params: Option<&str>) {
    let Some(params) = params else { return };
    out.extend_from_slice(b",\"params\":");
    write_json(out, params);
}

/// Writes JSON text on one line.
pub(super) fn write_json(out: &mut Vec<u8>, json: &str) {
    let start = out.len();
    out.extend_from_slice(json.as_bytes());
    for byte in &mut out[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}
