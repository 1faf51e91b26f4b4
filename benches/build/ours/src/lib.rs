//! The generated crates as they are: building this target builds them and next to nothing else.

pub use codex_appserver_enums as enums;
pub use codex_appserver_methods as methods;
pub use codex_appserver_notifications as notifications;
pub use codex_appserver_requests as requests;
pub use codex_appserver_types as types;
pub use codex_appserver_wire as wire;
