//! Tasks that share the sessions to one server, in virtual time

mod line;
mod verdict;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use ftp_proto::Prefetch;
use ftp_session::{Error, SessionEnd};

use super::member::{Member, State};
use super::pool::{Login, Pool, Report};
use super::{BudgetCase, Caller};
use crate::engine::door::{Counter, Door, Refusal};
use crate::engine::shell::{Shell, Waited};
use crate::engine::tls::Tls;
use crate::seed::Seed;
use crate::{Broken, Case, Fault, Habit, Profile, Task};

/// How long a task waits for a session
const PATIENCE: Duration = Duration::from_secs(900);

/// The end of a run at the latest: the tasks' work, their patience, and the deadlines of a session
const BOUND: Duration = Duration::from_secs(3600);

/// How long a server may take to answer QUIT
const QUIT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the server counts a session after its connection has fallen silent
const UNNOTICED: Duration = Duration::from_secs(60);

/// Why a task has ended
#[derive(Debug)]
pub(super) enum TaskEnd {
    Done,
    Failed(Error),
    /// The login was refused to another task
    Rejected,
    /// No session became free in time; the error of the last attempt that was refused to this task
    TimedOut(Option<Error>),
}

#[derive(Debug)]
enum TaskState {
    /// It begins at this time
    Later(Duration),
    /// In line
    Waiting,
    /// It has a session, or opens one
    Served,
    Ended(TaskEnd),
}

#[derive(Debug)]
struct Job {
    login: Login,
    state: TaskState,
    /// Since when it wants the session for which it waits
    since: Duration,
    refusal: Option<Error>,
}

/// The end of a run
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Sound,
    Hang(String),
    Wrong(String),
}

pub(super) struct World {
    case: BudgetCase,
    tls: Tls,
    traced: bool,
    now: Duration,
    seed: Seed,
    counter: Rc<RefCell<Counter>>,
    pool: Pool,
    tasks: Vec<Job>,
    /// The tasks that wait, in order
    line: Vec<usize>,
    members: BTreeMap<usize, Member>,
    /// Idle sessions, the one that was used last at the end
    idle: Vec<usize>,
    /// Sessions that are over, whose server has not heard everything yet
    over: BTreeMap<usize, Shell>,
    /// Number of sessions begun
    number: usize,
    /// Number of sessions that are being closed
    closing: usize,
    /// When to serve the line, even if nothing has happened
    look: Option<Duration>,
    /// By then the server has noticed the end of each session
    noticed: Duration,
    /// The largest number of live sessions in each of the watched periods
    peaks: Vec<usize>,
    /// When this was last looked at, and how many there were
    watched: (Duration, usize),
    digest: u64,
    pub(super) trace: String,
}

impl World {
    pub(super) fn new(case: BudgetCase, tls: Tls, traced: bool) -> Self {
        let mut hasher = DefaultHasher::new();
        case.hash(&mut hasher);
        let mut seed = Seed(hasher.finish() | 1);
        let limit = case.course.limit(case.limit, Duration::ZERO);
        let counter = Counter::new(case.refusal, limit, Seed(seed.number()));
        let spread = seed.below(2) == 0;
        let logins = seed.below(3);
        let tasks = (0..case.tasks).map(|number| {
            let begin = if spread { seed.below(60_000) as u64 } else { 0 };
            let login = match logins {
                1 if number % 2 == 1 => Login::Other,
                2 if number % 4 >= 2 && case.caller == Caller::Pool => Login::Wrong,
                _ => Login::Usual,
            };
            let state = TaskState::Later(Duration::from_millis(begin));
            Job { login, state, since: Duration::ZERO, refusal: None }
        });
        let tasks = tasks.collect();
        Self {
            tls,
            traced,
            now: Duration::ZERO,
            seed,
            counter: Rc::new(RefCell::new(counter)),
            pool: Pool::new(case.most, case.at_once),
            tasks,
            line: Vec::new(),
            members: BTreeMap::new(),
            idle: Vec::new(),
            over: BTreeMap::new(),
            number: 0,
            closing: 0,
            look: None,
            peaks: vec![0; case.course.watched().len()],
            noticed: Duration::ZERO,
            watched: (Duration::ZERO, 0),
            digest: 0,
            trace: String::new(),
            case,
        }
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if self.traced {
            self.trace.push_str(&format!("{:>12} {}\n", self.now.as_micros(), line()));
        }
    }

    /// Plays until all tasks have ended and all sessions are closed
    pub(super) fn play(&mut self) -> (Verdict, u64) {
        let verdict = loop {
            self.begin_tasks();
            self.change_limit();
            self.serve();
            self.watch();
            if let Some(what) = self.pool.wrong.take() {
                break Verdict::Wrong(what);
            }
            let is_over = self.tasks.iter().all(|t| matches!(t.state, TaskState::Ended(_)));
            if is_over {
                while self.close_oldest() {}
                if self.members.is_empty() {
                    break self.judge();
                }
            }
            match self.step() {
                Waited::Fine | Waited::Due(_) => {}
                Waited::Spins => break Verdict::Wrong("turns without waiting".to_owned()),
                Waited::Stuck => break Verdict::Hang(self.describe()),
            }
            if self.now > BOUND {
                break Verdict::Hang(self.describe());
            }
        };
        self.note(|| format!("{verdict:?}"));
        (verdict, self.digest)
    }

    fn describe(&self) -> String {
        let waiting = self.line.len();
        let sessions = self.members.len();
        format!("{waiting} tasks wait and {sessions} sessions live at {:?}", self.now)
    }

    /// Lets the next event happen
    fn step(&mut self) -> Waited {
        let mut next: Option<(Duration, Option<usize>)> = None;
        let mut offer = |at: Duration, whose: Option<usize>| {
            if next.is_none_or(|(before, _)| at < before) {
                next = Some((at, whose));
            }
        };
        for (number, shell) in &self.over {
            if let Some(at) = shell.net.borrow().next_arrival() {
                offer(at, Some(*number));
            }
        }
        for (number, member) in &mut self.members {
            if let Some(at) = member.shell.next() {
                offer(at, Some(*number));
            }
            if let State::Held(_, until) | State::Leaving(_, until) = member.state {
                offer(until, Some(*number));
            }
        }
        for task in &self.tasks {
            match task.state {
                TaskState::Later(at) => offer(at, None),
                TaskState::Waiting => offer(task.since + PATIENCE, None),
                TaskState::Served | TaskState::Ended(_) => {}
            }
        }
        let changes = self.case.course.changes().iter().chain(self.look.as_ref());
        changes.filter(|at| **at > self.now).for_each(|at| offer(*at, None));
        let Some((at, whose)) = next else { return Waited::Stuck };
        self.now = self.now.max(at);
        let Some(number) = whose else { return Waited::Fine };
        if let Some(shell) = self.over.get_mut(&number) {
            shell.catch_up(self.now);
            shell.settle_one();
            if shell.net.borrow().next_arrival().is_none() {
                self.forget(number);
            }
            return Waited::Fine;
        }
        let Some(member) = self.members.get_mut(&number) else { return Waited::Stuck };
        member.shell.catch_up(self.now);
        let waited = match member.shell.next() {
            Some(next) if next <= self.now => member.shell.wait(),
            _ => Waited::Fine,
        };
        self.act(number);
        waited
    }

    /// Lets a session do what it can, and handles what follows for its task
    fn act(&mut self, number: usize) {
        let now = self.now;
        let Some(member) = self.members.get_mut(&number) else { return };
        let result = member.turn(now);
        let failures = member.take_data_failures();
        let end = member.end();
        let state = member.state;
        for _ in 0..failures {
            self.note(|| format!("{number} data failed"));
            self.pool.report(&Report::DataFailed, now);
        }
        match (state, result) {
            (State::Opening(task, _), Some(result)) => self.opened(number, task, result),
            (State::Busy(task, _), Some(Ok(()))) => {
                let hold = Duration::from_millis(20_000 + self.seed.below(100_000) as u64);
                self.set(number, State::Held(task, now + hold));
            }
            (State::Busy(task, _), Some(Err(error))) => {
                self.note(|| format!("{number} task {task} fails: {error}"));
                self.ends(task, TaskEnd::Failed(error));
                match end {
                    Some(end) => self.ended(number, end),
                    None => self.give_back(number),
                }
            }
            (State::Held(task, until), _) if until <= now || self.notices(end) => {
                match end {
                    Some(end) => self.ended(number, end),
                    None => self.give_back(number),
                }
                match now < self.case.course.work() {
                    true => self.enter(task),
                    false => self.ends(task, TaskEnd::Done),
                }
            }
            (State::Idle, _) => {
                if let Some(end) = end {
                    self.idle.retain(|idle| *idle != number);
                    // It was not in use, so its end does not mean that the server has too many.
                    let cut = end == SessionEnd::Cut;
                    self.ended(number, if cut { SessionEnd::Orderly } else { end });
                }
            }
            (State::Leaving(_, until), result) => {
                let orderly = matches!(result, Some(Ok(())));
                if result.is_some() || end.is_some() || until <= now {
                    self.closing -= 1;
                    let end = if orderly { SessionEnd::Orderly } else { SessionEnd::Broken };
                    self.ended(number, end);
                }
            }
            (State::Opening(..) | State::Busy(..) | State::Held(..), _) => {}
        }
    }

    /// Whether the end of a session is noticed while no request runs
    fn notices(&self, end: Option<SessionEnd>) -> bool {
        self.case.caller == Caller::Manager && end.is_some()
    }

    fn set(&mut self, number: usize, state: State) {
        if let Some(member) = self.members.get_mut(&number) {
            member.state = state;
        }
    }

    /// Handles the end of a login
    fn opened(&mut self, number: usize, task: usize, result: Result<(), Error>) {
        let now = self.now;
        let Some(member) = self.members.get_mut(&number) else { return };
        let login = member.login;
        let Err(error) = result else {
            member.get(task);
            self.note(|| format!("{number} opened"));
            self.pool.accepts(login);
            return self.pool.report(&Report::Opened, now);
        };
        let refusal = member.refusal();
        self.note(|| format!("{number} not opened: {error}"));
        self.remove(number);
        if let Some(reply) = refusal {
            self.pool.gave_up(login);
            self.pool.report(&Report::Refused(&reply), now);
            self.tasks[task].refusal = Some(error);
            self.enter_again(task);
        } else if error.is_auth() {
            self.pool.report(&Report::Failed, now);
            self.pool.refuses(login);
            self.ends(task, TaskEnd::Failed(error));
        } else {
            self.pool.gave_up(login);
            self.pool.report(&Report::Failed, now);
            self.ends(task, TaskEnd::Failed(error));
        }
    }

    /// Handles the end of a session that was open
    fn ended(&mut self, number: usize, end: SessionEnd) {
        self.note(|| format!("{number} ended: {end:?}"));
        let Some(member) = self.members.get(&number) else { return };
        let login = member.login;
        self.remove(number);
        self.pool.ended(login);
        self.pool.report(&Report::Ended(end), self.now);
    }

    /// Takes a session out; its server still hears what is in flight
    fn remove(&mut self, number: usize) {
        let Some(mut member) = self.members.remove(&number) else { return };
        member.shell.leave();
        self.over.insert(number, member.shell);
        if self.over[&number].net.borrow().next_arrival().is_none() {
            self.forget(number);
        }
    }

    /// Forgets a session of which nothing is in flight
    fn forget(&mut self, number: usize) {
        let Some(shell) = self.over.remove(&number) else { return };
        let digest = shell.net.borrow().digest;
        self.digest = self.digest.rotate_left(9) ^ digest;
        if let Some(door) = &shell.host.door {
            // Otherwise the server has noticed the end.
            if door.leave(self.now + UNNOTICED) {
                self.noticed = self.now + 2 * UNNOTICED;
            }
        }
        if self.traced {
            let trace = shell.net.borrow_mut().trace.take().unwrap_or_default();
            self.trace.push_str(&format!("session {number}:\n{trace}"));
        }
    }

    /// Begins a session for a task
    fn open(&mut self, task: usize) {
        let login = self.tasks[task].login;
        let number = self.number;
        self.number += 1;
        self.tasks[task].state = TaskState::Served;
        let (faulty, fault) = self.case.fault;
        let case = Case {
            profile: Profile::Vsftpd,
            habit: Habit::None,
            way: self.case.way,
            task: Task::Get,
            fault: if faulty == number { fault } else { Fault::None },
            seed: self.seed.number(),
            prefetch: Prefetch::Off,
        };
        let mut shell = Shell::begun_at(self.now, case, self.tls, Broken::No, self.traced);
        shell.host.door = Some(Door::new(number, &self.counter));
        shell.until = Duration::MAX;
        // A client that wakes up late reports late, so the server may have refused once more.
        shell.manner.oversleeps = false;
        self.note(|| format!("{number} begun for task {task}"));
        self.members.insert(number, Member::new(shell, login, task));
        self.act(number);
    }

    /// Changes the server's limit when it is time
    fn change_limit(&mut self) {
        let limit = self.case.course.limit(self.case.limit, self.now);
        let mut counter = self.counter.borrow_mut();
        if counter.limit == limit {
            return;
        }
        counter.limit = limit;
        let surplus = match counter.refusal {
            Refusal::Cuts => counter.surplus(),
            _ => Vec::new(),
        };
        drop(counter);
        self.note(|| format!("the limit is {limit}"));
        for number in surplus {
            let shell = match self.members.get_mut(&number) {
                Some(member) => &mut member.shell,
                None => match self.over.get_mut(&number) {
                    Some(shell) => shell,
                    None => continue,
                },
            };
            shell.catch_up(self.now);
            let net = Rc::clone(&shell.net);
            shell.host.cut(&mut net.borrow_mut(), "Service not available, closing.");
        }
    }
}
