//! The approvals of a connection behind their locks, and the subscription to the announcements that they need.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codex_appserver_client::{EventSettings, Overflow};
use codex_appserver_methods::protocol::FileUpdateChange;

use super::McpToolApproval;
use crate::core::announcements::{self, Announcements, Missed};
use crate::core::deciders::Deciders;
use crate::event_source::EventSource;

/// Who decides about what. `A` is how a decision is made: the `Approvals` of either runtime.
pub(crate) struct Registry<A> {
    announced: Mutex<Announced>,
    deciders: Mutex<Deciders<A>>,
}

/// The announcements, and the subscription from which they are brought up to date when they are needed.
#[derive(Default)]
struct Announced {
    source: Option<Box<dyn EventSource>>,
    announcements: Announcements,
}

impl<A> Registry<A> {
    pub(crate) fn new(default: A) -> Self {
        Self { announced: Mutex::default(), deciders: Mutex::new(Deciders::new(default)) }
    }

    /// What to subscribe to. The newest announcements matter, so the oldest make room.
    pub(crate) fn event_settings() -> EventSettings {
        EventSettings::default()
            .byte_cap(16 << 20)
            .overflow(Overflow::DropOldest)
            .methods(announcements::METHODS)
    }

    /// Takes announcements from this subscription from now on.
    pub(crate) fn listen(&self, source: impl EventSource + 'static) {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner).source = Some(Box::new(source));
    }

    /// What an item wants to change, if that was announced.
    pub(crate) fn changes(&self, thread_id: &str, item_id: &str) -> Option<Vec<FileUpdateChange>> {
        self.announced().announcements.changes(thread_id, item_id).map(<[_]>::to_vec)
    }

    /// The approval with the item of its call, if that was announced. Each call has one approval, so that an MCP server
    /// cannot use it for another question.
    pub(crate) fn with_call(&self, mut asked: McpToolApproval) -> McpToolApproval {
        asked.item_id = self.announced().announcements.take_call(
            &asked.thread_id,
            &asked.server,
            &asked.tool,
            asked.params.as_ref(),
        );
        asked
    }

    /// The approvals that decide for this turn of this thread; see [`Deciders::choose`]. Where the turn is not named it
    /// is the one that runs on the thread. If none is known to, it may be one with approvals of its own.
    pub(crate) fn choose(&self, thread_id: &str, turn_id: Option<&str>) -> Option<Arc<A>> {
        let (turn_id, root) = {
            let announced = self.announced();
            let announcements = &announced.announcements;
            match turn_id.or_else(|| announcements.running_turn(thread_id)) {
                Some(turn_id) => (turn_id.to_owned(), announcements.root(turn_id)),
                None => (String::new(), Err(Missed)),
            }
        };
        self.deciders().choose(thread_id, &turn_id, root).cloned()
    }

    /// The thread on whose behalf a turn runs, if that is another one and is known.
    #[cfg(all(feature = "experimental", feature = "structured"))]
    pub(crate) fn root_thread(&self, turn_id: &str) -> Option<String> {
        self.announced().announcements.root(turn_id).ok()??.thread_id
    }

    pub(crate) fn set_default(&self, approvals: A) {
        let old = self.deciders().set_default(approvals);
        // Without the lock: what it holds on to may come back here when it is dropped.
        drop(old);
    }

    /// Sets the approvals of a thread, until they are replaced.
    pub(crate) fn set_thread(&self, thread_id: &str, approvals: A) {
        let old = self.deciders().set_thread(thread_id, approvals);
        drop(old);
    }

    /// Takes the approvals off a thread.
    pub(crate) fn clear_thread(&self, thread_id: &str) {
        let old = self.deciders().clear_thread(thread_id);
        drop(old);
    }

    /// Takes the approvals off a turn.
    pub(crate) fn clear_turn(&self, turn_id: &str) {
        let old = self.deciders().clear_turn(turn_id);
        drop(old);
    }

    /// Sets the approvals of a turn, until they are replaced or the turn ends.
    pub(crate) fn set_turn(&self, turn_id: &str, approvals: A) {
        self.forget_ended();
        let old = self.deciders().set_turn(turn_id, approvals);
        drop(old);
    }

    /// A turn has ended, so that its approvals are not needed any more.
    pub(crate) fn end_turn(&self, turn_id: &str) {
        let old = self.deciders().end_turn(turn_id);
        drop(old);
    }

    /// Ends all turns whose end was announced. It is called now and then, so that little piles up.
    pub(crate) fn forget_ended(&self) {
        let ended = self.announced().announcements.take_ended();
        for turn_id in ended {
            self.end_turn(&turn_id);
        }
    }

    fn deciders(&self) -> MutexGuard<'_, Deciders<A>> {
        self.deciders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The announcements, up to date.
    fn announced(&self) -> MutexGuard<'_, Announced> {
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        let Announced { source, announcements } = &mut *announced;
        while let Some(event) = source.as_mut().and_then(|source| source.next_now()) {
            announcements.on_event(event);
        }
        announced
    }
}
