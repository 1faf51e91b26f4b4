//! A thread's items, kept and new.

use codex_appserver_client::generic::{Client, Events};
use codex_appserver_client::{Error as ClientError, Event, Filter};
use codex_appserver_methods::protocol::ThreadItem;

use crate::core::view;
use crate::runtime::Runtime;
use crate::thread::Thread;

/// An item of a [`ThreadView`](crate::generic::ThreadView).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ViewItem {
    /// The turn that it belongs to.
    pub turn_id: String,
    /// The item, completed.
    pub item: ThreadItem,
}

/// The items of a thread in one sequence: those that the server keeps, the oldest first, and then each one that is
/// completed. A `Stream` with tokio, an iterator that blocks on threads.
///
/// No item is missing and none comes twice, however late the reader is: where events are lost, the view reads them
/// from the server's records and goes on. It ends with the connection: with an error if that broke.
///
#[cfg_attr(feature = "async", doc = "```no_run")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// # async fn example(thread: codex_appserver::Thread) -> Result<(), codex_appserver::Error> {
/// let mut view = thread.view();
/// while let Some(entry) = view.next().await {
///     let entry = entry?;
///     println!("{}: {}", entry.turn_id, entry.item.tag());
/// }
/// # Ok(())
/// # }
/// ```
///
/// Items are in the order in which they were completed. The server reports those of a thread that this connection has
/// started or resumed. It keeps none of an ephemeral thread: there the view begins with the items that are
/// completed from now on, and a reader that is too slow gets the error of its subscription as the last item.
///
/// The view remembers the id of every item that it has yielded. Dropping it, or the future of `next`, sends nothing.
#[must_use = "a view does nothing unless it is read"]
pub struct ThreadView<R: Runtime> {
    pub(crate) thread: Thread<R>,
    pub(crate) events: Events<R>,
    pub(crate) view: view::View,
    #[cfg_attr(not(feature = "async"), expect(dead_code, reason = "blocking calls are not kept"))]
    pub(crate) asking: R::Asking,
}

impl<R: Runtime> Thread<R> {
    /// Its items, from the first one on, and then each one that is completed (`thread/items/list`, `item/completed`).
    pub fn view(&self) -> ThreadView<R> {
        ThreadView::new(self, None)
    }

    /// The same from a cursor of [`items`](Self::items) on: the `backwards_cursor` of a page with the newest first, to go
    /// on where that page began. Its first item comes again.
    pub fn view_from(&self, cursor: impl Into<String>) -> ThreadView<R> {
        ThreadView::new(self, Some(cursor.into()))
    }
}

impl<R: Runtime> ThreadView<R> {
    fn new(thread: &Thread<R>, cursor: Option<String>) -> Self {
        Self {
            events: subscribe(thread),
            thread: thread.clone(),
            view: view::View::new(thread.id(), cursor),
            asking: R::Asking::default(),
        }
    }

    /// The thread.
    pub fn thread(&self) -> &Thread<R> {
        &self.thread
    }

    pub(crate) fn client(&self) -> &Client<R> {
        self.thread.codex().client()
    }

    /// Passes on what the subscription yielded. If it ended because it was full, another one takes its place.
    pub(crate) fn take(&mut self, event: Option<Result<Event, ClientError>>) {
        match event {
            Some(Ok(event)) => self.view.on_event(event),
            Some(Err(error @ ClientError::Overrun { .. })) => {
                self.events = subscribe(&self.thread);
                self.view.on_overrun(error);
            }
            Some(Err(error)) => self.view.on_closed(Some(error)),
            None => self.view.on_closed(None),
        }
    }
}

impl<R: Runtime> std::fmt::Debug for ThreadView<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadView").field("thread", &self.thread.id()).finish_non_exhaustive()
    }
}

fn subscribe<R: Runtime>(thread: &Thread<R>) -> Events<R> {
    let codex = thread.codex();
    let settings = codex.shared.settings.events.methods(view::EVENTS);
    codex.client().events_with(Filter::thread(thread.id()), settings)
}
