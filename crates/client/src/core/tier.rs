//! Which notifications may be skipped for a subscriber that does not keep up.

/// Output and progress of something whose outcome is told by another message, or can be asked for.
pub(crate) const BEST_EFFORT: &[&str] = &[
    "command/exec/outputDelta",
    "externalAgentConfig/import/progress",
    "fuzzyFileSearch/sessionUpdated",
    "item/commandExecution/outputDelta",
    "item/fileChange/outputDelta",
    "item/mcpToolCall/progress",
    "process/outputDelta",
    "thread/realtime/outputAudio/delta",
];

/// Whether a subscriber that does not keep up may miss this notification. Those the bindings do not know are
/// lossless.
pub(crate) fn is_best_effort(method: &str) -> bool {
    BEST_EFFORT.contains(&method)
}
