//! Waits with one poll(2) for everything that may decide what comes next

use std::io;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use ftp_session::system::Polled;
use ftp_session::{Interest, Slot, SocketRef};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use smallvec::SmallVec;

/// The slots that a session waits for, and after the wait, what each is ready for
pub(crate) type Slots = SmallVec<[(Slot, Interest, Polled); 4]>;

/// Enough for two sessions
pub(crate) type Entries<'a> = SmallVec<[PollFd<'a>; 8]>;

const fn flags(interest: Interest) -> PollFlags {
    match (interest.read, interest.write) {
        (false, false) => PollFlags::empty(),
        (true, false) => PollFlags::IN,
        (false, true) => PollFlags::OUT,
        (true, true) => PollFlags::IN.union(PollFlags::OUT),
    }
}

/// Adds a session's sockets to the entries for [`poll`], and notes their slots
pub(crate) fn enter<'a>(
    sockets: impl Iterator<Item = (Slot, SocketRef<'a, TcpStream, TcpListener>, Interest)>,
    entries: &mut Entries<'a>,
) -> Slots {
    let mut slots = Slots::new();
    for (slot, socket, interest) in sockets.filter(|(.., interest)| !interest.is_none()) {
        entries.push(match socket {
            SocketRef::Stream(stream) => PollFd::new(stream, flags(interest)),
            SocketRef::Listener(listener) => PollFd::new(listener, flags(interest)),
        });
        slots.push((slot, interest, Polled::Nothing));
    }
    slots
}

/// Notes what each slot is ready for, reading the entries in order
///
/// The next read or write reports a hang-up or an error.
pub(crate) fn outcome<'a>(slots: &mut Slots, entries: &mut impl Iterator<Item = &'a PollFd<'a>>) {
    for ((_, interest, found), entry) in slots.iter_mut().zip(entries) {
        let events = entry.revents();
        let any = events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
        interest.read &= any || events.contains(PollFlags::IN);
        interest.write &= any || events.contains(PollFlags::OUT);
        *found = match (any, interest.write) {
            (true, _) => Polled::Broken,
            (false, true) => Polled::Writable,
            (false, false) => Polled::Nothing,
        };
    }
}

/// Waits until an entry is ready or the deadline has passed; may also return early
pub(crate) fn poll(entries: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<()> {
    /// Some systems count milliseconds in 32 bits, so a longer wait is split
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    loop {
        let timeout = deadline.map(|at| at.saturating_duration_since(Instant::now()).min(LONGEST));
        if entries.is_empty() {
            // Windows calls a poll of nothing an invalid argument.
            std::thread::sleep(timeout.unwrap_or(LONGEST));
            return Ok(());
        }
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match rustix::event::poll(entries, timeout.as_ref()) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_sockets_the_deadline_alone_is_waited_for() {
        let begin = Instant::now();
        let wait = Duration::from_millis(50);
        poll(&mut [], Some(begin + wait)).unwrap();
        assert!(begin.elapsed() >= wait);
    }
}
