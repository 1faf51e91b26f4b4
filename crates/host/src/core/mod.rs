//! What is true of tasks and requests, without a database or a clock.

pub(crate) mod answers;
pub(crate) mod machine;
pub(crate) mod notices;
pub(crate) mod outbox;
pub(crate) mod status;
