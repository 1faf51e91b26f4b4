//! What a thread holds: its turns and items, in pages.

use codex_appserver_client::ServerInfo;
use codex_appserver_client::generic::Client;
use codex_appserver_client::wire::Release;
use codex_appserver_methods::protocol::method;
use codex_appserver_methods::{Call, Methods};

use crate::runtime::Runtime;
use crate::thread::Thread;

impl<R: Runtime> Thread<R> {
    /// Its turns (`thread/turns/list`), the newest first unless the setter `sort_direction` says otherwise: one page,
    /// or all of them by `items`, which requests each page when it is read.
    ///
    /// Turns come with the user's input and the final answer alone. `items_view(TurnItemsView::Full)` asks for all
    /// their items, `NotLoaded` for none. The setter `limit` says how many turns a page has: 25 unless set, 100 at most.
    ///
    #[cfg_attr(feature = "async", doc = "```no_run")]
    #[cfg_attr(not(feature = "async"), doc = "```ignore")]
    /// use codex_appserver::protocol::SortDirection;
    ///
    /// # async fn example(thread: codex_appserver::Thread) -> Result<(), codex_appserver::Error> {
    /// let mut turns = thread.turns().sort_direction(SortDirection::Asc).items();
    /// while let Some(turn) = turns.next().await {
    ///     let turn = turn?;
    ///     println!("{}: {}", turn.id, turn.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The server refuses for an ephemeral thread, which it keeps no records of, and for one without a turn.
    pub fn turns(&self) -> Call<'_, Client<R>, method::ThreadTurnsList> {
        self.codex().client().thread_turns_list(self.id())
    }

    /// Its items (`thread/items/list`), the oldest first unless the setter `sort_direction` says otherwise: one page, or
    /// all of them by `items`, which requests each page when it is read. The setter `turn_id` asks for those of one turn.
    ///
    /// The setter `limit` says how many items a page has: 25 unless set, 100 at most. A page is one message: of a thread
    /// with large items ask for few, lest it is longer than the client's
    /// [`line_limit`](codex_appserver_client::generic::ClientBuilder::line_limit).
    ///
    /// # Errors
    ///
    /// The server refuses for an ephemeral thread, which it keeps no records of, and for one without a turn.
    pub fn items(&self) -> Call<'_, Client<R>, method::ThreadItemsList> {
        self.codex().client().thread_items_list(self.id())
    }
}

/// The releases that refuse `excludeTurns` from clients that did not ask for the experimental API. Before them it was no
/// experimental param, or an unknown one, which servers ignore.
const EXCLUDE_TURNS_IS_EXPERIMENTAL: std::ops::Range<Release> =
    Release::new(0, 129, 0)..Release::new(0, 151, 0);

/// Whether a server is asked to leave the turns out of its answer when a thread is resumed or forked.
pub(crate) fn excludes_turns(server: &ServerInfo) -> bool {
    !server.release().is_some_and(|release| EXCLUDE_TURNS_IS_EXPERIMENTAL.contains(&release))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_would_refuse_are_not_asked_to_leave_the_turns_out() {
        for (version, expected) in [
            (None, true),
            (Some("0.99.0"), true),
            (Some("0.128.0"), true),
            (Some("0.129.0"), false),
            (Some("0.150.3"), false),
            (Some("0.151.0"), true),
            (Some("99.0.0"), true),
        ] {
            let mut server = ServerInfo::default();
            server.version = version.map(Into::into);
            assert_eq!(excludes_turns(&server), expected, "{version:?}");
        }
    }
}
