//! The facts that concern one request

use std::time::Duration;

use super::super::server::{HOME, LISTING};
use super::super::session::{FILE, NAMED, NAMED_MORE, OTHER};
use super::super::{
    Ask, Case, ControlFault, Deed, End, FOREIGN, Fault, Gone, Habit, HandshakeFault, Move, MoveEnd,
    OpEnd, ReplyFault, Said, Stray, Task,
};
use super::Class;
use super::codes::{claims, is_identity};

/// The facts about one request
pub(super) struct Facts<'a> {
    pub(super) case: Case,
    pub(super) end: &'a End,
    pub(super) op: &'a OpEnd,
    /// Number of bytes that had reached the client when the previous request had ended
    pub(super) floor: usize,
    /// Number of the last data connection that the request used
    pub(super) number: Option<u32>,
    pub(super) main: Option<&'a Deed>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(case: Case, end: &'a End, index: usize) -> Self {
        let op = &end.ops[index];
        let before = index.checked_sub(1).map(|index| &end.ops[index]);
        let floor = before.map_or(0, |op| op.floor);
        let first = before.map_or(0, |op| op.number);
        // A connection that only takes what an aborted transfer has left does not count: nothing moves on it.
        let ended = |number: &u32| end.moves.get(number).is_some_and(|moved| moved.end.is_some());
        let last = (op.number > first).then_some(op.number);
        let number = (first + 1..=op.number).rev().find(ended).or(last);
        let mut this = Self { case, end, op, floor, number, main: None };
        let (verb, argument) = this.asked();
        let follows = this.is_task() && case.task.follows_a_listing();
        let first = before.filter(|_| follows).map_or(0, |op| op.deeds);
        this.main = end.deeds[first..op.deeds].iter().rev().find(|deed| {
            verb.contains(&&*deed.verb) && argument.is_none_or(|a| a == deed.argument)
        });
        this
    }

    /// Returns the command that decides the result
    pub(super) fn asked(&self) -> (&'static [&'static str], Option<&'static str>) {
        match self.op.ask {
            Ask::Login => (&["PASS", "ACCT"], None),
            Ask::Before => (&["LIST"], None),
            Ask::Noop => (&["NOOP"], None),
            Ask::Size => (&["SIZE"], Some("s")),
            Ask::Get => (&["RETR"], Some("p")),
            Ask::Delete => (&["DELE"], Some("nothere")),
            Ask::Put => (&["STOR"], Some("after")),
            Ask::Task => match self.case.task {
                Task::Get | Task::GetKnown | Task::AbortGet | Task::Resume | Task::ResumeLate => {
                    (&["RETR"], Some("f"))
                }
                Task::GetNamed => (&["RETR"], Some(NAMED)),
                Task::GetNamedMore => (&["RETR"], Some(NAMED_MORE)),
                Task::Put | Task::AbortPut => (&["STOR"], Some("new")),
                Task::Append => (&["APPE"], None),
                Task::Unique => (&["STOU"], None),
                Task::List | Task::AbortList => (&["LIST"], None),
                Task::Names => (&["NLST"], None),
                Task::Facts => (&["MLSD"], None),
                task if task.reads_directory() => (&["LIST", "MLSD", "NLST"], None),
                Task::Size => (&["SIZE"], Some("f")),
                Task::Mkdir => (&["MKD"], None),
                Task::Delete => (&["DELE"], Some("g")),
                Task::Rename => (&["RNTO"], None),
                Task::Features => (&["FEAT"], None),
                Task::Pwd | Task::Canonicalize => (&["PWD"], None),
                Task::Quit => (&["QUIT"], None),
                _ => (&[], None),
            },
        }
    }

    pub(super) fn is_task(&self) -> bool {
        self.op.ask == Ask::Task
    }

    /// Whether a server without faults was asked for something that it can do
    pub(super) fn must_succeed(&self) -> bool {
        let can = match self.op.ask {
            Ask::Delete => false,
            Ask::Task => !self.case.task.aborts() && !self.case.task.is_of_nothing(),
            _ => self.case.task != Task::Quit,
        };
        // Others end the transfer.
        let works = match self.case.habit {
            Habit::None => true,
            Habit::Beside(how) => !how.ends_transfers(),
            _ => false,
        };
        can && self.case.fault == Fault::None && works
    }

    pub(super) fn downloads(&self) -> bool {
        matches!(self.op.ask, Ask::Before | Ask::Get)
            || self.is_task() && self.case.task.downloads()
    }

    pub(super) fn uploads(&self) -> bool {
        self.op.ask == Ask::Put || self.is_task() && self.case.task.uploads()
    }

    pub(super) fn reached(&self, said: &Said) -> bool {
        said.end.is_some_and(|end| end <= self.op.delivered)
    }

    /// Returns the replies that reached the client while this request ran, each with its command
    pub(super) fn heard(&self) -> impl Iterator<Item = (&'a Deed, &'a Said)> + '_ {
        self.end
            .deeds
            .iter()
            .flat_map(|deed| deed.said.iter().map(move |said| (deed, said)))
            .filter(|(_, said)| self.reached(said) && said.end > Some(self.floor))
    }

    /// Returns the final replies to the deciding command, in order
    pub(super) fn finals(&self) -> impl Iterator<Item = &'a Said> + '_ {
        let said = self.main.map_or(&[][..], |deed| &deed.said);
        said.iter().filter(|said| said.code / 100 != 1 && self.reached(said))
    }

    pub(super) fn opened(&self) -> bool {
        self.main.is_some_and(|deed| {
            deed.said.iter().any(|said| said.code / 100 == 1 && self.reached(said))
        }) || self.moved().is_some_and(|moved| {
            moved.bytes > 0 || moved.end.is_some_and(|(end, _)| end == MoveEnd::Finished)
        })
    }

    pub(super) fn moved(&self) -> Option<&'a Move> {
        self.end.moves.get(&self.number?)
    }

    pub(super) fn received(&self) -> &'a [u8] {
        self.number.and_then(|number| self.end.received.get(&number)).map_or(&[], Vec::as_slice)
    }

    /// Returns the expected content of a download
    pub(super) fn wanted(&self) -> &'static [u8] {
        match self.op.ask {
            Ask::Get => return &OTHER[self.case.habit.next_offset()..],
            Ask::Before => return LISTING,
            _ => {}
        }
        match self.case.task {
            Task::ReadEmpty => b"",
            Task::List
            | Task::AbortList
            | Task::Names
            | Task::Facts
            | Task::ReadDir
            | Task::ReadInside
            | Task::ReadMissing
            | Task::ReadNext
            | Task::ReadNextMissing => LISTING,
            task => &FILE[task.offset()..],
        }
    }

    /// Whether all bytes have arrived where they should
    pub(super) fn is_whole(&self) -> bool {
        let holds =
            |name: &str, bytes: &[u8]| self.end.files.get(name).is_some_and(|file| file == bytes);
        if self.downloads() {
            return self.received() == self.wanted();
        }
        match (self.op.ask, self.case.task) {
            (Ask::Put, _) => holds("after", OTHER),
            (_, Task::Append) => holds("g", &[b"old", FILE].concat()),
            (_, Task::Unique) => holds("unique.1", FILE),
            _ => holds("new", FILE),
        }
    }

    /// Returns the sizes that the client may have taken for the expected one, if it knows any
    pub(super) fn known(&self) -> Vec<usize> {
        if self.is_task() && self.case.task == Task::GetKnown {
            return vec![FILE.len()];
        }
        let Some(deed) = self.main else { return Vec::new() };
        let told = |said: &Said| said.honest && said.code / 100 == 1 && self.reached(said);
        match deed.announced {
            // Either the size of the whole file or of its rest, because servers differ; if smaller than the marker, it
            // is the rest.
            Some(size) if deed.said.iter().any(told) => match size.checked_sub(deed.offset) {
                Some(rest) if deed.offset > 0 => vec![size, rest],
                _ => vec![size],
            },
            _ => Vec::new(),
        }
    }

    /// Whether the client can know that bytes are missing
    pub(super) fn is_short(&self) -> bool {
        let known = self.known();
        let came = self.received().len();
        // More than the smallest size may be right, because files grow. Between the two it is neither the rest by one
        // meaning nor by the other.
        match (known.iter().min(), known.iter().max()) {
            (Some(least), Some(most)) => came < *least || (came > *least && came < *most),
            _ => false,
        }
    }

    /// Returns what ended the session, and when
    pub(super) fn cause(&self) -> Option<(Class, Duration)> {
        if let Some((end, at)) = self.end.closing {
            if let (true, Some(at)) = (end <= self.op.delivered, at) {
                return Some((Class::Closing, at));
            }
        }
        match self.end.gone {
            Some(Gone::Eof(at)) if at <= self.op.at => Some((Class::Lost, at)),
            _ => None,
        }
    }

    /// Whether replies were lost or late, or were never going to come
    pub(super) fn silence(&self) -> bool {
        match self.case.fault {
            Fault::Control(ControlFault::Silent, _)
            | Fault::Reply(
                ReplyFault::Dropped | ReplyFault::Delayed | ReplyFault::Replaced(1),
                _,
            )
            | Fault::ControlTls(HandshakeFault::Silent) => true,
            Fault::Reply(ReplyFault::Foreign(index), _) => FOREIGN[usize::from(index)].0 < 200,
            _ => false,
        }
    }

    /// Whether the end of a download was noticed before a final reply that came too early (`Habit::FinalEarly`)
    pub(super) fn has_early_final_with_its_data(&self) -> bool {
        let is_early = matches!(self.case.habit, Habit::FinalEarly(_)) && self.downloads();
        let ended = self.moved().and_then(|moved| moved.end).map(|(_, at)| at);
        // The last byte of an upload may have been sent before the early reply was read.
        if matches!(self.case.habit, Habit::FinalEarly(_)) && self.uploads() {
            let early = |stray: &Stray| stray.code == 226 && stray.end == self.op.delivered;
            return self.end.strays.iter().any(early)
                && self.is_whole()
                && self.moved().is_some_and(|moved| moved.end.is_none());
        }
        let late = |stray: &Stray| stray.at >= ended && stray.end <= self.op.delivered;
        is_early && ended.is_some() && self.end.strays.iter().any(late)
    }

    /// Whether bytes arrived that are not a reply, or are another command's
    pub(super) fn misled(&self) -> bool {
        matches!(
            self.case.fault,
            Fault::Control(ControlFault::Garbage, _) | Fault::Reply(ReplyFault::Doubled, _)
        ) || self.end.strays.iter().any(|stray| stray.end <= self.op.delivered)
            || self.foreign().is_some()
            || self.heard().any(|(_, said)| !said.honest)
    }

    /// Whether the server carried out a command with a file's name in another working directory than the user's, although
    /// it had never said anything false
    pub(super) fn is_elsewhere(&self) -> bool {
        let names_a_file = matches!(self.op.ask, Ask::Size | Ask::Get | Ask::Put | Ask::Delete);
        let elsewhere = self.main.is_some_and(|deed| deed.here != HOME);
        let lied = |deed: &Deed| deed.said.iter().any(|said| !said.honest);
        names_a_file && elsewhere && !self.misled() && !self.end.deeds.iter().any(lied)
    }

    /// Returns the verb of a command that was answered with another command's reply
    pub(super) fn foreign(&self) -> Option<&'a str> {
        self.heard()
            .find(|(deed, said)| {
                !said.honest && is_identity(said.code) && !claims(&deed.verb, said.code)
            })
            .map(|(deed, _)| &*deed.verb)
    }

    /// Whether the application aborted the download after the task
    pub(super) fn aborted_later(&self) -> bool {
        self.op.ask == Ask::Get && self.end.aborted
    }
}
