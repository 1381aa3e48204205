//! The possible results of a transfer

use std::time::Duration;

use ftp_proto::DataFailure;

use super::super::session::FILE;
use super::super::{
    Beside, DataFault, Fault, Habit, HandshakeFault, Move, MoveEnd, Position, Task,
};
use super::{Class, Facts};

impl Facts<'_> {
    /// Whether the client must send a command to learn to which transfer a final reply belonged
    pub(super) fn needs_proof(&self) -> bool {
        matches!(
            self.case.habit,
            Habit::FinalFirst(_)
                | Habit::FinalEarly(_)
                | Habit::NoOpening
                | Habit::OpeningLast
                | Habit::LateFinals { .. }
                | Habit::Queue
        ) || matches!(self.case.fault, Fault::Stray(..) | Fault::Reply(..))
    }

    /// Whether the sentinel that should have proven a final reply was refused in the way transfers are: the client
    /// can't know which of the two was refused
    fn proof_is_refused(&self) -> bool {
        self.needs_proof()
            && self.heard().any(|(deed, said)| {
                deed.verb == "REST" && matches!(said.code, 425 | 426 | 450..=452 | 550..=553)
            })
    }

    pub(super) fn transfer(&self) -> Vec<Class> {
        let refused = self.finals().any(|said| said.code >= 300);
        let final_came =
            self.finals().last().is_some_and(|said| said.code / 100 == 2 && said.code != 202);
        let whole = self.is_whole();
        let ended = self.moved().and_then(|moved| moved.end);
        let mut may = Vec::new();
        let cut = match ended {
            // Under TLS a server resets a healthy upload if it closes before it has read close_notify (Q94), and a server
            // that lacks bytes knows it. So a confirmation after such a reset is believed once everything was sent.
            Some((MoveEnd::Failed(DataFailure::Broken), _))
                if self.case.way.is_tls() && self.wrote_all() && final_came && !refused =>
            {
                may.push(Class::Done);
                true
            }
            Some((MoveEnd::Failed(_), _)) => true,
            // An attacker can truncate here (Config::truncation), unless the size is known.
            Some((MoveEnd::Ragged, _)) => self.known().is_empty(),
            _ => false,
        };
        // The command was refused but carried out: either may be reported.
        if whole && final_came && refused && !self.finals().any(|s| s.honest && s.code >= 300) {
            may.push(Class::Done);
        }
        if whole && final_came && !refused {
            if !cut || self.uploads() {
                may.push(Class::Done);
            }
            if cut {
                may.extend([Class::DataFailed, Class::Truncated]);
            }
            if let (Some((class, _)), true) = (self.cause(), self.downloads() || self.uploads()) {
                // The end of the session after the final reply does not concern the transfer.
                if self.needs_proof() {
                    may.extend([Class::Unconfirmed, class]);
                }
            }
            if self.silence() {
                may.extend([Class::Unconfirmed, Class::TimedOut, Class::DataTimedOut]);
            }
            // The client gave up the connection, whose end never came, and the server confirms it afterwards.
            if matches!(self.case.fault, Fault::Data(DataFault::Silent, _)) && self.downloads() {
                may.push(Class::DataTimedOut);
            }
            // A preliminary reply after the final one shows that the final one was another transfer's (RFC 959 section
            // 5.4).
            if self.case.habit == Habit::OpeningLast {
                may.extend([Class::Unconfirmed, Class::TimedOut]);
            }
            // A directory that was entered must be left again.
            if self.is_task() && self.case.task.reads_directory() {
                self.refusals(&mut may);
                self.endings(&mut may);
            }
            if self.heard().any(|(_, said)| !said.honest) || self.proof_is_refused() {
                self.refusals(&mut may);
            }
            return may;
        }
        // An empty directory may be refused: 450 or 550 to the listing itself (vsftpd and others).
        let nothing = self.finals().any(|said| matches!(said.code, 450 | 550));
        if nothing && self.is_task() && self.case.task == Task::ReadEmpty {
            may.push(Class::Done);
        }
        if self.is_task() && self.case.task.is_of_nothing() {
            may.push(Class::NoDirectory);
        }
        self.refusals(&mut may);
        self.data(&mut may, whole, final_came && !refused, ended);
        may
    }

    pub(super) fn data(
        &self,
        may: &mut Vec<Class>,
        whole: bool,
        final_came: bool,
        ended: Option<(MoveEnd, Duration)>,
    ) {
        let failure = match ended {
            Some((MoveEnd::Failed(failure), _)) => Some(failure),
            _ => None,
        };
        // The failure of TLS is the cause; the server's reply to it is not.
        let noticed = ended.is_some_and(|(_, at)| at <= self.op.at);
        if failure == Some(DataFailure::Tls)
            && noticed
            && !matches!(self.case.fault, Fault::Wire(..))
        {
            // A client that receives everything at once also receives the server's reply.
            let at_once = self.main.is_some_and(|deed| {
                deed.said.iter().any(|said| said.code / 100 == 1 && said.end > Some(self.op.floor))
            });
            // Which of the two is noticed first is arbitrary. After a listing the client leaves the directory.
            let together = ended.is_some_and(|(_, at)| at == self.op.at)
                || self.is_task() && self.case.task.reads_directory();
            if !at_once && !together {
                may.clear();
            }
            return may.push(Class::DataFailed);
        }
        if self.moved().is_some_and(|moved| moved.fresh) || self.has_lost_tickets() {
            may.push(Class::Resumption);
        }
        if failure.is_some() {
            may.push(Class::DataFailed);
        }
        if matches!(self.case.fault, Fault::Data(DataFault::Refused | DataFault::RefusedLater, _)) {
            may.extend([Class::DataFailed, Class::DataTimedOut]);
        }
        if matches!(
            self.case.fault,
            Fault::Data(DataFault::Silent, _) | Fault::DataTls(HandshakeFault::Silent)
        ) {
            may.push(Class::DataTimedOut);
            // All of it had been sent, and its end too.
            if self.wrote_all() {
                may.extend([Class::Unconfirmed, Class::TimedOut]);
            }
        }
        let down = self.downloads();
        if final_came && !whole && down && ended.is_some() {
            let detectable = self.is_short()
                || matches!(ended, Some((MoveEnd::Ragged, _))) && self.known().is_empty();
            may.push(Class::Truncated);
            // The session ended before the client had read what had arrived.
            if let (Some((class, over)), Some((_, at))) = (self.cause(), ended) {
                if over <= at {
                    may.push(class);
                }
            }
            if !detectable
                && failure.is_none()
                && !self.sticky()
                && self.case.habit != Habit::Queue
                && self.received().len() < self.wanted().len()
                && self.wanted().starts_with(self.received())
            {
                may.push(Class::Done);
            }
            if self.received().len() > self.wanted().len() {
                may.push(Class::TooLong);
            }
            return;
        }
        // The bytes are enough without the final reply; under TLS always.
        let ragged = matches!(ended, Some((MoveEnd::Ragged, _))) && self.known().is_empty();
        if down && ragged {
            may.push(Class::Truncated);
        }
        if down && (ended.is_some() && self.is_short()) && self.finals().next().is_none() {
            may.push(Class::Truncated);
        }
        // No reply and no data came: which of the two deadlines expires first is arbitrary.
        if self.unannounced() && matches!(self.case.fault, Fault::Data(DataFault::Silent, _)) {
            may.push(Class::TimedOut);
        }
        if self.sticky() {
            // The client may report any error here, but no success.
            may.extend([Class::Unexpected, Class::Invalid, Class::TooLong, Class::Truncated]);
            may.extend([Class::Protocol, Class::TimedOut, Class::Local, Class::Other]);
            may.push(Class::Resumption);
        }
        // The listing for a ticket was refused, and this server sends the preliminary reply after the refusal.
        if self.case.habit == Habit::OpeningLast
            && self.heard().any(|(deed, said)| deed.verb == "LIST" && said.code / 100 == 1)
        {
            may.push(Class::TimedOut);
        }
        if self.unannounced() && self.uploads() {
            may.extend([Class::DataTimedOut, Class::TimedOut]);
        }
        // A server that closes before it has read close_notify resets the connection, though the file may be complete.
        if self.case.way.is_tls() && self.wrote_all() && failure == Some(DataFailure::Broken) {
            may.push(Class::Unconfirmed);
        }
        if let Some((class, at)) = self.cause() {
            let over = ended.is_some_and(|(_, ended)| ended <= at);
            // Which of the two is noticed first is arbitrary.
            if self.opened() && ended.is_some_and(|(_, ended)| ended == at) {
                may.push(class);
                if whole || self.wrote_all() {
                    may.push(Class::Unconfirmed);
                }
            }
            match (self.opened(), over) {
                (false, _) => may.push(class),
                (true, true) if down && self.is_short() => may.push(Class::Truncated),
                // The client leaves the directory, or looks up more, after the listing.
                (true, true) if self.is_task() && self.case.task.reads_directory() => {
                    may.extend([class, Class::Unconfirmed, Class::Truncated]);
                }
                (true, true) if (whole || self.wrote_all()) && failure.is_none() => {
                    may.push(Class::Unconfirmed);
                    // Without a preliminary reply, an empty transfer need not have begun.
                    if self.wanted().is_empty() {
                        may.push(class);
                    }
                }
                (true, true) if down && failure.is_none() => {
                    may.extend([Class::Unconfirmed, Class::Truncated]);
                }
                (true, true) => may.push(class),
                (true, false) => {
                    may.push(class);
                    if down && self.is_short() {
                        may.push(Class::Truncated);
                    }
                    if whole || self.wrote_all() {
                        may.push(Class::Unconfirmed);
                    }
                }
            }
            return self.endings_of_half_lines(may);
        }
        if self.silence() {
            if down && ended.is_some() && self.is_short() {
                // Nothing had announced that bytes would come.
                if self.received().is_empty() {
                    may.push(Class::TimedOut);
                }
                return may.push(Class::Truncated);
            }
            may.extend([Class::TimedOut, Class::DataTimedOut, Class::Protocol]);
            if ended.is_some() && (whole || self.wrote_all() || down && failure.is_none()) {
                may.push(Class::Unconfirmed);
            }
        }
        // After an abort that nothing has answered, the client may give up the session.
        if matches!(self.case.habit, Habit::NoRestZero(_)) && self.case.task.aborts() {
            may.push(Class::TimedOut);
        }
        // The server has dropped the transfer, and says no more of it.
        if self.case.habit == Habit::Beside(Beside::Drops) && self.finals().next().is_none() {
            may.push(if down && self.is_short() { Class::Truncated } else { Class::DataTimedOut });
        }
        self.late(may);
    }

    pub(super) fn endings_of_half_lines(&self, may: &mut Vec<Class>) {
        if let Fault::Closing(Position::Between, _) = self.case.fault {
            may.extend([Class::Protocol, Class::Invalid, Class::Lost]);
        }
    }

    /// Whether tickets may have been lost with an earlier data connection, and the server insists on resumption
    fn has_lost_tickets(&self) -> bool {
        let broke =
            |moved: &Move| matches!(moved.end, Some((MoveEnd::Failed(_), _))) || moved.fresh;
        self.case.way.is_tls()
            && self.case.profile.tickets().refusal.is_some()
            && self.end.moves.values().any(broke)
    }

    pub(super) fn sticky(&self) -> bool {
        matches!(self.case.habit, Habit::StickyRest(_))
    }

    pub(super) fn wrote_all(&self) -> bool {
        self.uploads() && self.moved().is_some_and(|moved| moved.bytes == FILE.len())
    }
}
