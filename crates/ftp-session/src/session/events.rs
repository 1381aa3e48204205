//! Events, and the bytes that are held back until their event was taken

use std::io::{Read, Write};

use ftp_proto::{Op, OpId, Output};

use super::{Session, Work};
use crate::error::Error;
use crate::event::Event;

/// Events
impl<S: Read + Write, L> Session<S, L> {
    /// Whether [`Self::poll_event`] has an event
    ///
    /// This is certain after a turn; requests made since then may have caused more.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Returns the next event
    ///
    /// After a transfer's [`Event::DataOpen`] its bytes can be moved.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.collect();
        let event = self.events.pop_front()?;
        self.release(opens(&event));
        Some(event)
    }

    /// Drops the events so far, for callers that wait for something else
    pub fn discard_events(&mut self) {
        self.collect();
        self.drop_events(self.events.len());
    }

    /// Drops the events so far, for callers that wait until the session is at rest
    ///
    /// Returns `Some` once it [is idle](Self::is_idle), or with the [error that ended it](Self::ended) if it is over.
    pub fn rested(&mut self) -> Option<Result<(), Error>> {
        self.discard_events();
        let ended = self.ended().map(Err);
        ended.or_else(|| self.is_idle().then_some(Ok(())))
    }

    /// Returns the result of a request, once it has ended; for callers that wait for one request after another
    ///
    /// While there is no result, the bytes of this request, and of no other, can be moved as soon as it is a transfer
    /// that is open. A transfer before it waits until its own result is asked for again, or its abort.
    ///
    /// It drops all events before the result, and while there is none, all events but the ends of requests and the
    /// beginnings of other transfers, so that a server can't make them pile up. If a connection breaks, every request
    /// that has not ended gets that as its result.
    pub fn completed<T: Output>(&mut self, op: Op<T>) -> Option<Result<T, Error>> {
        self.collect();
        let found = self.events.iter_mut().enumerate().find_map(|(index, event)| {
            let Event::Completed(done) = event else { return None };
            Some((index, done.take(op)?))
        });
        let Some((index, result)) = found else {
            self.await_data(op.id());
            self.events.retain(|event| match event {
                Event::Completed(_) | Event::Closed(_) => true,
                event => opens(event).is_some_and(|other| other != op.id()),
            });
            return None;
        };
        self.drop_events(index + 1);
        Some(result)
    }

    fn drop_events(&mut self, count: usize) {
        let open = self.events.iter().take(count).filter_map(opens).next_back();
        self.events.drain(..count);
        self.release(open);
    }

    /// Notes that the user waits for this request, and for the bytes of no other
    pub(super) fn await_data(&mut self, op: OpId) {
        if self.carried == Some(op) {
            self.release(Some(op));
        } else {
            self.opened = None;
        }
    }

    /// Lets the bytes of a transfer move, whose event the user has taken
    fn release(&mut self, open: Option<OpId>) {
        if open.is_none() || open == self.opened {
            return;
        }
        self.opened = open;
        if self.work == Work::None {
            self.work = Work::Released;
        }
    }
}

/// The transfer whose bytes this event lets move
const fn opens(event: &Event) -> Option<OpId> {
    match event {
        Event::DataOpen { op, .. } => Some(*op),
        _ => None,
    }
}
