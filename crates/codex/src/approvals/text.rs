//! An approval request as text for people.

use std::fmt;

use super::ApprovalRequest;

/// The text without what commands a terminal: the agent's words could hide or forge what a user has to decide on.
pub(crate) fn harmless(text: &str) -> String {
    let show = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    text.chars().map(show).collect()
}

/// All that a user has to know who decides, on lines of its own: what the agent wants, and indented the parts of it. None
/// of them can pose as another one, and control characters are replaced.
impl fmt::Display for ApprovalRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Command(_) => "The agent wants to run a command.\n",
            Self::FileChange(_) => "The agent wants to change files.\n",
            Self::Permissions(_) => "The agent wants to be allowed more.\n",
            Self::McpTool(_) => "The agent wants to call a tool.\n",
        })?;
        if let Self::McpTool(asked) = self {
            part(f, "server", &asked.server)?;
            part(f, "tool", &asked.tool)?;
            if let Some(params) = &asked.params {
                part(f, "arguments", &params.to_string())?;
            }
            if asked.item_id.is_none() {
                f.write_str("  No such call was announced: the server may have made this question up.\n")?;
            }
        }
        for wanted in self.permissions() {
            part(f, "permission", &wanted.to_string())?;
        }
        let diff = self.diff();
        let parts = [
            ("command", self.command()),
            ("folder", self.cwd()),
            ("reason", self.reason()),
            ("changes", diff.as_deref()),
        ];
        parts.into_iter().try_for_each(|(name, text)| text.map_or(Ok(()), |text| part(f, name, text)))?;
        match self {
            Self::FileChange(_) if diff.is_none() => {
                f.write_str("  It is not known what would be changed.\n")
            }
            Self::Command(asked) if self.asks_for_more() => {
                if let Some(network) = &asked.network_approval_context {
                    part(f, "network", &format!("{}://{}", network.protocol, network.host))?;
                }
                f.write_str("  More comes with it than the command alone.\n")
            }
            Self::FileChange(asked) => match &asked.request.grant_root {
                Some(root) => part(f, "folder to write to from now on", root),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

fn part(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    writeln!(f, "  {name}: {}", harmless(text.trim_end()).replace('\n', "\n    "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_part_can_pose_as_another_one() {
        let command = "true\n  reason: none\u{1b}[2K";
        let request = json!({
            "threadId": "T", "turnId": "U", "itemId": "I", "startedAtMs": 0, "command": command, "cwd": "/w",
            "reason": "to see", "kind": "writeStdin",
        });
        let request = serde_json::from_value(request).expect("a request");
        let expected = "The agent wants to run a command.\n  command: true\n      reason: none\u{fffd}[2K\n  \
                        folder: /w\n  reason: to see\n  More comes with it than the command alone.\n";
        assert_eq!(ApprovalRequest::Command(Box::new(request)).to_string(), expected);
    }
}
