//! What must be reported of a request, whatever it is

use std::time::Duration;

use ftp_proto::{ConnectionError, Error};

use super::super::{Ask, ControlFault, Fault, Gone, Habit, HandshakeFault, Task, Way};
use super::{Class, Facts};

impl Facts<'_> {
    /// Every class that the result may have
    pub(super) fn expected(&self) -> Vec<Class> {
        if self.aborted_later() {
            return vec![Class::Aborted];
        }
        if self.greeted_again() {
            return self.after_second_greeting();
        }
        let mut may =
            if self.downloads() || self.uploads() { self.transfer() } else { self.simple() };
        if self.is_task() && self.case.task.aborts() {
            may.push(Class::Aborted);
        }
        if self.is_task() && self.case.task == Task::Quit {
            // Whatever it was, this side wanted the end.
            may.extend([Class::Done, Class::Local, Class::Lost]);
        }
        if let Fault::Wire(..) = self.case.fault {
            // Each is a true word about a network that failed; that all is done is not.
            may.extend([Class::Lost, Class::TlsFailed, Class::TimedOut, Class::Unconfirmed]);
            if self.downloads() || self.uploads() {
                may.extend([Class::DataFailed, Class::DataTimedOut, Class::Truncated]);
            }
        }
        // The greeting is no command's, and before TLS nothing can be trusted.
        if self.case.way.is_tls() && (self.misled() || self.is_broken_in_tls()) {
            // What is not TLS's came where TLS had begun, or nothing; or a part of it with the reply before.
            may.push(Class::TlsFailed);
            if self.op.ask == Ask::Login {
                may.push(Class::Protocol);
            }
        }
        match self.foreign() {
            // This side wanted the end anyway.
            Some("QUIT") => may.push(Class::Protocol),
            Some("") => may.extend([Class::Done, Class::Protocol, Class::NotServed, Class::Demand]),
            Some("AUTH" | "PBSZ" | "PROT") => {
                return vec![Class::Protocol, Class::TlsRefused, Class::TlsFailed];
            }
            // What comes while an abort settles is dropped until the proof that it is over.
            Some(_) if self.case.task.aborts() => may.push(Class::Protocol),
            Some("CWD") if self.is_late_final() => may.push(Class::TimedOut),
            Some(_) => {
                let mut may = vec![Class::Protocol];
                self.cut_by_the_end(&mut may);
                return may;
            }
            None => {}
        }
        let stray = self.end.strays.iter().filter(|stray| stray.end <= self.op.delivered);
        for stray in stray {
            may.extend([Class::Protocol, Class::Unexpected, Class::Invalid, Class::DataFailed]);
            if stray.idle != Some(true) {
                may.extend([Class::Refused(stray.code), Class::TimedOut, Class::DataTimedOut]);
                may.push(Class::Demand);
                // Nothing tells it from the answer, and from there on each is the next one's. Where a habit
                // is the cause something does: an opening reply, or the answer to `REST 0`.
                if self.case.habit.strays() {
                    continue;
                }
                let simple = !self.downloads() && !self.uploads();
                if simple || self.is_whole() {
                    may.push(Class::Done);
                }
            }
        }
        self.cut_by_the_end(&mut may);
        if let Fault::Control(ControlFault::Garbage, _) = self.case.fault {
            may.extend([Class::Protocol, Class::TimedOut, Class::Invalid, Class::Unexpected]);
            may.extend((400..600).map(Class::Refused));
            may.extend([Class::NoDirectory, Class::Truncated, Class::Unconfirmed]);
            if self.is_whole() || !self.downloads() && !self.uploads() {
                may.push(Class::Done);
            }
        }
        may
    }

    /// The session ends while a download runs of which bytes are known to be missing: that is told, with the
    /// end as its cause
    pub(super) fn cut_by_the_end(&self, may: &mut Vec<Class>) {
        let ends = [Class::Protocol, Class::TimedOut, Class::Lost, Class::Closing];
        let ended = may.iter().any(|class| ends.contains(class));
        if ended && self.downloads() && self.is_short() && self.opened() {
            may.push(Class::Truncated);
        }
    }

    /// Whether the control connection may end within a handshake
    fn is_broken_in_tls(&self) -> bool {
        matches!(self.case.fault, Fault::Closing(..) | Fault::ControlTls(HandshakeFault::Failed))
    }

    /// Whether a 220 came in place of the first reply after the greeting: some servers greet twice
    pub(super) fn greeted_again(&self) -> bool {
        let first = self.end.deeds.get(1).and_then(|deed| deed.said.first());
        first.is_some_and(|said| said.code == 220 && self.reached(said))
    }

    /// It is dropped, and each reply is the answer to the command before; the last one's never comes
    pub(super) fn after_second_greeting(&self) -> Vec<Class> {
        match (self.op.ask, self.case.way) {
            (Ask::Login, Way::Clear | Way::Active) => vec![Class::Done],
            // 331 is no answer to PROT.
            (_, Way::Implicit) => vec![Class::Protocol],
            _ => vec![Class::TimedOut],
        }
    }

    /// Whether the reply of another command can be a second final of the transfer before (RFC 959 section
    /// 5.4 has 225 and 226 for the two ways in which data connections end)
    pub(super) fn is_late_final(&self) -> bool {
        let codes = self.heard().filter(|(_, said)| !said.honest).map(|(_, said)| said.code);
        codes.last() == Some(225) && self.moved().is_some_and(|moved| moved.end.is_some())
    }

    /// Whether the server does not announce transfers before they are over
    pub(super) fn unannounced(&self) -> bool {
        matches!(self.case.habit, Habit::NoOpening | Habit::OpeningLast)
    }

    /// The session's end that the error tells as its cause, if that was not the end
    pub(super) fn wrong_cause(&self, result: &Result<(), Error>) -> Option<ConnectionError> {
        let error = result.as_ref().err()?;
        if let Error::Connection(_) = error {
            return None;
        }
        let cause = error.connection_error()?;
        let right = match Class::of(&Err(Error::Connection(cause.clone()))) {
            Class::Lost => self.end.gone.is_some(),
            Class::Closing => self.end.closing.is_some(),
            // Nothing came for as long as anything may take.
            Class::TimedOut => {
                self.end.gone.is_none_or(|Gone::Eof(at)| at >= self.op.at)
                    && self.op.at - self.op.since >= Duration::from_secs(2)
            }
            Class::Protocol => self.misled(),
            _ => false,
        };
        (!right).then(|| cause.clone())
    }
}
