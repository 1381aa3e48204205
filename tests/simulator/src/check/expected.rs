//! The results that are possible for a request of any kind

use std::time::Duration;

use ftp_proto::{ConnectionError, Error, Prefetch};

use super::super::{
    Ask, Beside, ControlFault, Deed, Fault, Gone, Habit, HandshakeFault, MoveEnd, Said, Task, Way,
};
use super::{Class, Facts};

impl Facts<'_> {
    /// Returns every class that the result may have
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
            // The client wanted the session to end, so any of these is fine.
            may.extend([Class::Done, Class::Local, Class::Lost]);
        }
        if let Fault::Wire(..) = self.case.fault {
            // Each of these is true of a network that failed; a success is not.
            may.extend([Class::Lost, Class::TlsFailed, Class::TimedOut, Class::Unconfirmed]);
            if self.downloads() || self.uploads() {
                may.extend([Class::DataFailed, Class::DataTimedOut, Class::Truncated]);
            }
        }
        // The greeting answers no command, and before TLS nothing can be trusted.
        if self.case.way.is_tls() && (self.misled() || self.is_broken_in_tls()) {
            // Clear text arrived after TLS had begun, or nothing, or a part of TLS with the reply before it.
            may.push(Class::TlsFailed);
            if self.op.ask == Ask::Login {
                may.push(Class::Protocol);
            }
        }
        match self.foreign() {
            // The client wanted the session to end anyway.
            Some("QUIT") => may.push(Class::Protocol),
            Some("") => may.extend([Class::Done, Class::Protocol, Class::NotServed, Class::Demand]),
            Some("AUTH" | "PBSZ" | "PROT") => {
                return vec![Class::Protocol, Class::TlsRefused, Class::TlsFailed];
            }
            // What arrives while an abort is being settled is dropped until the sentinel's answer.
            Some(_) if self.case.task.aborts() => {
                may.push(Class::Protocol);
                may.extend(self.logged_in_again().then_some(Class::TimedOut));
            }
            // It was sent during the transfer, which has a final reply of its own.
            Some("EPSV") if self.case.prefetch == Prefetch::Always => may.push(Class::Protocol),
            None if self.is_refused_as_a_transfer() => may.push(Class::Protocol),
            // The reply is taken for the answer to EPSV, for which nothing distinguishes it.
            Some(verb) if self.is_taken_for_a_port(verb) => {
                may.extend([Class::Protocol, Class::TimedOut, Class::DataTimedOut]);
            }
            // It was sent together with a CWD that was refused, so its reply is dropped.
            Some("EPSV")
                if self.case.task == Task::ReadNextMissing
                    && matches!(self.op.ask, Ask::Task | Ask::Noop) => {}
            Some("CWD") if self.is_late_final() => may.push(Class::TimedOut),
            Some(_) => {
                let mut may = vec![Class::Protocol];
                may.extend(self.logged_in_again().then_some(Class::TimedOut));
                self.cut_by_the_end(&mut may);
                return may;
            }
            None => {}
        }
        // A part of it is enough: it is clear text after the reply to AUTH (RFC 4217 section 15.1.1).
        if self.case.way.is_tls()
            && self.op.ask == Ask::Login
            && self.end.strays.iter().any(|stray| stray.begin < self.op.delivered)
        {
            may.extend([Class::Protocol, Class::TlsFailed]);
        }
        let stray = self.end.strays.iter().filter(|stray| stray.end <= self.op.delivered);
        for stray in stray {
            may.extend([Class::Protocol, Class::Unexpected, Class::Invalid, Class::DataFailed]);
            if stray.idle != Some(true) {
                may.extend([Class::Refused(stray.code), Class::TimedOut, Class::DataTimedOut]);
                may.push(Class::Demand);
                // Nothing distinguishes it from the answer, and after it every reply answers the command before. If a
                // habit is the cause, something does: a preliminary reply, or the answer to `REST 0`.
                if self.case.habit.strays() {
                    continue;
                }
                let simple = !self.downloads() && !self.uploads();
                if simple || self.is_whole() {
                    may.push(Class::Done);
                }
            }
        }
        let moves = self.downloads() || self.uploads();
        // Two final replies are expected at once, and one that was replaced, dropped or doubled contradicts both.
        let is_broken = matches!(self.case.fault, Fault::Reply(..));
        if self.case.prefetch == Prefetch::Always && moves && (self.misled() || is_broken) {
            may.extend([Class::Protocol, Class::TimedOut, Class::DataTimedOut]);
            may.push(Class::Unconfirmed);
        }
        // The simulated network reports the end of a dropped upload as that of a whole one.
        let in_order = self.moved().is_some_and(|m| matches!(m.end, Some((MoveEnd::Finished, _))));
        if matches!(self.case.habit, Habit::Beside(how) if how.ends_transfers())
            && in_order
            && (self.uploads() || self.downloads() && self.is_whole())
        {
            may.push(Class::Unconfirmed);
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

    /// Adds the error for a session that ends while a download is running of which bytes are known to be missing:
    /// truncated, with the end as its cause
    pub(super) fn cut_by_the_end(&self, may: &mut Vec<Class>) {
        let ends = [Class::Protocol, Class::TimedOut, Class::Lost, Class::Closing];
        let ended = may.iter().any(|class| ends.contains(class));
        if ended && self.downloads() && self.is_short() && self.opened() {
            may.push(Class::Truncated);
        }
    }

    /// Whether the reply to a transfer during which EPSV was sent was replaced by one to EPSV or PASV
    fn is_taken_for_a_port(&self, verb: &str) -> bool {
        let is_passive = |code| matches!(code, 227..=229);
        self.case.prefetch == Prefetch::Always
            && matches!(verb, "RETR" | "STOR" | "APPE" | "LIST" | "NLST" | "MLSD")
            && self.heard().any(|(_, said)| !said.honest && is_passive(said.code))
    }

    /// Whether EPSV, sent during a transfer, was refused with a reply that RFC 959 section 5.4 gives transfers alone
    fn is_refused_as_a_transfer(&self) -> bool {
        let is_refused = |deed: &Deed, said: &Said| deed.verb == "EPSV" && said.code == 426;
        self.case.prefetch == Prefetch::Always
            && self.heard().any(|(deed, said)| is_refused(deed, said))
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

    /// Whether a 230 came in place of the first reply after the login: some servers send two, so it is dropped, and the
    /// reply never comes
    fn logged_in_again(&self) -> bool {
        let said = self.end.deeds.iter().flat_map(|deed| &deed.said);
        let after = said.skip_while(|said| said.code != 230).nth(1);
        after.is_some_and(|said| said.code == 230 && !said.honest && self.reached(said))
    }

    /// The classes if it is dropped, so that each reply answers the command before, and the last reply never comes
    pub(super) fn after_second_greeting(&self) -> Vec<Class> {
        match (self.op.ask, self.case.way) {
            (Ask::Login, Way::Clear | Way::Active) => vec![Class::Done],
            // 331 does not answer PROT.
            (_, Way::Implicit) => vec![Class::Protocol],
            _ => vec![Class::TimedOut],
        }
    }

    /// Whether another command's reply can be a second final reply of the previous transfer (RFC 959 section 5.4 has
    /// 225 and 226 for the two ways in which data connections end)
    pub(super) fn is_late_final(&self) -> bool {
        let codes = self.heard().filter(|(_, said)| !said.honest).map(|(_, said)| said.code);
        codes.last() == Some(225) && self.moved().is_some_and(|moved| moved.end.is_some())
    }

    /// Whether the server sends no preliminary reply before the transfer is over
    pub(super) fn unannounced(&self) -> bool {
        matches!(self.case.habit, Habit::NoOpening | Habit::OpeningLast)
    }

    /// Returns the end of the session that the error names as its cause, if that was not the end
    pub(super) fn wrong_cause(&self, result: &Result<(), Error>) -> Option<ConnectionError> {
        let error = result.as_ref().err()?;
        if let Error::Connection(_) = error {
            return None;
        }
        let cause = error.connection_error()?;
        let right = match Class::of(&Err(Error::Connection(cause.clone()))) {
            Class::Lost => self.end.gone.is_some(),
            Class::Closing => self.end.closing.is_some(),
            // Nothing arrived for longer than any deadline.
            Class::TimedOut => {
                self.end.gone.is_none_or(|Gone::Eof(at)| at >= self.op.at)
                    && self.op.at - self.op.since >= Duration::from_secs(2)
            }
            Class::Protocol => self.misled() || self.case.habit == Habit::Beside(Beside::Aborts),
            _ => false,
        };
        (!right).then(|| cause.clone())
    }
}
