//! The shell of a session: how it connects and waits, and the clock

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ftp_proto::{Time, TraceDirection};
use ftp_session::{DialId, Host as Named, Interest, Options, Session, SocketRef};

use super::crypto;
use super::host::Host;
use super::manner::{Manner, Wakes};
use super::net::{Edge, Happening, Level, Listening, Net, PORT, Shared, Sock, THERE, Timer};
use super::tls::Tls;
use crate::replies::Replies;
use crate::seed::Seed;
use crate::{Broken, Case, End};

/// The server's name, which its certificate contains
const NAME: &str = "ftp.example";
/// The maximum duration of a wait: longer than all deadlines of a session together
const BOUND: Duration = Duration::from_secs(3600);
/// Maximum number of turns of a session
const STEPS: u32 = 40_000;
/// Maximum number of turns without any time passing: more means that the loop never waits
const SPINS: u32 = 5_000;

/// A connection that the shell is making
struct Dialing {
    id: DialId,
    sock: Sock,
    until: Option<Time>,
}

/// A session with its shell
pub(super) struct Shell {
    pub(super) session: Session<Sock, Listening>,
    pub(super) host: Host,
    pub(super) net: Shared,
    pub(super) manner: Manner,
    broken: Broken,
    dialing: Option<Dialing>,
    /// Number of turns so far, and since time has last passed
    steps: u32,
    spins: u32,
    last: Duration,
    /// When it counts as hanging
    pub(super) until: Duration,
    /// How far the session has come: bytes, replies, commands
    pub(super) extent: (usize, usize, usize),
}

/// The result of a wait
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// There is something to do
    Fine,
    /// A timer of the user has expired
    Due(Timer),
    /// Nothing will ever happen, or the wait is too long
    Stuck,
    /// Time does not pass
    Spins,
}

impl Shell {
    pub(super) fn new(case: Case, tls: Tls, broken: Broken, traced: bool) -> Self {
        Self::begun_at(Duration::ZERO, case, tls, broken, traced)
    }

    /// As [`Self::new`], but the session begins at this time
    pub(super) fn begun_at(
        now: Duration,
        case: Case,
        tls: Tls,
        broken: Broken,
        traced: bool,
    ) -> Self {
        // Each case has a client of its own, because there are more cases than timings.
        let mut hasher = DefaultHasher::new();
        case.hash(&mut hasher);
        let mut seed = Seed(hasher.finish() | 1);
        crypto::seed(seed.number());
        let manner = Manner::new(&mut seed);
        let mut net = Net::new(seed, manner, Replies::new(case.fault));
        net.now = now;
        net.trace = traced.then(|| format!("{manner:?}\n"));
        let asked = Arc::new(AtomicUsize::new(1));
        net.asked = Arc::clone(&asked);
        let options =
            Options::new(case.config(broken)).tls(tls.client()).host(NAME).trace(move |line| {
                if line.direction() == TraceDirection::Sent {
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        let session = if manner.dials {
            Session::dialed_by_shell(NAME, PORT, options, Time::after_origin(now))
        } else {
            Session::new(&[(THERE, PORT).into()], options, Time::after_origin(now))
        };
        let mut session: Session<Sock, Listening> = session.unwrap();
        session.start();
        Self {
            session,
            host: Host::new(case, tls),
            net: Rc::new(RefCell::new(net)),
            manner,
            broken,
            dialing: None,
            steps: 0,
            spins: 0,
            last: now,
            until: now + BOUND,
            extent: (0, 0, 0),
        }
    }

    pub(super) fn now(&self) -> Time {
        Time::after_origin(self.net.borrow().now)
    }

    pub(super) fn note(&self, line: impl FnOnce() -> String) {
        self.net.borrow_mut().note(line);
    }

    pub(super) fn turn(&mut self) {
        if self.manner.wakes == Wakes::Always {
            self.session.ready_all();
        }
        let now = self.now();
        let net = Rc::clone(&self.net);
        match self.manner.wakes {
            Wakes::Edge | Wakes::Always => self.session.turn(&mut Edge(net), now),
            Wakes::Level => self.session.turn(&mut Level(net), now),
        }
        self.dial();
    }

    /// Makes connections for the session
    fn dial(&mut self) {
        let request = self.session.dial_request().map(|request| {
            let ip = match request.host {
                Named::Name(_) => THERE,
                Named::Address(ip) => ip,
            };
            (request.id, (ip, request.port).into(), request.deadline)
        });
        let stale = |dialing: &mut Dialing| request.is_none_or(|(id, ..)| id != dialing.id);
        if let Some(dialing) = self.dialing.take_if(stale) {
            self.net.borrow_mut().close(dialing.sock.link);
        }
        let Some((id, to, until)) = request else { return };
        if self.dialing.is_none() {
            let link = self.net.borrow_mut().connect(id.slot(), to).unwrap();
            self.dialing = Some(Dialing { id, sock: Sock::new(&self.net, link), until });
        }
        let now = self.now();
        let Some(dialing) = &mut self.dialing else { return };
        dialing.until = until;
        let late = until.is_some_and(|until| until <= now);
        let outcome = match dialing.sock.outcome() {
            None if late => Err(std::io::ErrorKind::TimedOut.into()),
            None => return,
            Some(outcome) => outcome,
        };
        let Some(Dialing { id, sock, .. }) = self.dialing.take() else { return };
        let link = sock.link;
        let result = outcome.map(|()| (sock, Some(self.net.borrow().endpoints(link))));
        if result.is_err() {
            self.net.borrow_mut().close(link);
        }
        self.session.dialed(id, result, now);
        self.net.borrow_mut().tell(link);
    }

    /// Waits for the next event, within limits
    pub(super) fn wait(&mut self) -> Waited {
        let now = self.net.borrow().now;
        self.spins = if now == self.last { self.spins + 1 } else { 0 };
        self.last = now;
        self.steps += 1;
        if self.spins > SPINS {
            return Waited::Spins;
        }
        if self.steps > STEPS || now > self.until {
            return Waited::Stuck;
        }
        if self.has_work() {
            return Waited::Fine;
        }
        let deadline = self.deadline();
        let next = self.net.borrow().next_arrival();
        let waited = match (next, deadline) {
            (Some(next), deadline) if deadline.is_none_or(|deadline| next <= deadline) => {
                self.advance()
            }
            (_, Some(deadline)) => {
                let mut net = self.net.borrow_mut();
                net.now = net.now.max(deadline);
                net.note(|| "deadline".to_owned());
                Waited::Fine
            }
            (_, None) => Waited::Stuck,
        };
        // Returns as poll(2) does, with everything that is ready by then.
        if self.manner.wakes == Wakes::Level {
            self.poll();
        }
        waited
    }

    /// Whether a turn is due at once
    fn has_work(&mut self) -> bool {
        self.session.has_work() || self.manner.wakes == Wakes::Level && self.poll()
    }

    fn deadline(&self) -> Option<Duration> {
        let deadline = [self.session.deadline(), self.dialing.as_ref().and_then(|d| d.until)];
        let deadline = deadline.into_iter().flatten().min();
        deadline.filter(|_| self.broken != Broken::Hangs).map(Time::since_origin)
    }

    /// Until when [`Self::wait`] would wait; `None` if nothing will ever happen
    pub(super) fn next(&mut self) -> Option<Duration> {
        if self.has_work() {
            return Some(self.net.borrow().now);
        }
        [self.net.borrow().next_arrival(), self.deadline()].into_iter().flatten().min()
    }

    /// Sets the clock to a time that has passed elsewhere
    pub(super) fn catch_up(&self, now: Duration) {
        let mut net = self.net.borrow_mut();
        net.now = net.now.max(now);
    }

    /// Closes all connections without QUIT; only the server hears what is still in flight
    pub(super) fn leave(&mut self) {
        self.dialing = None;
        self.net.borrow_mut().close_all();
    }

    /// Lets the server hear the next event after [`Self::leave`]; returns false if there is none
    pub(super) fn settle_one(&mut self) -> bool {
        let mut net = self.net.borrow_mut();
        match net.advance() {
            Some(Happening::ToServer(link, segment)) => self.host.hear(&mut net, link, segment),
            Some(Happening::Due(timer)) => self.host.due(&mut net, timer),
            Some(_) => {}
            None => return false,
        }
        true
    }

    /// Lets the next event happen, and more if the shell oversleeps, which must not make anything count as late
    fn advance(&mut self) -> Waited {
        let mut net = self.net.borrow_mut();
        let oversleeps = self.manner.oversleeps && net.seed.below(8) == 0;
        let most = if oversleeps { net.seed.below(1_000) } else { 0 };
        let next = net.next_arrival().unwrap_or_default();
        let until = net.now.max(next) + Duration::from_millis(most as u64);
        drop(net);
        let mut waited = Waited::Fine;
        loop {
            let Some(happening) = self.net.borrow_mut().advance() else { break };
            self.note(|| format!("{happening:?}"));
            if let Some(due) = self.happen(happening) {
                waited = Waited::Due(due);
            }
            let later = self.net.borrow().next_arrival().is_none_or(|next| next > until);
            if !oversleeps || later || waited != Waited::Fine {
                break;
            }
        }
        if oversleeps && waited == Waited::Fine {
            let mut net = self.net.borrow_mut();
            net.now = net.now.max(until);
            net.note(|| "overslept".to_owned());
        }
        waited
    }

    /// Asks for what is ready, as poll(2) does; whether anything is
    fn poll(&mut self) -> bool {
        let net = self.net.borrow();
        let mut ready = Vec::new();
        for (slot, lent, wanted) in self.session.sockets() {
            let is = match lent {
                SocketRef::Stream(sock) => net.readiness(sock.link),
                SocketRef::Listener(_) => Interest { read: net.listener_is_ready(), write: false },
            };
            let told = Interest { read: is.read && wanted.read, write: is.write && wanted.write };
            if !told.is_none() {
                ready.push((slot, told));
            }
        }
        drop(net);
        if self.manner.one_by_one && ready.len() > 1 {
            let index = self.net.borrow_mut().seed.below(ready.len());
            ready = vec![ready[index]];
        }
        for &(slot, told) in &ready {
            self.session.ready(slot, told);
        }
        !ready.is_empty()
    }

    /// Handles an event; returns the timer if it is the user's
    fn happen(&mut self, happening: Happening) -> Option<Timer> {
        let edge = self.manner.wakes == Wakes::Edge;
        match happening {
            Happening::ToClient(link, interest) => {
                let net = self.net.borrow();
                let live = !net.link(link).is_closed();
                let slot = net.link(link).slot;
                drop(net);
                if edge && live {
                    self.session.ready(slot, interest);
                }
            }
            Happening::ToListener(slot) => {
                if edge {
                    self.session.ready(slot, Interest::READ);
                }
            }
            Happening::ToServer(link, segment) => {
                self.host.hear(&mut self.net.borrow_mut(), link, segment);
                let net = self.net.borrow();
                let slot = net.link(link).slot;
                let unblocks = net.unblocks(link);
                drop(net);
                if edge && unblocks {
                    self.session.ready(slot, Interest::WRITE);
                }
            }
            Happening::Due(timer @ (Timer::Resume | Timer::AbortNext)) => return Some(timer),
            Happening::Due(timer) => self.host.due(&mut self.net.borrow_mut(), timer),
        }
        None
    }

    /// Delivers what is in flight to the server, though the session is over
    fn settle(&mut self) {
        let mut net = self.net.borrow_mut();
        let until = net.now + Duration::from_secs(1);
        while net.next_arrival().is_some_and(|next| next <= until) {
            if let Some(Happening::ToServer(link, segment)) = net.advance() {
                self.host.hear(&mut net, link, segment);
            }
        }
    }

    /// Notes how far the session has come
    pub(super) fn note_extent(&mut self) {
        let mut net = self.net.borrow_mut();
        net.note_wires();
        self.extent = (net.control.bytes, net.control.replies, self.host.commands);
    }

    /// Returns the result of the session, without its requests
    pub(super) fn end(&mut self, bounded: bool) -> End {
        self.settle();
        let mut net = self.net.borrow_mut();
        let net = &mut *net;
        let (bytes, replies, commands) = self.extent;
        End {
            ops: Vec::new(),
            received: std::mem::take(&mut net.received),
            moves: std::mem::take(&mut net.moves),
            deeds: std::mem::take(&mut self.host.server.deeds),
            strays: std::mem::take(&mut net.control.strays),
            gone: net.gone,
            closing: net.control.closing,
            aborted: false,
            files: std::mem::take(&mut self.host.server.files),
            here: std::mem::take(&mut self.host.server.here),
            bounded,
            bytes,
            replies,
            commands,
            wires: net.wires,
            took: net.now,
            trace: net.trace.take().unwrap_or_default(),
        }
    }
}
