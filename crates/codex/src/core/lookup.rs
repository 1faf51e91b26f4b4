//! How the records of one turn are read: in pages, newest turns first, and only as much as is asked for.
//!
//! A [`Lookup`] does no I/O. Its [`next`](Lookup::next) says which call to make, or what was found; each call's answer
//! is passed in, and then `next` is called again. The turns are listed without their items until the turn is found. If
//! it runs, the thread's status is read; if it is over, its items. So what is read does not grow with the thread but by
//! a few kilobytes for every hundred turns that are newer. A server that cannot list turns is asked for the whole
//! thread, as is the only way there.

use codex_appserver_client::{Error as ClientError, RpcErrorKind};
use codex_appserver_methods::protocol::{
    SortDirection, ThreadItemsListParams, ThreadItemsListResponse, ThreadReadParams, ThreadReadResponse,
    ThreadTurnsListParams, ThreadTurnsListResponse, Turn, TurnItemsView,
};

use super::records::{self, Records};

/// How many turns a page has: as many as the server allows.
const TURNS: u32 = 100;

/// How many items a page of a turn has, unless they make the answer too long.
const ITEMS: u32 = 20;

/// How many pages are read of turns or of items. A server that names a next page each time is not followed further.
const PAGES: usize = 1000;

/// Which call comes next.
#[derive(Debug)]
pub(crate) enum Query {
    Read(ThreadReadParams),
    Turns(ThreadTurnsListParams),
    Items(ThreadItemsListParams),
    /// There is none: this was found.
    Done(Result<Records, ClientError>),
}

/// The search for one turn.
#[derive(Debug)]
pub(crate) struct Lookup {
    thread_id: String,
    turn_id: String,
    /// Of which turn the items are read.
    items: Items,
    step: Step,
    /// The turns that matter: the turn itself, and the one that runs on its behalf.
    turns: Vec<Turn>,
    pages: usize,
}

/// Of which turn the items are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Items {
    Never,
    /// Of one that is over.
    AtEnd,
    Always,
}

#[derive(Debug)]
enum Step {
    /// A page of turns without items, which begins there.
    Turns(Option<String>),
    /// The status of the thread.
    Status,
    /// The items of the turn.
    Items {
        cursor: Option<String>,
        limit: u32,
        /// The page of turns with the turn, and its place in it.
        page: Option<String>,
        place: u32,
    },
    /// A page of turns with their items, the turn being the last one: there is no method for items.
    Full { page: Option<String>, limit: u32 },
    /// The whole thread: there is no method for turns.
    Whole,
    /// `None` once it was handed out.
    Done(Option<Result<Records, ClientError>>),
}

impl Lookup {
    /// Finds out how a turn stands, with its items so far.
    pub(crate) fn with_all_items(thread_id: impl Into<String>, turn_id: impl Into<String>) -> Self {
        Self { items: Items::Always, ..Self::status(thread_id, turn_id) }
    }

    /// Finds out how a turn stands; with its items, if it is over.
    pub(crate) fn with_items(thread_id: impl Into<String>, turn_id: impl Into<String>) -> Self {
        Self { items: Items::AtEnd, ..Self::status(thread_id, turn_id) }
    }

    /// Finds out how a turn stands.
    pub(crate) fn status(thread_id: impl Into<String>, turn_id: impl Into<String>) -> Self {
        Self {
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            items: Items::Never,
            step: Step::Turns(None),
            turns: Vec::new(),
            pages: 0,
        }
    }

    pub(crate) fn next(&mut self) -> Query {
        let turns = |cursor: &Option<String>, limit, view| {
            let params = ThreadTurnsListParams::new(&self.thread_id)
                .limit(limit)
                .sort_direction(SortDirection::Desc)
                .items_view(view);
            Query::Turns(match cursor {
                Some(cursor) => params.cursor(cursor),
                None => params,
            })
        };
        match &mut self.step {
            Step::Turns(cursor) => turns(cursor, TURNS, TurnItemsView::NotLoaded),
            Step::Full { page, limit } => turns(page, *limit, TurnItemsView::Full),
            Step::Items { cursor, limit, .. } => {
                let params = ThreadItemsListParams::new(&self.thread_id)
                    .turn_id(&self.turn_id)
                    .limit(*limit)
                    .sort_direction(SortDirection::Asc);
                Query::Items(match cursor {
                    Some(cursor) => params.cursor(cursor.as_str()),
                    None => params,
                })
            }
            Step::Status => Query::Read(ThreadReadParams::new(&self.thread_id)),
            Step::Whole => Query::Read(ThreadReadParams::new(&self.thread_id).include_turns(true)),
            Step::Done(found) => {
                Query::Done(found.take().unwrap_or_else(|| Ok(Records::of(&self.thread_id))))
            }
        }
    }

    /// The answer to [`Query::Read`].
    pub(crate) fn on_read(&mut self, read: Result<ThreadReadResponse, ClientError>) {
        self.step = match (&self.step, read) {
            (Step::Whole, Err(error)) if records::has_no_turns(&error) => Step::Status,
            (Step::Whole, Ok(read)) => Step::Done(Some(Ok(read.into()))),
            (_, Ok(read)) => {
                let turns = std::mem::take(&mut self.turns);
                Step::Done(Some(Ok(Records { turns, ..Records::from(read) })))
            }
            (_, Err(error)) => Step::Done(Some(Err(error))),
        };
    }

    /// The answer to [`Query::Turns`].
    pub(crate) fn on_turns(&mut self, page: Result<ThreadTurnsListResponse, ClientError>) {
        let full = matches!(self.step, Step::Full { .. });
        self.step = match (std::mem::replace(&mut self.step, Step::Status), page) {
            (Step::Turns(cursor), Ok(page)) => self.found(cursor, page),
            (Step::Full { .. }, Ok(page)) => {
                // Where it is not found again, its end is known all the same.
                if let Some(turn) = page.data.into_iter().find(|turn| turn.id == self.turn_id) {
                    self.turns = vec![turn];
                }
                self.over()
            }
            (_, Err(ClientError::Decode(_))) if full => self.over(),
            (_, Err(error)) if lacks_method(&error) => Step::Whole,
            (_, Err(error)) if records::has_no_turns(&error) => Step::Status,
            (_, Err(error)) => Step::Done(Some(Err(error))),
            (step, Ok(_)) => step,
        };
    }

    /// What follows a page of turns without items.
    fn found(&mut self, cursor: Option<String>, page: ThreadTurnsListResponse) -> Step {
        self.pages += 1;
        let next = page.next_cursor.filter(|next| Some(next) != cursor.as_ref() && self.pages < PAGES);
        for (place, turn) in (0..).zip(page.data) {
            if turn.id == self.turn_id {
                let (over, loaded) = (records::is_over(&turn), turn.items_view == TurnItemsView::Full);
                self.turns.push(turn);
                self.pages = 0;
                let wanted = self.items == Items::Always || (self.items == Items::AtEnd && over);
                return match (over, wanted && !loaded) {
                    (_, true) => Step::Items { cursor: None, limit: ITEMS, page: cursor, place },
                    (true, false) => self.over(),
                    (false, false) => Step::Status,
                };
            }
            if records::runs_for(&turn, &self.turn_id) {
                // The turn goes on, wherever it is.
                self.turns.push(turn);
                return Step::Status;
            }
        }
        match next {
            Some(next) => Step::Turns(Some(next)),
            None => Step::Status,
        }
    }

    /// The answer to [`Query::Items`].
    pub(crate) fn on_items(&mut self, items: Result<ThreadItemsListResponse, ClientError>) {
        let Step::Items { cursor, limit, page, place } = &mut self.step else { return };
        let Some(turn) = self.turns.first_mut() else { return };
        self.pages += 1;
        match items {
            Ok(items) => {
                turn.items.extend(items.data.into_iter().map(|entry| entry.item));
                match items.next_cursor {
                    Some(next) if Some(&next) != cursor.as_ref() && self.pages < PAGES => {
                        *cursor = Some(next)
                    }
                    // Items that are not all of them are not taken for all of them.
                    Some(_) => {
                        turn.items.clear();
                        self.step = self.over();
                    }
                    None => {
                        turn.items_view = TurnItemsView::Full;
                        self.step = self.over();
                    }
                }
            }
            // The answer is too long, or one of the items cannot be decoded: fewer may go well.
            Err(ClientError::Decode(_)) if *limit > 1 => *limit /= 2,
            Err(ClientError::Decode(_)) => {
                turn.items.clear();
                self.step = self.over();
            }
            // Older servers say of the items of any thread what others say of one without a record.
            Err(error) if lacks_method(&error) || error.kind() == Some(RpcErrorKind::NotRecorded) => {
                turn.items.clear();
                self.step = Step::Full { page: page.take(), limit: *place + 1 };
            }
            Err(error) => self.step = Step::Done(Some(Err(error))),
        }
    }

    /// All that is wanted of the turn is known. If it is over, it does not matter how its thread stands.
    fn over(&mut self) -> Step {
        if self.turns.first().is_some_and(|turn| !records::is_over(turn)) {
            return Step::Status;
        }
        let turns = std::mem::take(&mut self.turns);
        Step::Done(Some(Ok(Records { turns, ..Records::of(&self.thread_id) })))
    }
}

/// Whether the server cannot answer the method: it does not know it, or only for those who ask for what is experimental.
fn lacks_method(error: &ClientError) -> bool {
    matches!(error.kind(), Some(RpcErrorKind::MethodNotFound | RpcErrorKind::NeedsExperimentalApi))
}

#[cfg(test)]
mod tests;
