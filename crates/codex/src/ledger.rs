//! What a connection knows of its threads beyond what their turns report: tokens and folders.

use std::sync::{Mutex, MutexGuard, PoisonError};

use codex_appserver_client::{EventSettings, Overflow};

use crate::core::folders::{self, Folders};
use crate::core::usage::{self, Usage, Usages};
use crate::event_source::EventSource;

/// The ledger of a connection, with the subscription from which it is brought up to date when it is needed.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<State>);

#[derive(Default)]
struct State {
    source: Option<Box<dyn EventSource>>,
    usages: Usages,
    folders: Folders,
}

impl Ledger {
    /// What to subscribe to. The newest reports matter, so the oldest make room.
    pub(crate) fn event_settings() -> EventSettings {
        EventSettings::default()
            .byte_cap(4 << 20)
            .overflow(Overflow::DropOldest)
            .methods(&[usage::METHOD, folders::METHOD])
    }

    /// Takes reports from this subscription from now on.
    pub(crate) fn listen(&self, source: impl EventSource + 'static) {
        self.lock().source = Some(Box::new(source));
    }

    /// A thread that was just created: its total begins at zero.
    pub(crate) fn on_new_thread(&self, thread_id: &str) {
        self.lock().usages.on_new_thread(thread_id);
    }

    /// A thread that was just created works in this folder, unless the server has reported another one since.
    pub(crate) fn on_first_folder(&self, thread_id: &str, folder: &str) {
        let mut state = self.up_to_date();
        if state.folders.of(thread_id).is_none() {
            state.folders.set(thread_id, folder);
        }
    }

    /// A thread works in this folder, as the answer to a call says.
    pub(crate) fn on_folder(&self, thread_id: &str, folder: &str) {
        self.up_to_date().folders.set(thread_id, folder);
    }

    /// The folder of a thread now, if it is known.
    pub(crate) fn folder(&self, thread_id: &str) -> Option<String> {
        self.up_to_date().folders.of(thread_id).map(str::to_owned)
    }

    /// The usage of some turns, each with its thread, up to now; none where the server has reported none.
    pub(crate) fn usages<'a>(
        &self,
        turns: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Vec<Option<Usage>> {
        let state = self.up_to_date();
        turns.into_iter().map(|(thread_id, turn_id)| state.usages.of(thread_id, turn_id)).collect()
    }

    /// Takes in what has arrived. It is called now and then, so that little piles up.
    pub(crate) fn catch_up(&self) {
        drop(self.up_to_date());
    }

    fn up_to_date(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        let State { source, usages, folders } = &mut *state;
        while let Some(event) = source.as_mut().and_then(|source| source.next_now()) {
            usages.on_event(&event);
            folders.on_event(&event);
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
