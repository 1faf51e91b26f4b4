//! The threads that have handles. A supervised connection resumes them when it was made again, so that the server sends
//! their events to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use codex_appserver_client::{Error as ClientError, Restore, RestoreCall, ServerInfo};
use codex_appserver_methods::protocol::wire::decode;
use codex_appserver_methods::protocol::{ThreadResumeParams, ThreadResumeResponse, method};

use crate::history::excludes_turns;
use crate::ledger::Ledger;

/// The threads of a connection that have handles, by their ids.
#[derive(Debug, Default)]
pub(crate) struct OpenThreads(Mutex<BTreeMap<String, Weak<OpenThread>>>);

/// What each handle of a thread holds.
#[derive(Debug)]
pub(crate) struct OpenThread {
    id: String,
    all: Weak<OpenThreads>,
}

impl OpenThreads {
    /// What another handle of this thread has to hold.
    pub(crate) fn open(self: &Arc<Self>, id: &str) -> Arc<OpenThread> {
        let mut all = self.lock();
        if let Some(open) = all.get(id).and_then(Weak::upgrade) {
            return open;
        }
        let open = Arc::new(OpenThread { id: id.to_owned(), all: Arc::downgrade(self) });
        all.insert(id.to_owned(), Arc::downgrade(&open));
        open
    }

    /// The ids of the threads that have handles.
    fn ids(&self) -> Vec<String> {
        let all = self.lock();
        all.iter().filter(|(_, open)| open.strong_count() > 0).map(|(id, _)| id.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Weak<OpenThread>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenThread {
    fn drop(&mut self) {
        let Some(all) = self.all.upgrade() else { return };
        let mut all = all.lock();
        // There may be another one by now.
        if all.get(&self.id).is_some_and(|open| open.strong_count() == 0) {
            all.remove(&self.id);
        }
    }
}

/// Resumes all of them.
pub(crate) struct Resume {
    pub(crate) threads: Arc<OpenThreads>,
    pub(crate) ledger: Arc<Ledger>,
}

impl Restore for Resume {
    /// The server keeps the settings of a thread. To send them again would have it load the thread anew.
    fn calls(&self, server: &ServerInfo) -> Vec<RestoreCall> {
        let resume = |id: String| {
            let params = ThreadResumeParams::new(&id);
            let params = if excludes_turns(server) { params.exclude_turns(true) } else { params };
            RestoreCall::new::<method::ThreadResume>(id, &params)
        };
        // An id is a string, which has a JSON form.
        self.threads.ids().into_iter().filter_map(|id| resume(id).ok()).collect()
    }

    fn on_answer(&self, call: &RestoreCall, answer: Result<&str, &ClientError>) {
        // The client has logged an error: a thread without a turn, or an ephemeral one, is gone with its server.
        let Ok(result) = answer else { return };
        if let Ok(response) = decode::<ThreadResumeResponse>(result) {
            self.ledger.on_folder(call.key(), &response.cwd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_open_as_long_as_it_has_a_handle() {
        let threads = Arc::new(OpenThreads::default());
        let (a, b) = (threads.open("A"), threads.open("B"));
        let again = threads.open("A");
        assert_eq!(threads.ids(), ["A", "B"]);
        drop(a);
        assert_eq!(threads.ids(), ["A", "B"]);
        drop(again);
        assert_eq!(threads.ids(), ["B"]);
        drop((b, threads.open("A")));
        assert!(threads.lock().is_empty());
    }

    #[test]
    fn each_is_resumed_without_its_turns() {
        let threads = Arc::new(OpenThreads::default());
        let _handles = [threads.open("A"), threads.open("B")];
        let resume = Resume { threads, ledger: Arc::default() };
        let calls = resume.calls(&ServerInfo::default());
        let expected = |id: &str| {
            let params = ThreadResumeParams::new(id).exclude_turns(true);
            RestoreCall::new::<method::ThreadResume>(id, &params).expect("it has a JSON form")
        };
        assert_eq!(calls, [expected("A"), expected("B")]);
    }
}
