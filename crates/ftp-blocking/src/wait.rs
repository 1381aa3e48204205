//! Waiting: one `poll` on everything that can decide what comes next

use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::AsFd;
use rustix::io::Errno;

/// What a stream may receive at a time, see [`Stream::set_allowance`](ftp_tls::Stream::set_allowance): the
/// clock and the other connection are looked at in between, after well below a millisecond
pub(crate) const ALLOWANCE: usize = 256 * 1024;

/// What a socket is waited for, or is ready for
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Interest {
    pub(crate) const NONE: Self = Self { read: false, write: false };
    pub(crate) const READ: Self = Self { read: true, write: false };
    pub(crate) const WRITE: Self = Self { read: false, write: true };

    pub(crate) const fn is_none(self) -> bool {
        !self.read && !self.write
    }

    const fn flags(self) -> PollFlags {
        match (self.read, self.write) {
            (false, false) => PollFlags::empty(),
            (true, false) => PollFlags::IN,
            (false, true) => PollFlags::OUT,
            (true, true) => PollFlags::IN.union(PollFlags::OUT),
        }
    }
}

/// An entry for [`poll`]
pub(crate) fn entry<S: AsFd>(socket: &S, interest: Interest) -> PollFd<'_> {
    PollFd::new(socket, interest.flags())
}

/// What an entry is ready for; a hang-up or an error is for the next read or write to tell
pub(crate) fn ready(entry: &PollFd<'_>, interest: Interest) -> Interest {
    let events = entry.revents();
    let any = events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
    Interest {
        read: interest.read && (any || events.contains(PollFlags::IN)),
        write: interest.write && (any || events.contains(PollFlags::OUT)),
    }
}

/// Waits until an entry is ready or the deadline has passed, or for no visible reason
pub(crate) fn poll(entries: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<()> {
    /// Some systems count milliseconds in 32 bits; whoever waits longer is woken now and then
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    loop {
        let timeout = deadline.map(|at| at.saturating_duration_since(Instant::now()).min(LONGEST));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match rustix::event::poll(entries, timeout.as_ref()) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
