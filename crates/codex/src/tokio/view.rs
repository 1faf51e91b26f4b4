//! A thread's items, awaited.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use codex_appserver_client::{Error as ClientError, Tokio};
use codex_appserver_methods::Call;
use codex_appserver_methods::protocol::{ThreadItemsListParams, ThreadItemsListResponse, method};
use futures_core::Stream;

use crate::core::view::Step;
use crate::error::Error;
use crate::view::{ThreadView, ViewItem};

type Page = Result<ThreadItemsListResponse, ClientError>;

/// The page that is being read.
#[derive(Default)]
pub struct Asking(Option<Pin<Box<dyn Future<Output = Page> + Send>>>);

/// On tokio.
impl ThreadView<Tokio> {
    /// The next item. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// What a call fails with, or the connection broke. An error is the last item.
    pub async fn next(&mut self) -> Option<Result<ViewItem, Error>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<ViewItem, Error>>> {
        loop {
            match self.view.next() {
                Step::Item(item) => return Poll::Ready(Some(Ok(*item))),
                Step::Fail(error) => return Poll::Ready(Some(Err(error.into()))),
                Step::Done => return Poll::Ready(None),
                Step::Ask(params) => {
                    let page = ready!(self.poll_page(params, context));
                    self.asking.0 = None;
                    self.view.on_page(page);
                }
                Step::Wait => {
                    let event = ready!(Pin::new(&mut self.events).poll_next(context));
                    self.take(event);
                }
            }
        }
    }

    fn poll_page(&mut self, params: ThreadItemsListParams, context: &mut Context<'_>) -> Poll<Page> {
        if self.asking.0.is_none() {
            let client = self.client().clone();
            self.asking.0 =
                Some(Box::pin(async move { Call::<_, method::ThreadItemsList>::new(&client, params).await }));
        }
        self.asking.0.as_mut().map_or(Poll::Pending, |asking| asking.as_mut().poll(context))
    }
}

impl Stream for ThreadView<Tokio> {
    type Item = Result<ViewItem, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}
