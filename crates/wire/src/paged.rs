//! Reads the answers of methods that answer in pages, one page after another.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::{
    BlockingTransport, DecodeError, EncodeError, Endpoint, Request, Transport, decode, encode_params,
};

/// How many pages in a row [`Items`] reads that have no item and name a next page.
const EMPTY_PAGES: usize = 100;

/// A method that answers in pages: its params have a `cursor`, its response has a `nextCursor` and a list.
pub trait Paged: Request {
    /// What the list holds.
    type Item;

    /// Sets where the page begins.
    fn set_cursor(params: &mut Self::Params, cursor: String);

    /// Where the next page begins; none where this is the last one.
    fn next_cursor(response: &Self::Response) -> Option<&str>;

    /// The cursor for reading in the other direction from the first item of the page, where the method has that.
    fn backwards_cursor(response: &Self::Response) -> Option<&str> {
        let _ = response;
        None
    }

    /// The list.
    fn into_items(response: Self::Response) -> Vec<Self::Item>;
}

/// A request on its way.
type Sending<'c, E> = Pin<Box<dyn Future<Output = Result<String, E>> + Send + 'c>>;

/// The pages of a call, each requested when it is read: an iterator on a [`BlockingTransport`]; on a [`Transport`]
/// [`next`](Self::next) awaits them, and with the feature `stream` it is a `Stream`.
///
/// It ends after the page without a next cursor and after an error. An error is an item; nothing comes after it, and
/// [`cursor`](Self::cursor) says where to begin again. A server that answers with a cursor that it gave before would
/// never come to an end: the page is yielded, and an error follows it.
#[must_use = "pages are requested when they are read"]
pub struct Pages<'c, C: Endpoint + ?Sized, M: Request> {
    client: &'c C,
    /// None at the end.
    params: Option<M::Params>,
    cursors: Cursors,
    backwards_cursor: Option<String>,
    sending: Option<Sending<'c, C::Error>>,
}

impl<'c, C: Endpoint + ?Sized, M: Paged> Pages<'c, C, M> {
    /// The pages of a call with these params; a cursor in them says where the first page begins.
    pub fn new(client: &'c C, params: M::Params) -> Self {
        Self {
            client,
            params: Some(params),
            cursors: Cursors::default(),
            backwards_cursor: None,
            sending: None,
        }
    }

    /// Where the next page begins; none before the first page and after the last one. After an error it is where the
    /// page would have begun that could not be read.
    pub fn cursor(&self) -> Option<&str> {
        self.cursors.next.as_deref()
    }

    /// The cursor for reading in the other direction from the first item of the first page, once that is read: a call
    /// with this cursor and the other sort direction yields what was added since. None where the method has no such
    /// cursor.
    pub fn backwards_cursor(&self) -> Option<&str> {
        self.backwards_cursor.as_deref()
    }

    /// The items of the pages.
    pub fn items(self) -> Items<'c, C, M> {
        Items { pages: self, unread: VecDeque::new(), empty_pages: 0 }
    }

    /// The next request; none at the end.
    fn request(&mut self) -> Option<Result<Option<String>, EncodeError>> {
        Some(encode_params(self.params.as_ref()?))
    }

    /// The page of an answer.
    fn answered(&mut self, result: Result<String, C::Error>) -> Result<M::Response, C::Error> {
        // An error is the end.
        let params = self.params.take();
        let result = result?;
        let page: M::Response = decode(&result)
            .map_err(|error| error.within("result").with_method(M::METHOD).with_raw(result.as_str()))?;
        if self.cursors.read == 0 {
            self.backwards_cursor = M::backwards_cursor(&page).map(str::to_owned);
        }
        self.cursors.advance(M::next_cursor(&page));
        if let (Some(mut params), Some(cursor)) = (params, self.cursors.next.clone()) {
            M::set_cursor(&mut params, cursor);
            self.params = Some(params);
        }
        Ok(page)
    }

    /// The error after a page that names a cursor once more.
    fn repeated(&mut self) -> Option<DecodeError> {
        if !self.cursors.repeated {
            return None;
        }
        self.params.take()?;
        Some(endless::<M>("the server names a cursor that it has named before"))
    }
}

/// The error of an answer that would lead to no end.
fn endless<M: Request>(message: &str) -> DecodeError {
    DecodeError::other(message).within("nextCursor").within("result").with_method(M::METHOD)
}

/// On a connection that blocks.
impl<C: BlockingTransport + ?Sized, M: Paged> Iterator for Pages<'_, C, M> {
    type Item = Result<M::Response, C::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.repeated() {
            return Some(Err(error.into()));
        }
        let result = match self.request()? {
            Ok(params) => BlockingTransport::send(self.client, M::METHOD, params),
            Err(error) => Err(error.into()),
        };
        Some(self.answered(result))
    }
}

/// On a connection that is awaited.
impl<C: Transport + Sync + ?Sized, M: Paged> Pages<'_, C, M> {
    /// The next page. Dropping the future loses nothing: the request goes on when the next one is awaited.
    pub async fn next(&mut self) -> Option<Result<M::Response, C::Error>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<M::Response, C::Error>>> {
        if let Some(error) = self.repeated() {
            return Poll::Ready(Some(Err(error.into())));
        }
        if self.sending.is_none() {
            let params = match self.request() {
                None => return Poll::Ready(None),
                Some(Ok(params)) => params,
                Some(Err(error)) => return Poll::Ready(Some(self.answered(Err(error.into())))),
            };
            self.sending = Some(Box::pin(Transport::send(self.client, M::METHOD, params)));
        }
        let Some(sending) = &mut self.sending else { return Poll::Ready(None) };
        let result = ready!(sending.as_mut().poll(context));
        self.sending = None;
        Poll::Ready(Some(self.answered(result)))
    }
}

/// The items of a call that answers in pages; each page is requested when the items before it are read. It is read like
/// [`Pages`] and ends like them.
///
/// A page without items is skipped. A server that sends a hundred of them in a row, each with a cursor, is given up
/// with an error.
#[must_use = "pages are requested when their items are read"]
pub struct Items<'c, C: Endpoint + ?Sized, M: Paged> {
    pages: Pages<'c, C, M>,
    unread: VecDeque<M::Item>,
    empty_pages: usize,
}

impl<C: Endpoint + ?Sized, M: Paged> Items<'_, C, M> {
    /// See [`Pages::cursor`]: where the page begins that follows the items which are read or waiting.
    pub fn cursor(&self) -> Option<&str> {
        self.pages.cursor()
    }

    /// See [`Pages::backwards_cursor`].
    pub fn backwards_cursor(&self) -> Option<&str> {
        self.pages.backwards_cursor()
    }

    /// Takes in a page.
    fn add(&mut self, page: M::Response) -> Result<(), C::Error> {
        self.unread.extend(M::into_items(page));
        self.empty_pages = if self.unread.is_empty() { self.empty_pages + 1 } else { 0 };
        if self.empty_pages >= EMPTY_PAGES && self.pages.params.take().is_some() {
            return Err(endless::<M>("a hundred pages in a row have no item and name a next page").into());
        }
        Ok(())
    }
}

/// On a connection that blocks.
impl<C: BlockingTransport + ?Sized, M: Paged> Iterator for Items<'_, C, M> {
    type Item = Result<M::Item, C::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.unread.pop_front() {
                return Some(Ok(item));
            }
            if let Err(error) = Iterator::next(&mut self.pages)?.and_then(|page| self.add(page)) {
                return Some(Err(error));
            }
        }
    }
}

/// On a connection that is awaited.
impl<C: Transport + Sync + ?Sized, M: Paged> Items<'_, C, M> {
    /// The next item. Dropping the future loses nothing: the request goes on when the next one is awaited.
    pub async fn next(&mut self) -> Option<Result<M::Item, C::Error>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<M::Item, C::Error>>> {
        loop {
            if let Some(item) = self.unread.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            let Some(page) = ready!(self.pages.poll_next(context)) else { return Poll::Ready(None) };
            if let Err(error) = page.and_then(|page| self.add(page)) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

/// Nothing is pinned in place: the request has a box of its own.
impl<C: Endpoint + ?Sized, M: Request> Unpin for Pages<'_, C, M> {}
impl<C: Endpoint + ?Sized, M: Paged> Unpin for Items<'_, C, M> {}

#[cfg(feature = "stream")]
impl<C: Transport + Sync + ?Sized, M: Paged> futures_core::Stream for Pages<'_, C, M> {
    type Item = Result<M::Response, C::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pages::poll_next(self.get_mut(), context)
    }
}

#[cfg(feature = "stream")]
impl<C: Transport + Sync + ?Sized, M: Paged> futures_core::Stream for Items<'_, C, M> {
    type Item = Result<M::Item, C::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Items::poll_next(self.get_mut(), context)
    }
}

impl<C: Endpoint + ?Sized, M: Request> fmt::Debug for Pages<'_, C, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("method", &M::METHOD)
            .field("cursor", &self.cursors.next)
            .finish_non_exhaustive()
    }
}

impl<C: Endpoint + ?Sized, M: Paged> fmt::Debug for Items<'_, C, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("pages", &self.pages).finish_non_exhaustive()
    }
}

/// Follows cursors and notices when they go in a circle, with two of them in memory: Brent's algorithm. One cursor
/// stays behind as a mark; it moves on after 1, 2, 4, 8 … pages, so that it is in the circle sooner or later, and the
/// circle comes back to it.
#[derive(Default)]
struct Cursors {
    /// Where the next page begins.
    next: Option<String>,
    mark: Option<String>,
    /// How many pages were read.
    read: u64,
    /// The next cursor was named before.
    repeated: bool,
}

impl Cursors {
    fn advance(&mut self, next: Option<&str>) {
        self.read += 1;
        self.repeated = next.is_some() && [self.next.as_deref(), self.mark.as_deref()].contains(&next);
        if self.read.is_power_of_two() {
            self.mark = next.map(str::to_owned);
        }
        self.next = next.map(str::to_owned);
    }
}
