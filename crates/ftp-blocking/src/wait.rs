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
        // On Windows `IN` has two bits, one of which is for out-of-band data.
        interest.read &= any || events.intersects(PollFlags::IN);
        interest.write &= any || events.intersects(PollFlags::OUT);
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
    fn what_a_connection_is_ready_for() {
        use std::io::Write as _;

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let ready = |stream, listener| {
            let sockets = [
                (Slot::Control, SocketRef::Stream(stream), Interest { read: true, write: true }),
                (Slot::Data, SocketRef::Listener(listener), Interest { read: true, write: false }),
            ];
            let mut entries = Entries::new();
            let mut slots = enter(sockets.into_iter(), &mut entries);
            poll(&mut entries, Some(Instant::now() + Duration::from_secs(10))).unwrap();
            outcome(&mut slots, &mut entries.iter());
            slots.iter().map(|(_, interest, _)| (interest.read, interest.write)).collect::<Vec<_>>()
        };
        assert_eq!(ready(&near, &listener), [(false, true), (false, false)]);
        far.write_all(b"220 ready").unwrap();
        let _second = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        // What is written on loopback need not arrive at once.
        let end = Instant::now() + Duration::from_secs(10);
        while ready(&near, &listener) != [(true, true), (true, false)] {
            assert!(Instant::now() < end);
        }
    }

    #[test]
    fn without_sockets_the_deadline_alone_is_waited_for() {
        let begin = Instant::now();
        let wait = Duration::from_millis(50);
        poll(&mut [], Some(begin + wait)).unwrap();
        assert!(begin.elapsed() >= wait);
    }
}
