//! Who decides about an approval: the approvals of the turn, else of the thread, else of the connection. A sub-agent
//! counts as the turn on whose behalf it runs.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::announcements::{Missed, Root};

/// All approvals of a connection, by what they were set for. `A` is how a decision is made.
///
/// Methods that replace approvals return the old ones, which are to be dropped without the lock around this: what they
/// hold on to may come back here.
#[derive(Debug)]
pub(crate) struct Deciders<A> {
    turns: HashMap<String, Arc<A>>,
    /// The latest turns that had approvals and have ended. What their sub-agents still ask for, no others accept.
    ended: VecDeque<String>,
    threads: HashMap<String, Arc<A>>,
    default: Arc<A>,
}

/// How many turns that have ended are remembered.
const KEPT: usize = 1024;

impl<A> Deciders<A> {
    pub(crate) fn new(default: A) -> Self {
        Self {
            turns: HashMap::new(),
            ended: VecDeque::new(),
            threads: HashMap::new(),
            default: Arc::new(default),
        }
    }

    /// The approvals for a request of this turn, which runs on behalf of `root`. There are none if that turn had
    /// approvals and has ended, and if it is unknown whether a turn or a thread with approvals of its own asks.
    pub(crate) fn choose(
        &self,
        thread_id: &str,
        turn_id: &str,
        root: Result<Option<Root>, Missed>,
    ) -> Option<&Arc<A>> {
        if let Some(own) = self.turns.get(turn_id) {
            return Some(own);
        }
        if root.is_err() && self.has_special() {
            return None;
        }
        let root = root.ok().flatten();
        let of_root = root.as_ref().and_then(|root| self.turns.get(&root.turn_id));
        if of_root.is_none() && self.has_ended(turn_id, root.as_ref()) {
            return None;
        }
        let threads = [Some(thread_id), root.as_ref().and_then(|root| root.thread_id.as_deref())];
        let of_thread = || threads.into_iter().flatten().find_map(|id| self.threads.get(id));
        Some(of_root.or_else(of_thread).unwrap_or(&self.default))
    }

    pub(crate) fn set_default(&mut self, approvals: A) -> Arc<A> {
        std::mem::replace(&mut self.default, Arc::new(approvals))
    }

    /// Sets the approvals of a thread, until they are replaced.
    pub(crate) fn set_thread(&mut self, thread_id: &str, approvals: A) -> Option<Arc<A>> {
        self.threads.insert(thread_id.to_owned(), Arc::new(approvals))
    }

    /// Sets the approvals of a turn, until they are replaced or the turn ends.
    pub(crate) fn set_turn(&mut self, turn_id: &str, approvals: A) -> Option<Arc<A>> {
        self.turns.insert(turn_id.to_owned(), Arc::new(approvals))
    }

    /// Takes the approvals off a thread, whose requests go to those of the connection again.
    pub(crate) fn clear_thread(&mut self, thread_id: &str) -> Option<Arc<A>> {
        self.threads.remove(thread_id)
    }

    /// Takes the approvals off a turn, whose requests go to those of the thread again.
    pub(crate) fn clear_turn(&mut self, turn_id: &str) -> Option<Arc<A>> {
        self.turns.remove(turn_id)
    }

    /// A turn has ended, so that its approvals are not needed any more.
    pub(crate) fn end_turn(&mut self, turn_id: &str) -> Option<Arc<A>> {
        let old = self.turns.remove(turn_id)?;
        if self.ended.len() == KEPT {
            self.ended.pop_front();
        }
        self.ended.push_back(turn_id.to_owned());
        Some(old)
    }

    /// Whether there are, or were, approvals besides the connection's.
    fn has_special(&self) -> bool {
        !(self.turns.is_empty() && self.ended.is_empty() && self.threads.is_empty())
    }

    /// Whether one of these turns had approvals and has ended.
    fn has_ended(&self, turn_id: &str, root: Option<&Root>) -> bool {
        let is_it = |ended: &String| ended == turn_id || root.is_some_and(|root| *ended == root.turn_id);
        self.ended.iter().any(is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The approvals of each are its name.
    fn deciders() -> Deciders<&'static str> {
        let mut deciders = Deciders::new("default");
        deciders.set_thread("T", "thread T");
        deciders.set_turn("U", "turn U");
        deciders.set_turn("E", "turn E");
        deciders.end_turn("E");
        deciders
    }

    fn root(thread_id: Option<&str>, turn_id: &str) -> Result<Option<Root>, Missed> {
        Ok(Some(Root { thread_id: thread_id.map(str::to_owned), turn_id: turn_id.to_owned() }))
    }

    #[test]
    fn the_nearest_approvals_decide() {
        for (thread, turn, root, expected) in [
            ("X", "V", Ok(None), Some("default")),
            ("T", "V", Ok(None), Some("thread T")),
            ("T", "U", Ok(None), Some("turn U")),
            ("X", "U", Err(Missed), Some("turn U")),
            // Sub-agents have threads and turns of their own.
            ("X", "V", root(Some("T"), "U"), Some("turn U")),
            ("X", "V", root(Some("T"), "W"), Some("thread T")),
            ("X", "V", root(None, "W"), Some("default")),
            ("T", "V", root(None, "W"), Some("thread T")),
            // The turn has ended, or its sub-agent outlives it.
            ("T", "E", Ok(None), None),
            ("X", "V", root(Some("T"), "E"), None),
            // The turn may be the sub-agent of one with approvals.
            ("X", "V", Err(Missed), None),
            ("T", "V", Err(Missed), None),
        ] {
            let deciders = deciders();
            let chosen = deciders.choose(thread, turn, root.clone()).map(|approvals| **approvals);
            assert_eq!(chosen, expected, "{thread} {turn} {root:?}");
        }
    }

    #[test]
    fn approvals_can_be_taken_off() {
        let mut deciders = deciders();
        let chosen = |deciders: &Deciders<&'static str>| deciders.choose("T", "U", Ok(None)).map(|a| **a);
        assert!(deciders.clear_turn("U").is_some() && deciders.clear_turn("U").is_none());
        assert_eq!(chosen(&deciders), Some("thread T"));
        assert!(deciders.clear_thread("T").is_some() && deciders.clear_thread("T").is_none());
        assert_eq!(chosen(&deciders), Some("default"));
        // A turn without approvals leaves no trace when it ends.
        assert!(deciders.end_turn("U").is_none());
        assert_eq!(chosen(&deciders), Some("default"));
    }

    #[test]
    fn the_default_decides_alone_whatever_was_missed() {
        let deciders = Deciders::new("default");
        assert_eq!(deciders.choose("T", "U", Err(Missed)).map(|approvals| **approvals), Some("default"));
    }

    #[test]
    fn only_turns_with_approvals_are_remembered() {
        let mut deciders = deciders();
        assert!(deciders.end_turn("V").is_none());
        assert!(deciders.choose("X", "V", Ok(None)).is_some());
        for n in 0..KEPT {
            deciders.set_turn(&n.to_string(), "crowd");
            deciders.end_turn(&n.to_string());
        }
        assert_eq!(deciders.ended.len(), KEPT);
        assert!(deciders.choose("X", "E", Ok(None)).is_some(), "the oldest made room");
    }
}
