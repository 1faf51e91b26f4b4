//! Whole operations again, for threads.

use codex_appserver_client::RetryPolicy;

use crate::retry::{Attempts, Retryable};

/// Does something again when it fails because the server is too busy, and only then.
///
/// For single calls there is [`default_retry`](crate::blocking::CodexBuilder::default_retry); this is for what consists of
/// several. A turn that failed is no such failure: what it did is done.
///
/// # Errors
///
/// The last error.
pub fn retry_on_overload<T, E, O>(policy: RetryPolicy, mut operation: O) -> Result<T, E>
where
    E: Retryable,
    O: FnMut() -> Result<T, E>,
{
    let mut attempts = Attempts::new(policy);
    loop {
        let error = match operation() {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let Some(delay) = attempts.failed(&error) else { return Err(error) };
        std::thread::sleep(delay);
    }
}
