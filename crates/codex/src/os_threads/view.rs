//! A thread's items, waited for.

use codex_appserver_client::OsThreads;
use codex_appserver_methods::Call;
use codex_appserver_methods::protocol::method;

use crate::core::view::Step;
use crate::error::Error;
use crate::view::{ThreadView, ViewItem};

impl Iterator for ThreadView<OsThreads> {
    type Item = Result<ViewItem, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.view.next() {
                Step::Item(item) => return Some(Ok(*item)),
                Step::Fail(error) => return Some(Err(error.into())),
                Step::Done => return None,
                Step::Ask(params) => {
                    let page = Call::<_, method::ThreadItemsList>::new(self.client(), params).call();
                    self.view.on_page(page);
                }
                Step::Wait => {
                    let event = self.events.next();
                    self.take(event);
                }
            }
        }
    }
}
