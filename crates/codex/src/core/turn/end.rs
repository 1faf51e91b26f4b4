//! How a turn ends: by its events, or by the server's records.

use std::time::Instant;

use codex_appserver_client::Error as ClientError;
use codex_appserver_methods::protocol::{ThreadStatus, TurnStatus};

use super::{Turn, Verdict};
use crate::core::records::{self, Record, Records};
use crate::error::{Error, Stalled};

impl Turn {
    /// The end was read. What was missed before it is in the records: of a turn that was joined in the middle, what came
    /// before its events were read.
    pub(super) fn on_end(&mut self) {
        let has_missed = std::mem::take(&mut self.missed_items) || !self.log.has_begun();
        match self.verdict.take() {
            Some(Verdict::Recorded(turn)) => self.log.adopt(*turn),
            _ => self.needs_records |= has_missed,
        }
    }

    /// The answer to [`Step::AskRecords`].
    pub(crate) fn on_records(&mut self, read: Result<Records, ClientError>, now: Instant) {
        let silent_for = self.reader.asking.take().and_then(|asking| asking.silent_for);
        let (only_asked, only_silent) = (self.is_only_asked(), self.is_only_silent());
        self.reader.waiting_since = None;
        self.on_missed(read.as_ref().ok());
        match read {
            Ok(read) => {
                self.needs_records = false;
                self.doubt = None;
                match Record::of(read, self.id(), silent_for.unwrap_or_default()) {
                    // Its items are the better ones where some were missed.
                    Record::Over(turn) if self.log.is_over() => self.log.adopt(*turn),
                    Record::Over(turn) => self.verdict = Some(Verdict::Recorded(turn)),
                    Record::Open(_) if self.log.is_over() => {}
                    Record::Open(stalled) if silent_for.is_some() => self.on_open(stalled, true, now),
                    // The server goes on, also where it has asked something.
                    Record::Open(stalled) if only_asked && !self.is_unanswered(&stalled) => {
                        self.silences.asked = false;
                    }
                    Record::Open(stalled)
                        if only_silent && !is_unknown(&stalled) && !self.is_unanswered(&stalled) => {}
                    Record::Open(stalled) => self.on_open(stalled, false, now),
                }
            }
            Err(_) if self.log.is_over() => self.needs_records = false,
            Err(error) => match self.noticed_end.clone() {
                Some(end) => {
                    self.needs_records = false;
                    self.verdict = Some(Verdict::Noticed(end));
                }
                // It was recorded nowhere before its server died.
                None if self.unknown && records::is_unrecorded(&error) => {
                    self.needs_records = false;
                    self.verdict = Some(Verdict::Lost);
                }
                None => self.stop(records::unread(error)),
            },
        }
    }

    /// The records do not know the end of a turn whose end was not read either.
    fn on_open(&mut self, mut stalled: Box<Stalled>, silent: bool, now: Instant) {
        stalled.is_left = self.waits.is_left;
        let unknown = is_unknown(&stalled);
        let again = std::mem::replace(&mut self.unknown, unknown);
        match self.noticed_end.clone() {
            Some(end) => self.verdict = Some(Verdict::Noticed(end)),
            None if unknown && again => self.verdict = Some(Verdict::Lost),
            // A request came while the server was asked.
            None if silent && self.waits.is_open => {}
            None if silent => self.reader.output = Some(Err(Error::Stalled(stalled))),
            None => {
                self.doubt = Some(now);
                self.report_silence(stalled, now);
            }
        }
    }
}

/// Whether the server does nothing, and knows nothing of the turn.
fn is_unknown(stalled: &Stalled) -> bool {
    !matches!(stalled.status, ThreadStatus::Active(_)) && stalled.turn_status != Some(TurnStatus::InProgress)
}
