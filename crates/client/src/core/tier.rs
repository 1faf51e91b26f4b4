//! Which notifications may be skipped for a subscriber that does not keep up.

use codex_appserver_notifications::method::{
    CommandExecOutputDelta, ExternalAgentConfigImportProgress, FuzzyFileSearchSessionUpdated,
    ItemCommandExecutionOutputDelta, ItemFileChangeOutputDelta, ItemMcpToolCallProgress, ProcessOutputDelta,
    ThreadRealtimeOutputAudioDelta,
};
use codex_appserver_wire::Notification;

/// Output and progress of something whose outcome is told by another message, or can be asked for.
pub(crate) const BEST_EFFORT: &[&str] = &[
    CommandExecOutputDelta::METHOD,
    ExternalAgentConfigImportProgress::METHOD,
    FuzzyFileSearchSessionUpdated::METHOD,
    ItemCommandExecutionOutputDelta::METHOD,
    ItemFileChangeOutputDelta::METHOD,
    ItemMcpToolCallProgress::METHOD,
    ProcessOutputDelta::METHOD,
    ThreadRealtimeOutputAudioDelta::METHOD,
];

/// Whether a subscriber that does not keep up may miss this notification. Those the bindings do not know are
/// lossless.
pub(crate) fn is_best_effort(method: &str) -> bool {
    BEST_EFFORT.contains(&method)
}
