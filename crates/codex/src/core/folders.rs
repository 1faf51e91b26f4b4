//! The folders that threads work in.

use std::collections::VecDeque;

use codex_appserver_client::{Event, ServerNotification, notification_method as method};
use codex_appserver_methods::protocol::wire::Notification;

/// The notification that reports another folder.
pub(crate) const METHOD: &str = method::ThreadSettingsUpdated::METHOD;

/// How many threads are remembered.
const KEPT: usize = 1024;

/// The latest folders of the latest threads, as the server names them.
#[derive(Debug, Default)]
pub(crate) struct Folders(VecDeque<(String, String)>);

impl Folders {
    /// The folder of a thread, if it is known.
    pub(crate) fn of(&self, thread_id: &str) -> Option<&str> {
        self.0.iter().rev().find(|(thread, _)| thread == thread_id).map(|(_, folder)| &**folder)
    }

    /// A thread works in this folder from now on.
    pub(crate) fn set(&mut self, thread_id: &str, folder: &str) {
        self.0.retain(|(thread, _)| thread != thread_id);
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((thread_id.to_owned(), folder.to_owned()));
    }

    /// Adds a report, or a gap between reports.
    pub(crate) fn on_event(&mut self, event: &Event) {
        match event {
            Event::Lagged { .. } | Event::Reconnected { .. } => self.0.clear(),
            // A message without a method may have been any.
            Event::Unreadable(unreadable)
                if unreadable.method.as_deref().is_none_or(|name| name == METHOD) =>
            {
                self.0.clear();
            }
            event => {
                if let Some(ServerNotification::ThreadSettingsUpdated(report)) = event.notification() {
                    self.set(&report.thread_id, &report.thread_settings.cwd);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_folder_counts_unless_reports_were_lost() {
        let mut folders = Folders::default();
        folders.set("T", "/a");
        folders.set("U", "/u");
        folders.set("T", "/b");
        assert_eq!((folders.of("T"), folders.of("U"), folders.of("V")), (Some("/b"), Some("/u"), None));
        for n in 0..KEPT - 1 {
            folders.set(&n.to_string(), "/crowd");
        }
        assert_eq!((folders.of("T"), folders.of("U")), (Some("/b"), None), "the oldest made room");
        folders.on_event(&Event::Lagged { skipped: 1 });
        assert_eq!(folders.of("T"), None);
    }
}
