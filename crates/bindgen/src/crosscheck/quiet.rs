//! Catches a panic without a word on the terminal.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The panic hook belongs to the whole process: one at a time may change it.
static HOOK: Mutex<()> = Mutex::new(());

/// Runs something that may panic. Panics of other threads meanwhile are reported as before, and so is every panic
/// afterwards.
pub(super) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    let _one = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let former = Arc::new(take_hook());
    let (for_others, here) = (Arc::clone(&former), thread::current().id());
    set_hook(Box::new(move |panic| {
        if thread::current().id() != here {
            for_others(panic);
        }
    }));
    let outcome = catch_unwind(AssertUnwindSafe(run));
    drop(take_hook());
    match Arc::try_unwrap(former) {
        Ok(former) => set_hook(former),
        // Another thread is inside it at this moment.
        Err(shared) => set_hook(Box::new(move |panic| shared(panic))),
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_panic_is_caught_in_silence_and_the_hook_is_back_afterwards() {
        let heard = Arc::new(AtomicUsize::new(0));
        let (counter, here) = (Arc::clone(&heard), thread::current().id());
        let former = take_hook();
        set_hook(Box::new(move |panic| match thread::current().id() == here {
            true => drop(counter.fetch_add(1, Ordering::SeqCst)),
            false => former(panic),
        }));
        let text = catch(|| -> usize { panic!("not a word") }).expect_err("it panics");
        assert_eq!(text.downcast_ref::<&str>(), Some(&"not a word"));
        assert_eq!(heard.load(Ordering::SeqCst), 0);
        assert_eq!(catch(|| 5).expect("it does not panic"), 5);
        let loud = catch_unwind(|| panic!("a word"));
        assert!(loud.is_err());
        assert_eq!(heard.load(Ordering::SeqCst), 1);
    }
}
